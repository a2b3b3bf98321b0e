//! The sequencer against everything that breaks polling by id: writers that roll back and pause, a
//! transaction that stays open over hundreds of numberings, and a second sequencer.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its world fails loudly"
)]

use std::sync::atomic::{AtomicBool, Ordering};

use command_api::publisher::{Sequencer, handover};
use infra::clock::Clock;
use infra::event_store::{EventLog, LogRow, Mark};
use infra::feed::HeadWatch;
use infra::lifecycle::{Doorbell, Loop as _, Progress};
use infra::postgres::Role;
use infra::testing::TestDatabase;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sqlx::{PgConnection, PgPool, Row as _};
use uuid::Uuid;

const WRITERS: u64 = 8;
const TRANSACTIONS: u32 = 60;

fn sequencer(database: &TestDatabase) -> Sequencer {
    let (leadership, _) = handover(Doorbell::new());
    Sequencer::new(
        database.options(),
        Clock::system(),
        HeadWatch::default(),
        leadership,
    )
}

async fn insert(connection: &mut PgConnection, stream: Uuid, sequence: i64) {
    sqlx::query(
        "INSERT INTO es.events (aggregate_type, aggregate_id, sequence, event_type, event_version,
                                payload, metadata, event_id, recorded_at)
         VALUES ('restaurant.restaurant', $1, $2, 'submitted', '1',
                 '{\"type\":\"submitted\"}', '{}', $3, '2026-11-22T12:00:00Z')",
    )
    .bind(stream.to_string())
    .bind(sequence)
    .bind(Uuid::from_u128(
        u128::try_from(sequence).unwrap() ^ stream.as_u128(),
    ))
    .execute(connection)
    .await
    .unwrap();
}

/// One writer: transactions of one to four events on streams of its own, some rolled back, some
/// held open across a few round trips. Gives how many events it committed.
async fn write(pool: PgPool, seed: u64) -> i64 {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut committed = 0;
    let mut versions = [0_i64; 4];
    for _ in 0..TRANSACTIONS {
        let mut tx = pool.begin().await.unwrap();
        let mut ahead = versions;
        for _ in 0..rng.random_range(1..=4) {
            let stream = rng.random_range(0..4_usize);
            ahead[stream] += 1;
            let id = Uuid::from_u128(u128::from(seed) << 64 | stream as u128);
            insert(&mut tx, id, ahead[stream]).await;
            for _ in 0..rng.random_range(0..3) {
                sqlx::query("SELECT 1").execute(&mut *tx).await.unwrap();
            }
        }
        if rng.random_bool(0.25) {
            tx.rollback().await.unwrap();
        } else {
            tx.commit().await.unwrap();
            committed += ahead.iter().sum::<i64>() - versions.iter().sum::<i64>();
            versions = ahead;
        }
    }
    committed
}

async fn number_until(done: &AtomicBool, mut sequencer: Sequencer) -> Sequencer {
    loop {
        let last = done.load(Ordering::SeqCst);
        let progress = sequencer.step().await.unwrap();
        if last && progress == Progress::Idle {
            return sequencer;
        }
        tokio::task::yield_now().await;
    }
}

async fn log(database: &TestDatabase) -> Vec<LogRow> {
    EventLog::new(database.pool(Role::App))
        .after(Mark::default(), i64::from(u32::MAX))
        .await
        .unwrap()
}

