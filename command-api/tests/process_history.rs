//! A process on a log that is not the one it has read: it stops, and nothing follows from anything.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use command_api::processes::tables::PostgresTables;
use command_api::processes::{Runner, RunnerError};
use command_api::publisher::{Sequencer, handover};
use domain::kernel::flags::Flags;
use domain::processes::OrderFulfilment;
use infra::clock::Clock;
use infra::event_store::{EventLog, OtherHistory};
use infra::feed::{HeadWatch, StoreFeed};
use infra::http::health::Readiness;
use infra::lifecycle::{Doorbell, Loop as _, Progress};
use infra::postgres::Role;
use infra::testing::TestDatabase;
use sqlx::PgPool;
use tokio::sync::watch;
use uuid::Uuid;

/// Stores an event that the process does not care about, and numbers it.
async fn store(owner: &PgPool, sequencer: &mut Sequencer, id: u128) {
    sqlx::query(
        "INSERT INTO es.events (aggregate_type, aggregate_id, sequence, event_type, event_version,
             payload, metadata, event_id, recorded_at)
         VALUES ('restaurant.restaurant', $1, 1, 'submitted', '1', '{\"type\": \"submitted\"}', '{}',
             $2, '2026-11-22T12:00:00Z')",
    )
    .bind(Uuid::from_u128(id).to_string())
    .bind(Uuid::from_u128(id))
    .execute(owner)
    .await
    .unwrap();
    assert_eq!(sequencer.step().await.unwrap(), Progress::DidAll(1));
}

/// Reads to the end. Nothing follows there, so the place is stored by a look that finds nothing.
async fn settle(runner: &mut Runner<OrderFulfilment>) -> Result<(), RunnerError> {
    while runner.step().await? != Progress::Idle {}
    Ok(())
}

async fn position(owner: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT position FROM ops.process_positions")
        .fetch_one(owner)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_process_goes_on_after_a_restart_and_stops_on_another_history() {
    let database = TestDatabase::create().await;
    let (owner, readiness) = (database.owner(), Readiness::new());
    let (leadership, _handed) = handover(Doorbell::new());
    let (head, clock) = (HeadWatch::default(), Clock::system());
    let mut sequencer = Sequencer::new(database.options(), clock.clone(), head.clone(), leadership);
    let (_lead, leading) = watch::channel(Some(1));
    let start = || {
        let pool = database.pool(Role::App);
        let feed = StoreFeed::new(EventLog::new(pool.clone()), &head);
        let tables = PostgresTables::new(pool);
        let (clock, bell) = (clock.clone(), Doorbell::new());
        let (flags, leading) = (Arc::new(Flags::default()), leading.clone());
        Runner::<OrderFulfilment>::new(tables, clock, flags, feed, leading, bell, &readiness)
    };
    store(&owner, &mut sequencer, 1).await;
    settle(&mut start()).await.unwrap();
    assert_eq!(position(&owner).await, 1);
    store(&owner, &mut sequencer, 2).await;
    let mut runner = start();
    assert_eq!(
        runner.step().await.unwrap(),
        Progress::DidAll(1),
        "a restart is no other history, and nothing is read twice"
    );
    settle(&mut runner).await.unwrap();
    assert_eq!(position(&owner).await, 2);

    // Its position as it would stand beside a log that was restored without it and went on.
    sqlx::query("UPDATE ops.process_positions SET hash = sha256('another')")
        .execute(&owner)
        .await
        .unwrap();
    store(&owner, &mut sequencer, 3).await;
    let overtaken = settle(&mut runner).await.unwrap_err();
    assert!(OtherHistory::beneath(&overtaken).is_none(), "{overtaken}");
    for mut stopped in [runner, start()] {
        let error = stopped.step().await.unwrap_err();
        let other = OtherHistory::beneath(&error).unwrap();
        assert_eq!((other.position, other.past_head), (2, false));
        assert_eq!(readiness.closed(), ["order_fulfilment"]);
    }
    assert_eq!(position(&owner).await, 2);
}
