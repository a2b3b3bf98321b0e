//! One rig from its start to its books: people order all the time, strikes come one after the other.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::report::Report;
use super::strike::strike;
use super::strikes::Strike;
use crate::check;
use crate::client::{History, Patience, Recording};
use crate::console;
use crate::rig::{GroundArgs, Plan, Rig};
use crate::simulate::{self, Scene, Traffic};

/// Marketplace seconds in a real second: an order takes most of a minute, an unpaid one ends by its timer
/// after fifteen seconds, and a restart does not take longer than a shop has to answer.
const SPEED: u32 = 60;
/// Orders of one evening, which lasts two minutes at this speed.
const ORDERS: usize = 150;
/// Between two looks at a condition outside.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The longest lease, a webhook's, is two minutes of real time.
const LEASES_END_WITHIN: Duration = Duration::from_mins(3);
/// Strikes begin when the first orders are placed, or after this long.
const TRAFFIC_WITHIN: Duration = Duration::from_mins(2);

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
    let day = simulate::generate(seed, ORDERS);
    let plan = Plan::single(Some(simulate::origin(&day, SPEED)?), SPEED);
    let mut rig = Rig::begin(ground, &plan).await?;
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
    let base = rig.member(crate::rig::Part::QueryApi, 0).origin();
    let recording = Recording::of(&base, history, seed).await?;
    let scene = Scene {
        door: rig.door(Some(recording), Patience::Stubborn)?,
        vendor: rig.vendor(),
        clock: rig.clock().clone(),
    };
    let closing = CancellationToken::new();
    let ordering = async {
        let mut traffic = Traffic::default();
        for evening in 0.. {
            let day = simulate::generate(seed.wrapping_add(evening), ORDERS);
            let seed = seed.wrapping_add(evening);
            traffic.add(&simulate::play_until(&closing, &day, &scene, seed).await?);
            if closing.is_cancelled() {
                break;
            }
        }
        anyhow::Ok(traffic)
    };
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
    until_ordering(&owner).await?;
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

/// Waits until somebody has ordered: before that most points are not passed.
async fn until_ordering(owner: &PgPool) -> anyhow::Result<()> {
    let ordering = async {
        loop {
            let some =
                "SELECT EXISTS (SELECT FROM es.events WHERE aggregate_type = 'payment.payment')";
            if sqlx::query_scalar(some).fetch_one(owner).await? {
                return anyhow::Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let ordering = tokio::time::timeout(TRAFFIC_WITHIN, ordering).await;
    ordering.context("nobody orders")?
}

/// Waits until nobody's lease keeps work from being done: what a process had taken when it was killed is
/// taken again minutes later, which the checker would not wait for. What waits longer is for it to find.
async fn until_leases_end(owner: &PgPool) -> anyhow::Result<()> {
    let ended = async {
        loop {
            let left = "SELECT (SELECT count(*) FROM ops.webhook_inbox WHERE status = 'pending')
                             + (SELECT count(*) FROM ops.effects WHERE status IN ('pending', 'sent'))";
            let left: i64 = sqlx::query_scalar(left).fetch_one(owner).await?;
            if left == 0 {
                return anyhow::Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let ended = tokio::time::timeout(LEASES_END_WITHIN, ended).await;
    ended.unwrap_or(Ok(()))
}

async fn check_books(
    rig: &mut Rig,
    history: PathBuf,
    seed: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let owner = PgPool::connect(rig.database_url()).await?;
    until_leases_end(&owner).await?;
    owner.close().await;
    let verdict = check::run(rig.books(Some(history))?).await?;
    report.checked(seed, &verdict);
    Ok(())
}
