//! The cells of one dependency: one rig, in which people order all the time while fault follows fault, and its books at
//! the end.

use std::time::Duration;

use anyhow::Context as _;
use infra::clock::Clock;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::cell;
use super::cells::{Cell, Dependency};
use super::lines::Lines;
use super::report::Report;
use crate::client::History;
use crate::console;
use crate::prove::evening;
use crate::rig::Rig;
use crate::simulate::Scene;

/// Runs `cells`, all of one dependency. With a `budget` no new one begins after it.
///
/// # Errors
/// When the rig does not start or cannot be looked at. What is not as promised is in the report.
pub(super) async fn run(
    seed: u64,
    cells: Vec<&Cell>,
    budget: Option<Duration>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let Some(dependency) = cells.first().map(|cell| cell.dependency) else {
        return Ok(());
    };
    let (mut rig, lines) = Lines::lay(&evening::plan(seed)?, seed).await?;
    console::progress(format!(
        "prove      {}: {} faults, logs in {}",
        dependency.name(),
        cells.len(),
        rig.folder().display()
    ));
    if dependency == Dependency::Kafka && rig.ground().kafka_brokers().is_none() {
        report.not_run("kafka: there is no broker on this machine");
        rig.end(false).await?;
        return Ok(());
    }
    let history = History::begin(rig.folder())?;
    let suffered = order_and_suffer(&mut rig, &lines, &history, seed, cells, budget, report).await;
    let written = history.finish().await?;
    let kept = rig.folder().join("history.jsonl");
    written.keep(&kept)?;
    let checked = match &suffered {
        Ok(()) => evening::books(&rig, kept).await.map(Some),
        Err(_) => Ok(None),
    };
    if let Ok(Some(verdict)) = &checked {
        report.checked(dependency, verdict);
    }
    let is_clean = suffered.is_ok() && checked.is_ok() && report.is_clean();
    let ended = rig.end(!is_clean).await;
    suffered?;
    checked?;
    if let Some(folder) = ended? {
        report.kept(folder);
    }
    Ok(())
}

async fn order_and_suffer(
    rig: &mut Rig,
    lines: &Lines,
    history: &History,
    seed: u64,
    cells: Vec<&Cell>,
    budget: Option<Duration>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let scene = evening::scene(rig, history, seed).await?;
    let closing = CancellationToken::new();
    let ordering = evening::after_evening(&closing, &scene, seed);
    let suffering = async {
        let suffered = suffer_all(rig, lines, &scene, cells, budget, report).await;
        closing.cancel();
        suffered.map(|()| report)
    };
    let (traffic, report) = tokio::try_join!(ordering, suffering)?;
    report.ordered(&traffic);
    Ok(())
}

async fn suffer_all(
    rig: &mut Rig,
    lines: &Lines,
    scene: &Scene,
    cells: Vec<&Cell>,
    budget: Option<Duration>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let owner = PgPool::connect(rig.database_url()).await?;
    let has_broker = rig.ground().kafka_brokers().is_some();
    evening::until_ordering(&owner).await?;
    let watch = Clock::system().stopwatch();
    let count = cells.len();
    for (number, cell) in cells.into_iter().enumerate() {
        if budget.is_some_and(|budget| watch.elapsed() >= budget) {
            report.not_run(&format!("{}: the time was over", cell.name()));
            continue;
        }
        let outcome = cell::suffer(cell, lines, scene, &owner, has_broker).await;
        let outcome = outcome.with_context(|| cell.name())?;
        report.suffered(cell, outcome);
        console::progress(format!(
            "prove      {:>3} of {count}  {}",
            number + 1,
            report.last()
        ));
    }
    owner.close().await;
    Ok(())
}
