//! Plays a day on a running marketplace: all orders at their times, watched by a clock.

use std::time::Duration;

use futures::{StreamExt as _, future, stream};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::day::Day;
use super::fate::plan;
use super::fleet::Fleet;
use super::lag::Lag;
use super::life::live;
use super::probe::Probe;
use super::progress::Progress;
use super::stage::{Scene, midnight, open_probes, open_shops};
use super::tally::Tally;
use super::world::{DESKS, World};
use crate::client::Dispatcher;

/// What a played day gives.
#[derive(Debug)]
pub(crate) struct Played {
    /// What became of the orders.
    pub(crate) tally: Tally,
    /// Real time from the first order to the last one's end.
    pub(crate) took: Duration,
    /// The largest number of events that a view was behind.
    pub(crate) lag_events: i64,
    /// What went wrong while it was measured how soon everybody hears that something is sold out.
    pub(crate) probe_faults: Vec<String>,
    /// Seconds by which the day began late, because opening the shops took longer than planned.
    pub(crate) late_s: i64,
}

/// Opens the shops and plays the day to its end.
///
/// # Errors
/// When the shops cannot be opened; what goes wrong with single orders is in the tally.
pub(crate) async fn play(day: &Day, scene: &Scene, seed: u64) -> anyhow::Result<Played> {
    play_until(&CancellationToken::new(), day, scene, seed).await
}

/// The same, but nobody orders any more once `closing` is cancelled: the day ends with the last order
/// that is under way then.
///
/// # Errors
/// As [`play`].
pub(crate) async fn play_until(
    closing: &CancellationToken,
    day: &Day,
    scene: &Scene,
    seed: u64,
) -> anyhow::Result<Played> {
    let shops = open_shops(day, scene).await?;
    let probe_shops = open_probes(day, scene).await?;
    let desks = future::try_join_all((0..DESKS).map(|desk| scene.door.ops(desk))).await?;
    let midnight = midnight(day)?;
    let mut world = World {
        day,
        scene,
        midnight,
        shops,
        desks: desks.into_iter().map(Dispatcher).collect(),
        fleet: Fleet::new(day),
        couriers: day.couriers.iter().map(|_| OnceCell::new()).collect(),
    };
    let late_s = (world.now_s() - day.first_s()).max(0);
    world.midnight += chrono::TimeDelta::seconds(late_s);
    world.until(day.first_s()).await;
    let ops = scene.door.ops(DESKS).await?;
    let (lag, probe) = (Lag::default(), Probe::default());
    let watch = scene.clock.stopwatch();
    let progress = Progress::of(day.orders.len());
    let tally = tokio::select! {
        tally = live_all(&world, seed, &progress, closing) => tally,
        () = lag.watch(&ops) => unreachable!("the watch never ends"),
        () = probe.watch(scene.door.api(), &probe_shops) => unreachable!("the watch never ends"),
        () = progress.watch(&world) => unreachable!("the watch never ends"),
    };
    progress.end();
    let took = watch.elapsed();
    Ok(Played {
        tally,
        took,
        lag_events: lag.longest(),
        probe_faults: probe.into_faults(),
        late_s,
    })
}

async fn live_all(
    world: &World<'_>,
    seed: u64,
    progress: &Progress,
    closing: &CancellationToken,
) -> Tally {
    let count = world.day.orders.len();
    let mut lives = stream::iter(0..count)
        .map(async |index| {
            tokio::select! {
                () = world.until(world.day.orders[index].placed_s) => {}
                () = closing.cancelled() => return None,
            }
            Some(live(world, index, plan(seed, index)).await)
        })
        .buffer_unordered(count);
    let mut tally = Tally::default();
    while let Some(lived) = lives.next().await {
        if let Some(lived) = lived {
            tally.add(&lived);
        }
        progress.one_is_over();
    }
    tally
}
