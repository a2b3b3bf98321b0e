//! The relay on a broker in process: what it does when it does not lead any more, when the broker does not
//! answer, and when the log is not the one that it has published.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use command_api::publisher::{Relay, Sequencer, handover};
use infra::clock::Clock;
use infra::event_store::OtherHistory;
use infra::feed::HeadWatch;
use infra::http::health::Readiness;
use infra::kafka::{EventProducer, MockBroker};
use infra::lifecycle::{Doorbell, Loop as _, Progress};
use infra::postgres::Role;
use infra::testing::TestDatabase;
use sqlx::PgPool;
use uuid::Uuid;

struct Line {
    database: TestDatabase,
    owner: PgPool,
    broker: MockBroker,
    readiness: Readiness,
    sequencer: Sequencer,
    relay: Relay,
}

impl Line {
    async fn start() -> Self {
        let database = TestDatabase::create().await;
        let broker = MockBroker::start().unwrap();
        let readiness = Readiness::new();
        let (sequencer, relay) = publisher(&database, &broker, &readiness);
        Self {
            owner: database.owner(),
            database,
            broker,
            readiness,
            sequencer,
            relay,
        }
    }

    /// As after a restart of the process.
    fn restart(&mut self) {
        (self.sequencer, self.relay) = publisher(&self.database, &self.broker, &self.readiness);
    }

    /// Stores an event, which nobody has numbered yet.
    async fn store(&self, id: u128) {
        sqlx::query(
            "INSERT INTO es.events (aggregate_type, aggregate_id, sequence, event_type,
                 event_version, payload, metadata, event_id, recorded_at)
             VALUES ('restaurant.restaurant', $1, 1, 'submitted', '1',
                 '{\"type\": \"submitted\"}', '{}', $2, '2026-11-22T12:00:00Z')",
        )
        .bind(Uuid::from_u128(id).to_string())
        .bind(Uuid::from_u128(id))
        .execute(&self.owner)
        .await
        .unwrap();
    }

    /// Somebody else has taken the lead, and this process does not know.
    async fn depose(&self) {
        self.run("UPDATE es.sequencer SET epoch = epoch + 1").await;
    }

    async fn run(&self, sql: &str) {
        sqlx::query(sql).execute(&self.owner).await.unwrap();
    }

    async fn cursor(&self) -> i64 {
        sqlx::query_scalar("SELECT position FROM ops.publisher_cursor")
            .fetch_one(&self.owner)
            .await
            .unwrap()
    }
}

fn publisher(
    database: &TestDatabase,
    broker: &MockBroker,
    readiness: &Readiness,
) -> (Sequencer, Relay) {
    let (leadership, handed) = handover(Doorbell::new());
    let producer = EventProducer::connect(broker.settings()).unwrap();
    let relay = Relay::new(database.pool(Role::App), producer, handed, readiness);
    let clock = Clock::system();
    let sequencer = Sequencer::new(database.options(), clock, HeadWatch::default(), leadership);
    (sequencer, relay)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deposed_relay_moves_nothing_and_idles_until_it_leads_again() {
    let mut line = Line::start().await;
    line.store(1).await;
    assert_eq!(line.sequencer.step().await.unwrap(), Progress::DidAll(1));
    line.depose().await;
    // The broker takes what was sent, but whose word counts is another's by now.
    assert_eq!(line.relay.step().await.unwrap(), Progress::Idle);
    assert_eq!(line.cursor().await, 0);
    assert_eq!(line.relay.step().await.unwrap(), Progress::Idle);
    line.store(2).await;
    assert_eq!(
        line.sequencer.step().await.unwrap(),
        Progress::Idle,
        "fenced"
    );
    assert_eq!(line.relay.step().await.unwrap(), Progress::Idle);
    assert_eq!(line.sequencer.step().await.unwrap(), Progress::DidAll(1));
    assert_eq!(
        line.relay.step().await.unwrap(),
        Progress::Did(2),
        "both, one of them again"
    );
    assert_eq!(line.cursor().await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_does_not_answer_is_waited_for_a_bounded_time_and_not_without_the_lead() {
    let mut line = Line::start().await;
    line.broker.answers_after(Duration::from_hours(1)).unwrap();
    line.store(1).await;
    assert_eq!(line.sequencer.step().await.unwrap(), Progress::DidAll(1));
    for _ in 0..2 {
        let late = line.relay.step().await.unwrap_err();
        assert_eq!(
            late.to_string(),
            "the broker has not acknowledged position 1 yet"
        );
    }
    line.depose().await;
    line.store(2).await;
    let (sequencer, relay) = (&mut line.sequencer, &mut line.relay);
    let began = tokio::time::Instant::now();
    let (waited, fenced) = tokio::join!(relay.step(), sequencer.step());
    assert!(waited.is_err());
    assert_eq!(fenced.unwrap(), Progress::Idle);
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(line.relay.step().await.unwrap(), Progress::Idle);
    assert_eq!(line.cursor().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_of_another_history_publishes_nothing() {
    let mut line = Line::start().await;
    for id in 1..=3 {
        line.store(id).await;
    }
    assert_eq!(line.sequencer.step().await.unwrap(), Progress::DidAll(3));
    assert_eq!(line.relay.step().await.unwrap(), Progress::Did(3));
    line.store(4).await;
    line.restart();
    assert_eq!(line.sequencer.step().await.unwrap(), Progress::DidAll(1));
    assert_eq!(
        line.relay.step().await.unwrap(),
        Progress::Did(1),
        "a restart is no other history"
    );

    // The cursor as it would stand beside a log that was restored without it and went on.
    line.run("UPDATE ops.publisher_cursor SET hash = sha256('another')")
        .await;
    line.restart();
    line.store(5).await;
    assert_eq!(line.sequencer.step().await.unwrap(), Progress::DidAll(1));
    let error = line.relay.step().await.unwrap_err();
    let other = OtherHistory::beneath(&error).unwrap();
    assert_eq!((other.position, other.past_head), (4, false));
    assert_eq!(line.cursor().await, 4);
    assert_eq!(line.readiness.closed(), ["relay"]);
    line.run(
        "UPDATE ops.publisher_cursor c SET hash = l.hash FROM es.event_log l
         WHERE l.position = c.position",
    )
    .await;
    assert_eq!(line.relay.step().await.unwrap(), Progress::Did(1));
    assert!(line.readiness.closed().is_empty());
}
