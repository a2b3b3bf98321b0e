//! What some points need beside traffic: a rebuild, an event that cannot be folded, a second projector.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use anyhow::ensure;
use infra::clock::Clock;
use sqlx::{Executor as _, PgPool};

use super::strike::{Outcome, strike_member};
use super::strikes::{Action, Strike};
use crate::rig::{Part, Rig};
use crate::simulate::Scene;

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

/// Ends the sessions that say whose turn it is to fold.
const TAKE_TURN: &str = "SELECT pg_terminate_backend(pid) FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND database = (
         SELECT oid FROM pg_database WHERE datname = current_database()
     ) AND (classid::bigint << 32 | objid::bigint) = $1";
/// The projectors' lock: "ramen", "prj" in ASCII.
const TURN_LOCK: i64 = 0x7261_6d65_6e70_726a;
/// Between two losses: a projector asks once a second whether it still has its turn, so both fold now
/// and then, and one finds that the checkpoints have moved.
const LOSE_EVERY: Duration = Duration::from_millis(700);

/// Strikes a projector that loses its turn to a second one, again and again, until the point is passed.
///
/// # Errors
/// When the rig fails.
pub(super) async fn rival(
    rig: &mut Rig,
    scene: &Scene,
    owner: &PgPool,
    strike: &Strike,
) -> anyhow::Result<Outcome> {
    let second = rig.add(Part::Projector).await?;
    let lose = async {
        loop {
            let lost = sqlx::query(TAKE_TURN).bind(TURN_LOCK).execute(owner).await;
            if let Err(error) = lost {
                return anyhow::Error::new(error);
            }
            tokio::time::sleep(LOSE_EVERY).await;
        }
    };
    let struck = tokio::select! {
        struck = strike_member(rig.member(Part::Projector, 0), scene, owner, strike) => struck,
        error = lose => Err(error),
    };
    rig.member(Part::Projector, second).kill().await?;
    rig.remove(Part::Projector, second);
    struck
}
