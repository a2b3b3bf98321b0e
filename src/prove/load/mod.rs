//! `ramen prove load`: promises that only hold under a load are put to the proof, on a marketplace of real
//! processes with two command APIs, and judged by the checker as well.

mod keys;

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use serde_json::json;

use crate::check;
use crate::client::{History, Patience, Recording};
use crate::console;
use crate::rig::{GroundArgs, Part, Plan, Rig};
use keys::Keys;

/// How much load, and where to say what came of it.
#[derive(Args, Clone, Debug)]
pub(crate) struct LoadArgs {
    #[command(flatten)]
    ground: GroundArgs,
    /// Idempotency keys
    #[arg(long, default_value_t = 10_000)]
    keys: usize,
    /// Requests with each of them, at once
    #[arg(long, default_value_t = 8)]
    copies: usize,
    /// Also write the report there, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Loads, checks and reports.
///
/// # Errors
/// When something was executed twice or not at all, a repeat was answered otherwise, or the books do not
/// agree.
pub(crate) async fn run(args: LoadArgs) -> anyhow::Result<()> {
    super::until_interrupted(prove(&args)).await
}

async fn prove(args: &LoadArgs) -> anyhow::Result<()> {
    let plan = Plan {
        of_each: 2,
        ..Plan::single(None, 1)
    };
    let mut rig = Rig::begin(&args.ground, &plan).await?;
    console::progress(format!("prove      logs in {}", rig.folder().display()));
    let loaded = load_and_check(&mut rig, args).await;
    let is_clean = loaded.as_ref().is_ok_and(|(_, clean)| *clean);
    let kept = rig.end(!is_clean).await?;
    if let Some(kept) = kept {
        console::line(format!("logs and history: {}", kept.display()));
    }
    let (keys, books) = loaded?;
    if let Some(path) = &args.json {
        let report = json!({ "keys": keys, "books_clean": books });
        std::fs::write(path, format!("{report:#}\n"))?;
    }
    console::line(&keys);
    ensure!(
        is_clean && keys.is_clean(),
        "not everything was as promised"
    );
    Ok(())
}

/// What became of the keys, and whether the books are clean.
async fn load_and_check(rig: &mut Rig, args: &LoadArgs) -> anyhow::Result<(Keys, bool)> {
    let base = rig.member(Part::QueryApi, 0).origin();
    let history = History::begin(rig.folder())?;
    let recording = Recording::of(&base, &history, 1).await?;
    let door = rig.door(Some(recording), Patience::Usual)?;
    let keys = keys::load(&door, args.keys, args.copies).await;
    let kept = rig.folder().join("history.jsonl");
    history.finish().await?.keep(&kept)?;
    let keys = keys?;
    let verdict = check::run(rig.books(Some(kept))?).await?;
    Ok((keys, verdict.is_clean()))
}
