//! `ramen prove kill`: every kill point is passed by a process that then dies, stops, panics or sleeps,
//! while people order; it is started again, everything comes to rest, and the checker reads the books.
//!
//! Reading order: `strikes` (what is to be done to whom), `session` (one rig, its traffic and its books),
//! `strike` (one fault from plan to recovery), `recovery` (when is a process back), `special` (what some
//! points need beside traffic), `report`.

mod recovery;
mod report;
mod session;
mod special;
mod strike;
mod strikes;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{bail, ensure};
use clap::Args;
use infra::clock::Clock;
use infra::fault;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::rig::GroundArgs;
use report::Report;
use strikes::{Action, Strike};

/// What to strike, how often, and where to say what came of it.
#[derive(Args, Clone, Debug)]
pub(crate) struct KillArgs {
    #[command(flatten)]
    ground: GroundArgs,
    /// Only this point; may be repeated
    #[arg(long = "point")]
    points: Vec<String>,
    /// Only this action; may be repeated
    #[arg(long = "action", value_enum)]
    actions: Vec<Action>,
    /// Each point once, killed: what `scripts/test` runs
    #[arg(long, conflicts_with = "minutes")]
    once: bool,
    /// Again and again, with other seeds, until so many minutes have passed
    #[arg(long)]
    minutes: Option<u64>,
    /// Seed of the traffic, of which passage is struck and of the order of strikes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Also write the report there, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl KillArgs {
    /// The strikes of one session.
    fn strikes(&self, seed: u64) -> anyhow::Result<Vec<Strike>> {
        let actions = match (self.once, self.actions.as_slice()) {
            (true, []) => &[Action::Kill][..],
            (false, []) => &Action::ALL,
            (_, chosen) => chosen,
        };
        strikes::of(&self.points, actions, &mut StdRng::seed_from_u64(seed))
    }
}

/// Strikes, checks and reports.
///
/// # Errors
/// When a point was not passed, a process did not come back, the books do not agree, or this build has no
/// kill points.
pub(crate) async fn run(args: KillArgs) -> anyhow::Result<()> {
    ensure!(
        fault::COMPILED,
        "this build has no kill points; build it with `cargo build --features faults`"
    );
    super::until_interrupted(prove(&args)).await
}

async fn prove(args: &KillArgs) -> anyhow::Result<()> {
    let watch = Clock::system().stopwatch();
    let until = Duration::from_secs(args.minutes.unwrap_or(0) * 60);
    let mut report = Report::default();
    for seed in args.seed.. {
        let strikes = args.strikes(seed)?;
        let left = until.saturating_sub(watch.elapsed());
        let budget = args.minutes.map(|_| left);
        Box::pin(session::run(
            &args.ground,
            seed,
            strikes,
            budget,
            &mut report,
        ))
        .await?;
        if watch.elapsed() >= until || !report.is_clean() {
            break;
        }
    }
    report.print();
    if let Some(path) = &args.json {
        std::fs::write(path, format!("{:#}\n", report.json(args.seed)))?;
    }
    if !report.is_clean() {
        bail!("not everything was as promised");
    }
    Ok(())
}
