//! What the product relies on at its ports, asserted of those in memory and of the real ones: the fake is
//! never kinder.

mod feed;
mod journal;
mod tables;

use std::sync::Arc;

use command_api::processes::tables::PostgresTables;
use command_api::publisher::{Sequencer, handover};
use infra::clock::Clock;
use infra::event_store::{EventLog, EventStore};
use infra::feed::{HeadWatch, StoreFeed};
use infra::lifecycle::{Doorbell, Loop as _};
use infra::postgres::Role;
use infra::testing::TestDatabase;
use tokio_util::sync::CancellationToken;

use crate::line::Line;
use crate::memory::MemoryFeed;
use crate::world::World;

/// A world without faults.
fn calm() -> Arc<World> {
    World::new(1, 0, None)
}

#[tokio::test(start_paused = true)]
async fn the_journal_in_memory_keeps_the_contract() {
    journal::holds(&EventStore::over(Arc::new(Line::new(calm())))).await;
}

#[tokio::test]
async fn the_journal_in_postgres_keeps_the_contract() {
    let database = TestDatabase::create().await;
    let (store, tasks) = EventStore::new(database.pool(Role::App), database.options());
    let stop = CancellationToken::new();
    let tasks = crate::spawn(tasks.run(stop.clone()));
    journal::holds(&store).await;
    stop.cancel();
    tasks.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_tables_in_memory_keep_the_contract() {
    tables::hold(&Line::new(calm())).await;
}

#[tokio::test]
async fn the_tables_in_postgres_keep_the_contract() {
    let database = TestDatabase::create().await;
    tables::hold(&PostgresTables::new(database.pool(Role::App))).await;
}

#[tokio::test(start_paused = true)]
async fn the_feed_in_memory_keeps_the_contract() {
    let world = calm();
    let line = Line::new(Arc::clone(&world));
    feed::fill(&EventStore::over(Arc::new(line.clone()))).await;
    while world.memory().number(|streams| streams.saturating_sub(1)) {}
    feed::holds(|| MemoryFeed::new(line.clone())).await;
}

#[tokio::test]
async fn the_feed_of_postgres_keeps_the_contract() {
    let database = TestDatabase::create().await;
    let (store, tasks) = EventStore::new(database.pool(Role::App), database.options());
    let stop = CancellationToken::new();
    let tasks = crate::spawn(tasks.run(stop.clone()));
    feed::fill(&store).await;
    let (head, clock) = (HeadWatch::default(), Clock::system());
    let (leadership, _handed) = handover(Doorbell::new());
    let mut sequencer = Sequencer::new(database.options(), clock, head.clone(), leadership);
    sequencer.step().await.unwrap();
    feed::holds(|| StoreFeed::new(EventLog::new(database.pool(Role::App)), &head)).await;
    stop.cancel();
    tasks.await.unwrap();
}
