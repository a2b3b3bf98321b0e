//! What some points need beside traffic: a rebuild, an event that cannot be folded, a second projector.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use anyhow::ensure;
use infra::clock::Clock;
use sqlx::{Executor as _, PgPool};

use super::strike::Outcome;
use super::strikes::{Action, Strike};
use crate::rig::{Part, Rig};

/// The view that is rebuilt.
const VIEW: &str = "orders";
/// How long a rebuild that was stopped stays so.
const STOPPED_FOR: Duration = Duration::from_secs(2);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Strikes a rebuild of a view and then brings one to its end: the proof that the first left nothing in
/// the way.
///
/// # Errors
/// When the rig fails, or the second rebuild does.
pub(super) async fn rebuild(rig: &mut Rig, strike: &Strike) -> anyhow::Result<Outcome> {
    let projector = rig.member(Part::Projector, 0);
    let mut first = projector.tool(&["rebuild", VIEW, "--yes"], Some(&strike.plan()))?;
    let since = Clock::system().stopwatch();
    if strike.action == Action::Stop {
        while !first.is_paused() {
            if first.ended()?.is_some() {
                return Ok(Outcome::NotHit);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        tokio::time::sleep(STOPPED_FOR).await;
        first.resume();
    }
    let status = first.died().await?;
    if !first.said().contains("fault ") {
        return Ok(Outcome::NotHit);
    }
    if strike.action == Action::Kill {
        ensure!(status.signal() == Some(9), "the rebuild ended by {status}");
    }
    let restarted = !status.success();
    if restarted {
        let mut second = projector.tool(&["rebuild", VIEW, "--yes"], None)?;
        let status = second.died().await?;
        ensure!(
            status.success(),
            "the next rebuild fails ({status}): {}",
            second.said()
        );
    }
    Ok(Outcome::Back {
        after: since.elapsed(),
        restarted,
    })
}

/// Makes the database refuse what a view says of orders from now on, so that events are parked.
///
/// # Errors
/// When the database refuses that.
pub(super) async fn poison(owner: &PgPool) -> anyhow::Result<()> {
    let sql = "ALTER TABLE views.orders ADD CONSTRAINT poison CHECK (false) NOT VALID";
    owner.execute(sql).await?;
    Ok(())
}

/// Takes that back and has what was parked folded.
///
/// # Errors
/// When something stays parked.
pub(super) async fn heal(rig: &mut Rig, owner: &PgPool) -> anyhow::Result<()> {
    owner
        .execute("ALTER TABLE views.orders DROP CONSTRAINT poison")
        .await?;
    let mut redrive = rig
        .member(Part::Projector, 0)
        .tool(&["redrive", "--all"], None)?;
    let status = redrive.died().await?;
    ensure!(
        status.success(),
        "what was parked stays so: {}",
        redrive.said()
    );
    Ok(())
}

/// Not in this suite yet.
///
/// # Errors
/// None so far.
pub(super) async fn rival(_: &mut Rig, _: &PgPool, _: &Strike) -> anyhow::Result<Outcome> {
    Ok(Outcome::NotRun("needs a second projector"))
}
