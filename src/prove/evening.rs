//! What every proof stands in: people who order, one evening after the other, whose clients keep a history, and the
//! books at the end.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::check::{self, Verdict};
use crate::client::{History, Patience, Recording};
use crate::rig::{Part, Plan, Rig};
use crate::simulate::{self, Scene, Traffic};

/// Marketplace seconds in a real second: an order takes most of a minute, an unpaid one ends by its timer
/// after fifteen seconds, and a restart does not take longer than a shop has to answer.
const SPEED: u32 = 60;
/// Orders of one evening, which lasts two minutes at this speed.
const ORDERS: usize = 150;
/// Between two looks at a condition outside.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The longest lease, a webhook's, is a minute of real time.
const LEASES_END_WITHIN: Duration = Duration::from_mins(3);
/// Strikes begin when the first orders are placed, or after this long.
const TRAFFIC_WITHIN: Duration = Duration::from_mins(2);

/// A marketplace whose clock shows the beginning of the evening of `seed`.
///
/// # Errors
/// When that evening has no beginning.
pub(super) fn plan(seed: u64) -> anyhow::Result<Plan> {
    let day = simulate::generate(seed, ORDERS);
    Ok(Plan::single(Some(simulate::origin(&day, SPEED)?), SPEED))
}

/// The people of a rig: they do not give up, and their writes are taken down in `history`.
///
/// # Errors
/// When the API does not publish its document.
pub(super) async fn scene(rig: &mut Rig, history: &History, seed: u64) -> anyhow::Result<Scene> {
    let base = rig.member(Part::QueryApi, 0).origin();
    let recording = Recording::of(&base, history, seed).await?;
    Ok(Scene {
        door: rig.door(Some(recording), Patience::Stubborn)?,
        vendor: rig.vendor(),
        clock: rig.clock().clone(),
    })
}

/// Evenings of orders until `closing` is cancelled and the last order has ended.
///
/// # Errors
/// When shops cannot be opened.
pub(super) async fn after_evening(
    closing: &CancellationToken,
    scene: &Scene,
    seed: u64,
) -> anyhow::Result<Traffic> {
    let mut traffic = Traffic::default();
    for evening in 0.. {
        let seed = seed.wrapping_add(evening);
        let day = simulate::generate(seed, ORDERS);
        traffic.add(&simulate::play_until(closing, &day, scene, seed).await?);
        if closing.is_cancelled() {
            break;
        }
    }
    Ok(traffic)
}

/// Waits until somebody has ordered: before that nothing is to be seen.
///
/// # Errors
/// When nobody does, or the database cannot be read.
pub(super) async fn until_ordering(owner: &PgPool) -> anyhow::Result<()> {
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

/// What the checker finds in the books of a rig at rest.
///
/// # Errors
/// When it cannot look.
pub(super) async fn books(rig: &Rig, history: PathBuf) -> anyhow::Result<Verdict> {
    let owner = PgPool::connect(rig.database_url()).await?;
    until_leases_end(&owner).await?;
    owner.close().await;
    check::run(rig.books(Some(history))?).await
}
