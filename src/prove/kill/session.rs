//! One rig from its start to its books: people order all the time, strikes come one after the other.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::report::Report;
use super::strike::strike;
use super::strikes::Strike;
use crate::client::History;
use crate::console;
use crate::prove::evening;
use crate::rig::{GroundArgs, Rig};
use crate::simulate::Scene;

/// Runs `strikes` while people order, then waits for rest and checks everything. With a `budget` no new
/// strike begins after it.
///
/// # Errors
/// When the rig does not start or cannot be looked at. What is not as promised is in the report.
pub(super) async fn run(
    ground: &GroundArgs,
    seed: u64,
    strikes: Vec<Strike>,
    budget: Option<Duration>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut rig = Rig::begin(ground, &evening::plan(seed)?).await?;
    console::progress(format!(
        "prove      seed {seed}: {} strikes, logs in {}",
        strikes.len(),
        rig.folder().display()
    ));
    let history = History::begin(rig.folder())?;
    let struck = order_and_strike(&mut rig, &history, seed, strikes, budget, report).await;
    let written = history.finish().await?;
    let kept = rig.folder().join("history.jsonl");
    written.keep(&kept)?;
    let checked = match &struck {
        Ok(()) => check_books(&mut rig, kept, seed, report).await,
        Err(_) => Ok(()),
    };
    let is_clean = struck.is_ok() && checked.is_ok() && report.is_clean();
    let ended = rig.end(!is_clean).await;
    struck?;
    checked?;
    if let Some(folder) = ended? {
        report.kept(folder);
    }
    Ok(())
}

async fn order_and_strike(
    rig: &mut Rig,
    history: &History,
    seed: u64,
    strikes: Vec<Strike>,
    budget: Option<Duration>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let scene = evening::scene(rig, history, seed).await?;
    let closing = CancellationToken::new();
    let ordering = evening::after_evening(&closing, &scene, seed);
    let striking = async {
        let struck = strike_all(rig, &scene, strikes, budget, report).await;
        closing.cancel();
        struck.map(|()| report)
    };
    let (traffic, report) = tokio::try_join!(ordering, striking)?;
    report.ordered(&traffic);
    Ok(())
}

async fn strike_all(
    rig: &mut Rig,
    scene: &Scene,
    strikes: Vec<Strike>,
    budget: Option<Duration>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let owner = PgPool::connect(rig.database_url()).await?;
    evening::until_ordering(&owner).await?;
    let watch = infra::clock::Clock::system().stopwatch();
    let count = strikes.len();
    for (number, planned) in strikes.into_iter().enumerate() {
        if budget.is_some_and(|budget| watch.elapsed() >= budget) {
            break;
        }
        let outcome = Box::pin(strike(rig, scene, &owner, &planned)).await;
        let outcome = outcome.with_context(|| planned.plan())?;
        console::progress(format!(
            "prove      {:>3} of {count}  {:<24} {}",
            number + 1,
            planned.plan(),
            outcome.says()
        ));
        report.struck(&planned, outcome);
    }
    owner.close().await;
    Ok(())
}

async fn check_books(
    rig: &mut Rig,
    history: PathBuf,
    seed: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let verdict = evening::books(rig, history).await?;
    report.checked(seed, &verdict);
    Ok(())
}
