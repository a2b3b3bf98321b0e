//! The event store on a real Postgres: atomic appends, optimistic locks on writes and reads, keys,
//! append-only tables, and postgres-es reading what we wrote.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::aggregates::Kind;
use domain::restaurant::restaurant::Restaurant;
use futures::future::join_all;
use infra::event_store::{
    Append, AppendError, CommandRecord, EventStore, NewEvent, StoreTasks, StreamAppend, StreamId,
};
use infra::postgres::Role;
use infra::testing::TestDatabase;
use sqlx::Executor as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

fn at() -> DateTime<Utc> {
    "2026-11-22T12:00:00.123456Z".parse().unwrap()
}

fn shop(number: u128) -> StreamId {
    StreamId {
        kind: Kind::Restaurant,
        id: Uuid::from_u128(number),
    }
}

fn event(id: u128) -> NewEvent {
    NewEvent {
        event_id: Uuid::from_u128(id),
        event_type: "submitted".to_owned(),
        event_version: "1".to_owned(),
        // The space must survive: the chain covers the text, not the value.
        payload: r#"{ "type":"submitted"}"#.to_owned(),
        metadata: r#"{"role":"owner"}"#.to_owned(),
    }
}

fn part(stream: StreamId, expected_version: i64, events: Vec<NewEvent>) -> StreamAppend {
    StreamAppend {
        stream,
        expected_version,
        events,
    }
}

fn append(streams: Vec<StreamAppend>) -> Append {
    Append {
        streams,
        record: None,
        recorded_at: at(),
    }
}

fn record(key: u8) -> CommandRecord {
    CommandRecord {
        key_hash: [key; 32],
        fingerprint: [7; 32],
        status: 201,
        headers: r#"{"etag":"\"1\""}"#.to_owned(),
        body: r#"{"id":1}"#.to_owned(),
        created_at: at(),
    }
}

struct Store {
    database: TestDatabase,
    store: EventStore,
    stop: CancellationToken,
    tasks: JoinHandle<()>,
}

impl Store {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test runs the store's tasks by itself"
    )]
    async fn start() -> Self {
        let database = TestDatabase::create().await;
        let (store, tasks): (EventStore, StoreTasks) =
            EventStore::new(database.pool(Role::App), database.options());
        let stop = CancellationToken::new();
        let tasks = tokio::spawn(tasks.run(stop.clone()));
        Self {
            database,
            store,
            stop,
            tasks,
        }
    }

    async fn count(&self, stream: StreamId) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM es.events WHERE aggregate_id = $1")
            .bind(stream.id.to_string())
            .fetch_one(&self.database.owner())
            .await
            .unwrap()
    }

    async fn end(self) {
        self.stop.cancel();
        self.tasks.await.unwrap();
    }
}

#[tokio::test]
async fn several_streams_are_written_together_or_not_at_all() {
    let test = Store::start().await;
    let (one, two) = (shop(1), shop(2));
    let both = append(vec![
        part(one, 0, vec![event(1), event(2)]),
        part(two, 0, vec![event(3)]),
    ]);
    assert_eq!(test.store.append(both).await, Ok(()));
    let stale = append(vec![
        part(one, 2, vec![event(4)]),
        part(two, 0, vec![event(5)]),
    ]);
    assert_eq!(test.store.append(stale).await, Err(AppendError::Conflict));
    assert_eq!((test.count(one).await, test.count(two).await), (2, 1));
    test.end().await;
}

#[tokio::test]
async fn a_hole_is_refused() {
    let test = Store::start().await;
    let ahead = append(vec![part(shop(1), 3, vec![event(1)])]);
    assert_eq!(test.store.append(ahead).await, Err(AppendError::Conflict));
    assert_eq!(test.count(shop(1)).await, 0);
    test.end().await;
}

#[tokio::test]
async fn a_decision_that_relied_on_a_stream_that_moved_is_refused() {
    let test = Store::start().await;
    let (menu, order) = (shop(1), shop(2));
    test.store
        .append(append(vec![part(menu, 0, vec![event(1)])]))
        .await
        .unwrap();
    let relied = |version| {
        append(vec![
            part(menu, version, vec![]),
            part(order, 0, vec![event(2)]),
        ])
    };
    assert_eq!(
        test.store.append(relied(0)).await,
        Err(AppendError::Conflict)
    );
    assert_eq!(test.store.append(relied(1)).await, Ok(()));
    test.end().await;
}

#[tokio::test]
async fn a_key_is_used_once_and_its_answer_is_kept() {
    let test = Store::start().await;
    let keyed = |stream, id| Append {
        streams: vec![part(stream, 0, vec![event(id)])],
        record: Some(record(9)),
        recorded_at: at(),
    };
    assert_eq!(test.store.append(keyed(shop(1), 1)).await, Ok(()));
    assert_eq!(
        test.store.append(keyed(shop(2), 2)).await,
        Err(AppendError::KeyUsed)
    );
    assert_eq!(test.count(shop(2)).await, 0);
    assert_eq!(
        test.store.command_record(&[9; 32]).await.unwrap(),
        Some(record(9))
    );
    assert_eq!(test.store.command_record(&[8; 32]).await.unwrap(), None);
    test.end().await;
}