/// Dense, every event exactly once, each stream in its own order.
fn assert_whole(rows: &[LogRow], events: i64) {
    let positions: Vec<i64> = rows.iter().map(|row| row.position).collect();
    assert_eq!(positions, (1..=events).collect::<Vec<_>>());
    let mut seen = std::collections::HashMap::new();
    for row in rows {
        let before = seen.insert(row.stream, row.sequence).unwrap_or(0);
        assert_eq!(
            row.sequence,
            before + 1,
            "{} at position {}",
            row.stream,
            row.position
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_are_dense_complete_and_uninverted_whatever_writers_do() {
    let database = TestDatabase::create().await;
    let pool = database.owner();
    let mut open = pool.begin().await.unwrap();
    insert(&mut open, Uuid::from_u128(99), 1).await;
    let done = AtomicBool::new(false);
    let writers = async {
        let writers = (1..=WRITERS).map(|seed| write(pool.clone(), seed));
        let committed: i64 = futures::future::join_all(writers).await.into_iter().sum();
        done.store(true, Ordering::SeqCst);
        committed
    };
    let (committed, mut one, mut other) = tokio::join!(
        writers,
        number_until(&done, sequencer(&database)),
        number_until(&done, sequencer(&database)),
    );
    // The open transaction held nobody up: all of the others is numbered.
    assert_whole(&log(&database).await, committed);
    open.commit().await.unwrap();
    // Either of the two may lead.
    let steps = [one.step().await.unwrap(), other.step().await.unwrap()];
    assert!(steps.contains(&Progress::DidAll(1)), "{steps:?}");
    assert_whole(&log(&database).await, committed + 1);
}

/// Two writers of one stream between two numberings: the one whose transaction began first comes second.
#[tokio::test]
async fn a_stream_is_numbered_as_it_was_written_whichever_transaction_is_older() {
    let database = TestDatabase::create().await;
    let pool = database.owner();
    let stream = Uuid::from_u128(7);
    let mut older = pool.begin().await.unwrap();
    sqlx::query("SELECT pg_current_xact_id()")
        .execute(&mut *older)
        .await
        .unwrap();
    let mut younger = pool.begin().await.unwrap();
    insert(&mut younger, stream, 1).await;
    younger.commit().await.unwrap();
    insert(&mut older, stream, 2).await;
    older.commit().await.unwrap();
    assert_eq!(
        sequencer(&database).step().await.unwrap(),
        Progress::DidAll(2)
    );
    assert_whole(&log(&database).await, 2);
}

#[tokio::test]
async fn a_deposed_sequencer_writes_nothing() {
    let database = TestDatabase::create().await;
    let pool = database.owner();
    let mut first = sequencer(&database);
    assert_eq!(first.step().await.unwrap(), Progress::Idle);
    // Somebody else took the lead while this one's connection, and with it its lock, seemed alive.
    sqlx::query("UPDATE es.sequencer SET epoch = epoch + 1")
        .execute(&pool)
        .await
        .unwrap();
    insert(&mut pool.acquire().await.unwrap(), Uuid::from_u128(1), 1).await;
    assert_eq!(first.step().await.unwrap(), Progress::Idle);
    assert!(
        log(&database).await.is_empty(),
        "the fenced step numbered nothing"
    );
    assert_eq!(
        first.step().await.unwrap(),
        Progress::DidAll(1),
        "with a new epoch it may again"
    );
}

#[tokio::test]
async fn one_that_waited_while_another_numbered_writes_nothing() {
    let database = TestDatabase::create().await;
    let pool = database.owner();
    let mut first = sequencer(&database);
    assert_eq!(first.step().await.unwrap(), Progress::Idle);
    insert(&mut pool.acquire().await.unwrap(), Uuid::from_u128(1), 1).await;
    // Another leader numbers the event, and has not committed when the first wants to.
    let mut other = pool.begin().await.unwrap();
    sqlx::query(
        "WITH logged AS (
             INSERT INTO es.event_log (position, event_row, assigned_at, hash)
             SELECT 1, id, now(), sha256('') FROM es.events RETURNING position, hash)
         UPDATE es.sequencer s
         SET epoch = s.epoch + 1, position = l.position, hash = l.hash,
             snapshot = pg_current_snapshot()
         FROM logged l",
    )
    .execute(&mut *other)
    .await
    .unwrap();
    let others_commit = async {
        while !is_waited_for(&pool).await {
            tokio::task::yield_now().await;
        }
        other.commit().await.unwrap();
    };
    let (step, ()) = tokio::join!(first.step(), others_commit);
    assert_eq!(step.unwrap(), Progress::Idle);
    assert_eq!(log(&database).await.len(), 1);
    // It leads anew, after the one that the other has numbered.
    insert(&mut pool.acquire().await.unwrap(), Uuid::from_u128(1), 2).await;
    assert_eq!(first.step().await.unwrap(), Progress::DidAll(1));
    assert_eq!(log(&database).await.len(), 2);
}

/// Whether a session of this database waits for a lock.
async fn is_waited_for(pool: &PgPool) -> bool {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock')",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

/// After a dump was restored into a cluster that has given fewer transaction ids.
#[tokio::test]
async fn a_restored_store_is_numbered_to_its_end_and_goes_on() {
    let database = TestDatabase::create().await;
    let pool = database.owner();
    let mut connection = pool.acquire().await.unwrap();
    let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for sequence in 1..=3 {
        insert(&mut connection, first, sequence).await;
    }
    assert_eq!(
        sequencer(&database).step().await.unwrap(),
        Progress::DidAll(3)
    );
    insert(&mut connection, second, 1).await;
    // As the other cluster would have left them: ids from far ahead, two of the events numbered.
    sqlx::query("ALTER TABLE es.events DISABLE TRIGGER USER")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query("UPDATE es.events SET xid = '99999999900' WHERE sequence < 3")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query("ALTER TABLE es.events ENABLE TRIGGER USER")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query("UPDATE es.sequencer SET snapshot = '99999999999:99999999999:'")
        .execute(&pool)
        .await
        .unwrap();
    for _ in 0..2 {
        let mut leader = sequencer(&database);
        while leader.step().await.unwrap() != Progress::Idle {}
        assert_whole(&log(&database).await, 4);
    }
    insert(&mut connection, second, 2).await;
    let mut leader = sequencer(&database);
    assert_eq!(leader.step().await.unwrap(), Progress::DidAll(1));
    insert(&mut connection, second, 3).await;
    assert_eq!(leader.step().await.unwrap(), Progress::DidAll(1));
    assert_whole(&log(&database).await, 6);
}

#[tokio::test]
async fn a_standby_keeps_its_connection_however_often_it_is_woken() {
    let database = TestDatabase::create().await;
    let (mut leader, mut standby) = (sequencer(&database), sequencer(&database));
    assert_eq!(leader.step().await.unwrap(), Progress::Idle);
    assert_eq!(standby.step().await.unwrap(), Progress::Idle);
    let before = backends(&database).await;
    assert_eq!(before.len(), 2);
    for _ in 0..1_000 {
        assert_eq!(standby.step().await.unwrap(), Progress::Idle);
    }
    assert_eq!(backends(&database).await, before);
    drop(leader);
    insert(
        &mut database.owner().acquire().await.unwrap(),
        Uuid::from_u128(1),
        1,
    )
    .await;
    while standby.step().await.unwrap() == Progress::Idle {
        tokio::task::yield_now().await;
    }
    assert_whole(&log(&database).await, 1);
}

async fn backends(database: &TestDatabase) -> Vec<i32> {
    sqlx::query_scalar(
        "SELECT pid FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'ramen-sequencer' ORDER BY pid",
    )
    .fetch_all(&database.owner())
    .await
    .unwrap()
}

#[tokio::test]
async fn the_chain_is_what_the_document_says() {
    let database = TestDatabase::create().await;
    let pool = database.owner();
    for sequence in 1..=5 {
        insert(
            &mut pool.acquire().await.unwrap(),
            Uuid::from_u128(1),
            sequence,
        )
        .await;
        if sequence == 3 {
            assert_eq!(
                sequencer(&database).step().await.unwrap(),
                Progress::DidAll(3)
            );
        }
    }
    assert_eq!(
        sequencer(&database).step().await.unwrap(),
        Progress::DidAll(2)
    );
    let rows = sqlx::query(
        "SELECT l.position, l.hash, e.aggregate_type, e.aggregate_id, e.sequence, e.event_type,
                e.event_version, e.event_id, e.payload::text AS payload,
                e.metadata::text AS metadata,
                (extract(epoch FROM e.recorded_at) * 1000000)::bigint AS recorded_us
         FROM es.event_log l JOIN es.events e ON e.id = l.event_row ORDER BY l.position",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let mut previous = vec![0_u8; 32];
    for row in rows {
        let text = |column: &str| {
            let value: String = row.get(column);
            let mut bytes = u32::try_from(value.len()).unwrap().to_be_bytes().to_vec();
            bytes.extend(value.into_bytes());
            bytes
        };
        let number = |column: &str| row.get::<i64, _>(column).to_be_bytes().to_vec();
        // Microseconds between 1970-01-01 and 2000-01-01.
        let recorded = row.get::<i64, _>("recorded_us") - 946_684_800_000_000;
        let leaf = sha256(&[
            vec![0],
            text("aggregate_type"),
            text("aggregate_id"),
            number("sequence"),
            text("event_type"),
            text("event_version"),
            row.get::<Uuid, _>("event_id").as_bytes().to_vec(),
            recorded.to_be_bytes().to_vec(),
            text("payload"),
            text("metadata"),
        ]);
        let hash = sha256(&[vec![1], previous, number("position"), leaf]);
        assert_eq!(row.get::<Vec<u8>, _>("hash"), hash);
        previous = hash;
    }
}

fn sha256(parts: &[Vec<u8>]) -> Vec<u8> {
    use aws_lc_rs::digest::{SHA256, digest};
    digest(&SHA256, &parts.concat()).as_ref().to_vec()
}
