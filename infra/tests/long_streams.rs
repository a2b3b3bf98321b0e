//! A stock that has seen 10,000 events, with bookings of its kitchen, is loaded from a snapshot and a short tail.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use chrono::{TimeDelta, Timelike as _};
use domain::aggregates::{Inventory, Kind};
use domain::decider::{Decider as _, Event as _};
use domain::kernel::ids::OrderId;
use domain::restaurant::inventory::{InventoryCommand, InventoryEvent};
use domain::testing::{context_at, test_now};
use infra::event_store::{Append, EventStore, NewEvent, StreamAppend, StreamId};
use infra::postgres::Role;
use infra::testing::TestDatabase;
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const SHOP: StreamId = StreamId {
    kind: Kind::Inventory,
    id: Uuid::from_u128(7),
};
const EVENTS: usize = 10_100;
/// Rows that appending them in hundreds may read: two for each append, to compare versions.
const APPENDED_MAX: i64 = 2 * 101;
/// Events that are read besides the snapshot: at most one interval, and one batch.
const TAIL_MAX: i64 = 500 + 100;

fn command(value: Value) -> InventoryCommand {
    serde_json::from_value(value).unwrap()
}

/// A busy year: goods come in, and order after order books the boiler and is cooked, or called off.
fn story() -> (Inventory, Vec<InventoryEvent>) {
    let (mut stock, mut events) = (Inventory::default(), Vec::new());
    let mut number: u128 = 0;
    while events.len() < EVENTS {
        number += 1;
        let now = test_now() + TimeDelta::minutes(i64::try_from(number).unwrap() * 3);
        let minute = now.minute() / 10 * 10;
        let starts = now.with_minute(minute).unwrap().with_second(0).unwrap();
        let hold = OrderId::new(Uuid::from_u128(number));
        let ended = if number.is_multiple_of(3) {
            json!({"type": "release_hold", "hold": hold, "reason": "cancelled"})
        } else {
            json!({"type": "consume_hold", "hold": hold})
        };
        for told in [
            json!({"type": "receive", "ingredient": "noodles", "amount": 130}),
            json!({"type": "open_hold", "hold": hold, "service_date": now.date_naive(),
                   "needs": [{"ingredient": "noodles", "amount": 130}], "expires_at": now + TimeDelta::minutes(15),
                   "kitchen": {"booking": {"slots": [{"starts": starts, "bowls": 1, "basket_seconds": 45}]},
                               "capacity": {"baskets": 6}}}),
            json!({"type": "commit_hold", "hold": hold}),
            ended,
        ] {
            for event in stock.decide(command(told), &context_at(now)).unwrap() {
                stock.evolve(&event);
                events.push(event);
            }
        }
    }
    (stock, events)
}

fn stored(event: &InventoryEvent, number: usize) -> NewEvent {
    NewEvent {
        event_id: Uuid::from_u128(number as u128),
        event_type: event.name().to_owned(),
        event_version: event.version().to_owned(),
        payload: serde_json::to_string(event).unwrap(),
        metadata: "{}".to_owned(),
    }
}

/// A store of one process, with its tasks.
#[expect(
    clippy::disallowed_methods,
    reason = "a test runs the store's tasks by itself"
)]
fn store(database: &TestDatabase) -> (EventStore, PgPool, CancellationToken) {
    let pool = database.pool(Role::App);
    let (store, tasks) = EventStore::new(pool.clone(), database.options());
    let stop = CancellationToken::new();
    tokio::spawn(tasks.run(stop.clone()));
    (store, pool, stop)
}

/// Waits until nobody else is connected: who leaves has told the statistics what it read.
async fn alone(owner: &mut PgConnection) {
    let others = "SELECT count(*) FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    while sqlx::query_scalar::<_, i64>(others)
        .fetch_one(&mut *owner)
        .await
        .unwrap()
        > 0
    {
        tokio::task::yield_now().await;
    }
}

/// Rows of events that were read by all who were connected.
async fn fetched(owner: &mut PgConnection) -> i64 {
    alone(&mut *owner).await;
    sqlx::query_scalar(
        "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables
         WHERE schemaname = 'es' AND relname = 'events'",
    )
    .fetch_one(&mut *owner)
    .await
    .unwrap()
}

async fn last_snapshot(owner: &mut PgConnection) -> i64 {
    let found: Option<i64> = sqlx::query_scalar("SELECT max(sequence) FROM es.snapshots")
        .fetch_one(&mut *owner)
        .await
        .unwrap();
    found.unwrap_or(0)
}

#[tokio::test]
async fn a_stock_of_ten_thousand_events_is_loaded_from_a_snapshot_and_a_short_tail() {
    let database = TestDatabase::create().await;
    let mut owner = database.options().connect().await.unwrap();
    let (expected, events) = story();
    let (first, pool, stop) = store(&database);
    let mut state = Inventory::default();
    let mut version = 0;
    for batch in events.chunks(100) {
        let new = batch.iter().enumerate();
        let part = StreamAppend {
            stream: SHOP,
            expected_version: version,
            events: new
                .map(|(n, event)| stored(event, n + usize::try_from(version).unwrap() + 1))
                .collect(),
        };
        let append = Append {
            streams: vec![part],
            record: None,
            recorded_at: test_now(),
        };
        first.append(append).await.unwrap();
        for event in batch {
            state.evolve(event);
        }
        let before = version;
        version += i64::try_from(batch.len()).unwrap();
        first.keep(SHOP, before, version, Arc::new(state.clone()));
        // Snapshots are written behind the commands' backs, the last one wins.
        while version % 500 == 0 && last_snapshot(&mut owner).await < version {
            tokio::task::yield_now().await;
        }
    }
    assert!(last_snapshot(&mut owner).await >= 10_000);
    pool.close().await;
    stop.cancel();

    // Never analysed: also while the planner takes the table for a small one, the index is asked.
    let before = fetched(&mut owner).await;
    assert!(before <= APPENDED_MAX, "appending has read {before} rows");
    let (second, pool, stop) = store(&database);
    let loaded = second.load::<Inventory>(SHOP.id).await.unwrap();
    assert_eq!((loaded.version, &*loaded.state), (version, &expected));
    pool.close().await;
    stop.cancel();
    let read = fetched(&mut owner).await - before;
    assert!((1..=TAIL_MAX).contains(&read), "{read} rows were read");
    owner.close().await.unwrap();
}