#[tokio::test]
async fn in_a_shared_commit_the_stale_and_the_repeated_are_left_out_and_the_rest_goes_in() {
    let test = Store::start().await;
    test.store
        .append(append(vec![part(shop(1), 0, vec![event(1)])]))
        .await
        .unwrap();
    let first = Append {
        streams: vec![],
        record: Some(record(5)),
        recorded_at: at(),
    };
    test.store.append(first).await.unwrap();
    let appends = (0..60_u128).map(|number| {
        let id = 1_000 + number;
        match number {
            10 => append(vec![part(shop(1), 0, vec![event(id)])]),
            20 => Append {
                streams: vec![part(shop(id), 0, vec![event(id)])],
                record: Some(record(5)),
                recorded_at: at(),
            },
            _ => append(vec![part(shop(id), 0, vec![event(id)])]),
        }
    });
    let outcomes = join_all(appends.map(|append| test.store.append(append))).await;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        let expected = match number {
            10 => Err(AppendError::Conflict),
            20 => Err(AppendError::KeyUsed),
            _ => Ok(()),
        };
        assert_eq!(outcome, expected, "command {number}");
    }
    test.end().await;
}

#[tokio::test]
async fn of_many_that_expect_the_same_version_exactly_one_is_stored() {
    let test = Arc::new(Store::start().await);
    let racing = (0..64_u128).map(|number| {
        let test = Arc::clone(&test);
        async move {
            test.store
                .append(append(vec![part(shop(1), 0, vec![event(number)])]))
                .await
        }
    });
    let outcomes = join_all(racing).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(test.count(shop(1)).await, 1);
    Arc::into_inner(test).unwrap().end().await;
}

#[tokio::test]
async fn what_is_stored_keeps_its_text_and_its_order() {
    let test = Store::start().await;
    let events = (1..=50).map(event).collect();
    test.store
        .append(append(vec![part(shop(1), 0, events)]))
        .await
        .unwrap();
    let rows: Vec<(i64, i64, String)> =
        sqlx::query_as("SELECT id, sequence, payload::text FROM es.events ORDER BY sequence")
            .fetch_all(&test.database.owner())
            .await
            .unwrap();
    assert!(
        rows.windows(2).all(|pair| pair[0].0 < pair[1].0),
        "ids follow the sequence"
    );
    assert!(rows.iter().all(|row| row.2 == r#"{ "type":"submitted"}"#));
    test.end().await;
}

#[tokio::test]
async fn events_and_log_cannot_be_changed_even_by_their_owner() {
    let test = Store::start().await;
    test.store
        .append(append(vec![part(shop(1), 0, vec![event(1)])]))
        .await
        .unwrap();
    let owner = test.database.owner();
    for sql in [
        "UPDATE es.events SET payload = '{}'",
        "DELETE FROM es.events",
        "TRUNCATE es.events",
        "TRUNCATE es.event_log",
    ] {
        let error = owner.execute(sql).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{sql}: {error}");
    }
    let app = test.database.pool(Role::App);
    let error = app
        .execute("DELETE FROM es.events")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("permission denied"), "{error}");
    test.end().await;
}

#[tokio::test]
async fn an_event_above_the_limit_is_refused_before_it_is_sent() {
    let test = Store::start().await;
    let payload = format!("\"{}\"", "x".repeat(infra::event_store::EVENT_BYTES_MAX));
    let large = NewEvent {
        payload,
        ..event(1)
    };
    let refused = test
        .store
        .append(append(vec![part(shop(1), 0, vec![large])]))
        .await;
    assert_eq!(refused, Err(AppendError::TooLarge));
    test.end().await;
}

#[tokio::test]
async fn a_lost_connection_is_an_unknown_outcome_and_the_next_append_works() {
    let test = Store::start().await;
    test.store
        .append(append(vec![part(shop(1), 0, vec![event(1)])]))
        .await
        .unwrap();
    test.database
        .owner()
        .execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = 'ramen-appender' AND datname = current_database()",
        )
        .await
        .unwrap();
    let outcome = test
        .store
        .append(append(vec![part(shop(1), 1, vec![event(2)])]))
        .await;
    assert!(matches!(outcome, Err(AppendError::Unknown)), "{outcome:?}");
    let version = test
        .store
        .load::<Restaurant>(shop(1).id)
        .await
        .unwrap()
        .version;
    let again = append(vec![part(shop(1), version, vec![event(3)])]);
    assert_eq!(test.store.append(again).await, Ok(()));
    test.end().await;
}
