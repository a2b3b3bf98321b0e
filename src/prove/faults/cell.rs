//! One fault, from its beginning to quiet.

use std::collections::BTreeMap;
use std::time::Duration;

use infra::clock::Clock;
use sqlx::PgPool;

use super::cells::Cell;
use super::lines::Lines;
use super::promise;
use super::recovery::Ended;
use crate::client::{Kind, Recording};
use crate::simulate::Scene;

/// P17: what had waited is done so long after a fault.
const QUIET_WITHIN: Duration = Duration::from_mins(1);
/// How much longer it is watched, so that the report says by how much a promise was missed.
const WATCHED: u32 = 3;

/// What came of a cell.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// How long the fault stayed.
    pub(super) held: Duration,
    /// Writes by their answers, from the fault's beginning to its end.
    pub(super) answers: BTreeMap<Kind, u64>,
    /// What the proxy has carried so far, in words.
    pub(super) passed: String,
    /// From the end of the fault to the first success.
    pub(super) success: Option<Duration>,
    /// From the end of the fault until nothing that had waited still did.
    pub(super) quiet: Option<Duration>,
    /// What was not as promised.
    pub(super) broken: Vec<String>,
}

/// Lets it go wrong, and watches until it is well again.
///
/// # Errors
/// When the rig cannot be looked at.
pub(super) async fn suffer(
    cell: &Cell,
    lines: &Lines,
    scene: &Scene,
    owner: &PgPool,
    has_broker: bool,
) -> anyhow::Result<Outcome> {
    let before = answers(scene);
    lines.set(cell.dependency, &cell.trouble).await?;
    let held = Clock::system().stopwatch();
    tokio::time::sleep(cell.hold).await;
    let answers = since(&before, answers(scene));
    let ended = Ended::now(cell.dependency, scene, owner).await?;
    lines.lift(cell.dependency).await?;
    let held = held.elapsed();
    let (success, quiet) = tokio::try_join!(
        within(
            cell.dependency.success_within(),
            ended.succeeds(scene, owner)
        ),
        within(QUIET_WITHIN, ended.is_quiet(has_broker, owner)),
    )?;
    let mut broken = broken(cell, &answers);
    broken.extend(late(
        cell.dependency.success_within(),
        success,
        "no success",
    ));
    if quiet.is_none() {
        broken.push(format!(
            "it does not come to rest: {}",
            ended.left(has_broker, owner).await?
        ));
    } else {
        broken.extend(late(QUIET_WITHIN, quiet, "not quiet"));
    }
    Ok(Outcome {
        held,
        answers,
        passed: lines.before(cell.dependency).passed().to_string(),
        success,
        quiet,
        broken,
    })
}

/// How long it takes; nothing when it takes several times what is promised.
async fn within(
    promised: Duration,
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<Option<Duration>> {
    let watch = Clock::system().stopwatch();
    match tokio::time::timeout(promised * WATCHED, work).await {
        Ok(done) => done.map(|()| Some(watch.elapsed())),
        Err(_) => Ok(None),
    }
}

fn late(promised: Duration, took: Option<Duration>, what: &str) -> Option<String> {
    let is_late = took.is_none_or(|took| took > promised);
    is_late.then(|| format!("{what} within {} s", promised.as_secs()))
}

fn broken(cell: &Cell, answers: &BTreeMap<Kind, u64>) -> Vec<String> {
    let broken = answers.iter().filter_map(|(kind, count)| {
        let why = promise::broken_by(cell.dependency, kind)?;
        Some(format!("{count} × {}: {why}", says(kind)))
    });
    broken.collect()
}

/// An answer in words.
pub(super) fn says(kind: &Kind) -> String {
    let status = kind
        .status
        .map_or("no answer".to_owned(), |s| s.to_string());
    let code = kind.code.as_ref().map(|code| format!(" {code}"));
    let when = if kind.says_when { " + Retry-After" } else { "" };
    format!("{status}{}{when}", code.unwrap_or_default())
}

fn answers(scene: &Scene) -> BTreeMap<Kind, u64> {
    let recording = scene.door.api().recording();
    recording.map(Recording::answers).unwrap_or_default()
}

fn since(before: &BTreeMap<Kind, u64>, mut now: BTreeMap<Kind, u64>) -> BTreeMap<Kind, u64> {
    for (kind, count) in before {
        if let Some(more) = now.get_mut(kind) {
            *more -= count;
        }
    }
    now.retain(|_, count| *count > 0);
    now
}
