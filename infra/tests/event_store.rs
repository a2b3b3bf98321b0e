//! The event store on a real Postgres: atomic appends, optimistic locks on writes and reads, keys,
//! append-only tables, and postgres-es reading what we wrote.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::aggregates::Kind;
use domain::restaurant::restaurant::Restaurant;
use futures::future::join_all;
use infra::clock::Clock;
use infra::event_store::{
    Append, AppendError, CommandRecord, EventStore, NewEvent, StoreTasks, StreamAppend, StreamId,
};
use infra::lifecycle::Tasks;
use infra::postgres::Role;
use infra::testing::TestDatabase;
use sqlx::Executor as _;
use tokio::net::{TcpListener, TcpStream};
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

struct Process {
    database: Arc<TestDatabase>,
    store: EventStore,
    stop: CancellationToken,
    tasks: JoinHandle<()>,
}

impl Process {
    async fn start() -> Self {
        Self::on(&Arc::new(TestDatabase::create().await))
    }

    /// A store of another process, as it were, on the same database.
    #[expect(
        clippy::disallowed_methods,
        reason = "a test runs the store's tasks by itself"
    )]
    fn on(database: &Arc<TestDatabase>) -> Self {
        let (store, tasks): (EventStore, StoreTasks) =
            EventStore::new(database.pool(Role::App), database.options());
        let stop = CancellationToken::new();
        let tasks = tokio::spawn(tasks.run(stop.clone()));
        Self {
            database: Arc::clone(database),
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
    let test = Process::start().await;
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
    let test = Process::start().await;
    let ahead = append(vec![part(shop(1), 3, vec![event(1)])]);
    assert_eq!(test.store.append(ahead).await, Err(AppendError::Conflict));
    assert_eq!(test.count(shop(1)).await, 0);
    test.end().await;
}

#[tokio::test]
async fn a_decision_that_relied_on_a_stream_that_moved_is_refused() {
    let test = Process::start().await;
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
    let test = Process::start().await;
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
    let test = Process::start().await;
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
    let test = Arc::new(Process::start().await);
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
    let test = Process::start().await;
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
    let test = Process::start().await;
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
    let test = Process::start().await;
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
    let test = Process::start().await;
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

/// Two processes that write the same streams, each in its own order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appenders_with_opposite_orders_never_wait_in_a_circle() {
    let test = Process::start().await;
    let other = Process::on(&test.database);
    for round in 0..100_u128 {
        let streams: Vec<_> = (0..20).map(|n| shop(round * 100 + n)).collect();
        let write = |order: Vec<StreamId>| {
            let parts = order
                .into_iter()
                .map(|stream| part(stream, 0, vec![event(round)]));
            append(parts.collect())
        };
        let (one, two) = (
            write(streams.clone()),
            write(streams.into_iter().rev().collect()),
        );
        let outcomes = tokio::join!(test.store.append(one), other.store.append(two));
        assert!(
            matches!(
                outcomes,
                (Ok(()), Err(AppendError::Conflict)) | (Err(AppendError::Conflict), Ok(()))
            ),
            "round {round}: {outcomes:?}"
        );
    }
    other.end().await;
    let database = Arc::clone(&test.database);
    test.end().await;
    let deadlocks: i64 = sqlx::query_scalar(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
    )
    .fetch_one(&database.owner())
    .await
    .unwrap();
    assert_eq!(deadlocks, 0);
}

#[tokio::test]
async fn a_request_in_hand_is_stored_after_the_soft_stop() {
    let database = TestDatabase::create().await;
    let (store, work) = EventStore::new(database.pool(Role::App), database.options());
    let tasks = Tasks::new(Clock::system());
    let last = tasks.stop().last_token();
    tasks.last("event store", async move {
        work.run(last).await;
        Ok::<_, std::convert::Infallible>(())
    });
    let stop = tasks.stop();
    let request = tasks.detached(async move {
        stop.soft().await;
        store
            .append(append(vec![part(shop(1), 0, vec![event(1)])]))
            .await
    });
    tasks.shut_down().await.unwrap();
    assert_eq!(request.await.unwrap(), Ok(()));
}

/// The paused clock moves by itself while everybody waits, which is for ever but for the deadline.
#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_unavailable() {
    let database = TestDatabase::create().await;
    tokio::time::pause();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let options = database.options().host("127.0.0.1").port(port);
    let (store, work) = EventStore::new(database.pool(Role::App), options);
    let stop = CancellationToken::new();
    let begun = tokio::time::Instant::now();
    let asked = async {
        let outcome = store
            .append(append(vec![part(shop(1), 0, vec![event(1)])]))
            .await;
        stop.cancel();
        outcome
    };
    let silent = async {
        let mut held = Vec::new();
        loop {
            held.push(listener.accept().await.unwrap());
        }
    };
    let outcome = tokio::select! {
        (outcome, ()) = async { tokio::join!(asked, work.run(stop.clone())) } => outcome,
        () = silent => unreachable!("it listens for ever"),
    };
    assert_eq!(outcome, Err(AppendError::Unavailable));
    assert!(
        begun.elapsed() < Duration::from_secs(11),
        "{:?}",
        begun.elapsed()
    );
}

/// A cable that is cut without a word: bytes go through until `cut`, and nowhere afterwards.
async fn cable(listener: TcpListener, server: (String, u16), cut: CancellationToken) {
    let mut held = Vec::new();
    while let Ok((mut near, _)) = listener.accept().await {
        let mut far = TcpStream::connect(&server).await.unwrap();
        tokio::select! {
            copied = tokio::io::copy_bidirectional(&mut near, &mut far) => drop(copied),
            () = cut.cancelled() => {}
        }
        held.push((near, far));
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_in_a_write_leaves_the_outcome_unknown() {
    let database = TestDatabase::create().await;
    let direct = database.options();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let cut = CancellationToken::new();
    let server = (direct.get_host().to_owned(), direct.get_port());
    let options = direct.host("127.0.0.1").port(port);
    let (store, work) = EventStore::new(database.pool(Role::App), options);
    let asked = async {
        let first = append(vec![part(shop(1), 0, vec![event(1)])]);
        assert_eq!(store.append(first).await, Ok(()));
        cut.cancel();
        tokio::time::pause();
        store
            .append(append(vec![part(shop(1), 1, vec![event(2)])]))
            .await
    };
    let outcome = tokio::select! {
        outcome = asked => outcome,
        () = work.run(CancellationToken::new()) => unreachable!("nobody stops it"),
        () = cable(listener, server, cut.clone()) => unreachable!("it listens for ever"),
    };
    assert_eq!(outcome, Err(AppendError::Unknown));
}
