//! One fault, from its plan to the process's first success after it.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use infra::clock::Clock;
use infra::fault::{Needs, Owner};
use sqlx::PgPool;

use super::recovery::Pulse;
use super::special;
use super::strikes::{Action, Strike};
use crate::rig::{Member, Part, READY_WITHIN, Rig};
use crate::simulate::Scene;

/// Longest time until a point is passed in running traffic.
const HIT_WITHIN: Duration = Duration::from_mins(1);
/// How long a process that was stopped stays so.
const STOPPED_FOR: Duration = Duration::from_secs(2);
/// Longest time until a process that was struck does its work again. The promised times are reported, not
/// asserted: a test on a busy machine would fail by chance.
const BACK_WITHIN: Duration = Duration::from_mins(1);
/// How often a process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// SIGKILL.
const KILLED: i32 = 9;

/// What came of a strike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The process was struck and works again.
    Back {
        /// From the fault to the first success.
        after: Duration,
        /// Whether it had to be started again.
        restarted: bool,
    },
    /// The point was not passed: nothing is proved.
    NotHit,
    /// It was struck and does not work again.
    Gone,
    /// This run cannot bring the point about, for this reason.
    NotRun(&'static str),
}

impl Outcome {
    /// In words.
    pub(super) fn says(&self) -> String {
        match self {
            Self::Back { after, restarted } => {
                let how = if *restarted { "started again" } else { "lives" };
                format!("{how}, back after {} ms", after.as_millis())
            }
            Self::NotHit => "NOT HIT".to_owned(),
            Self::Gone => "NOT BACK".to_owned(),
            Self::NotRun(why) => format!("not run: {why}"),
        }
    }
}

/// Strikes once.
///
/// # Errors
/// When the rig itself fails.
pub(super) async fn strike(
    rig: &mut Rig,
    scene: &Scene,
    owner: &PgPool,
    strike: &Strike,
) -> anyhow::Result<Outcome> {
    let part = match (strike.point.owner, strike.point.needs) {
        (Owner::Rebuild, _) => return special::rebuild(rig, strike).await,
        (_, Needs::Rival) => return special::rival(rig, scene, owner, strike).await,
        (Owner::CommandApi, _) => Part::CommandApi,
        (Owner::Publisher, _) => Part::Publisher,
        (Owner::Projector, _) => Part::Projector,
    };
    if strike.point.name.starts_with("pub.") && rig.ground().kafka_brokers().is_none() {
        return Ok(Outcome::NotRun("there is no broker"));
    }
    if strike.point.needs == Needs::Poison {
        special::poison(owner).await?;
    }
    let struck = strike_member(rig.member(part, 0), scene, owner, strike).await;
    if strike.point.needs == Needs::Poison {
        special::heal(rig, owner).await?;
    }
    struck
}

/// Strikes one member.
///
/// # Errors
/// When it cannot be started, or ends otherwise than planned.
pub(super) async fn strike_member(
    member: &mut Member,
    scene: &Scene,
    owner: &PgPool,
    strike: &Strike,
) -> anyhow::Result<Outcome> {
    arm(member, Some(&strike.plan())).await?;
    if !is_hit(member, strike).await? {
        // Nothing of the plan may strike later.
        arm(member, None).await?;
        return Ok(Outcome::NotHit);
    }
    let since = Clock::system().stopwatch();
    let pulse = Pulse::of(member.part(), scene, owner).await?;
    let restarted = suffer(member, strike.action).await?;
    let back = tokio::time::timeout(BACK_WITHIN, pulse.beats(scene, owner)).await;
    Ok(match back {
        Ok(beats) => {
            beats?;
            Outcome::Back {
                after: since.elapsed(),
                restarted,
            }
        }
        Err(_) => Outcome::Gone,
    })
}

/// Starts a member anew, with a plan or without. It is killed for that: one more fault.
async fn arm(member: &mut Member, plan: Option<&str>) -> anyhow::Result<()> {
    if member.ended()?.is_some() {
        member.died().await?;
    } else {
        member.kill().await?;
    }
    member.plan(plan);
    member.start()
}

/// Waits until the point is passed as often as planned; says whether it was.
async fn is_hit(member: &mut Member, strike: &Strike) -> anyhow::Result<bool> {
    let marker = format!("fault {}: ", strike.point.name);
    let hit = async {
        loop {
            if member.said().contains(&marker) {
                return anyhow::Ok(());
            }
            if let Some(status) = member.ended()? {
                let said = member.said().contains(&marker);
                ensure!(said, "it ended by itself ({status}), see its log");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    match tokio::time::timeout(HIT_WITHIN, hit).await {
        Ok(hit) => hit.map(|()| true),
        Err(_) => Ok(false),
    }
}

/// Lets the action have its way, and starts the member again when it died of it.
async fn suffer(member: &mut Member, action: Action) -> anyhow::Result<bool> {
    match action {
        Action::Kill => {
            let status = member.died().await?;
            ensure!(status.signal() == Some(KILLED), "it ended by {status}");
        }
        Action::Stop => {
            while !member.is_paused() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            tokio::time::sleep(STOPPED_FOR).await;
            member.resume()?;
            return Ok(false);
        }
        Action::Panic => {
            // Whether a panic ends the process depends on what panicked: a request's does not.
            let died = tokio::time::timeout(STOPPED_FOR, member.died()).await;
            match died {
                Ok(died) => drop(died?),
                Err(_) => return Ok(false),
            }
        }
        Action::Sleep => return Ok(false),
    }
    member.plan(None);
    member.start()?;
    member
        .ready(READY_WITHIN)
        .await
        .context("after its death")?;
    Ok(true)
}
