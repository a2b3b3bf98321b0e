//! Kafka as transport, on a real broker: what arrives, what happens when the topic is wiped, and that
//! either feed can go on where the other stopped. Without a broker these tests say *not run*.

use std::collections::HashMap;

use command_api::publisher::{Relay, Sequencer, handover};
use infra::clock::Clock;
use infra::event_store::{EventLog, Mark, OtherHistory};
use infra::feed::{Checkpoints, Feed, FeedRecord, HeadWatch, KafkaFeed, Origin, StoreFeed};
use infra::http::health::Readiness;
use infra::kafka::{EventProducer, KafkaSettings, ensure_topics};
use infra::lifecycle::{Doorbell, Loop as _, Progress};
use infra::postgres::Role;
use infra::testing::TestDatabase;
use uuid::Uuid;

struct Line {
    database: TestDatabase,
    settings: KafkaSettings,
    sequencer: Sequencer,
    relay: Relay,
    events: u128,
}

/// A database with its own topics on the broker of the tests.
async fn line() -> Option<Line> {
    let Some(brokers) = infra::testing::kafka_brokers() else {
        eprintln!("not run: a test on Kafka, since KAFKA_BROKERS names no broker");
        return None;
    };
    let database = TestDatabase::create().await;
    let settings = KafkaSettings {
        brokers,
        topic_prefix: format!("test-{}", Clock::system().fresh_id().simple()),
        partitions: 3,
        replication: 1,
        security_protocol: "plaintext".to_owned(),
    };
    ensure_topics(&settings).await.unwrap();
    let (leadership, handed) = handover(Doorbell::new());
    let producer = EventProducer::connect(&settings).unwrap();
    let relay = Relay::new(
        database.pool(Role::App),
        producer,
        handed,
        &Readiness::new(),
    );
    let clock = Clock::system();
    let sequencer = Sequencer::new(database.options(), clock, HeadWatch::default(), leadership);
    Some(Line {
        database,
        settings,
        sequencer,
        relay,
        events: 0,
    })
}

impl Line {
    fn log(&self) -> EventLog {
        EventLog::new(self.database.pool(Role::Projector))
    }

    /// Stores `count` events on as many streams and numbers them.
    async fn store(&mut self, count: u128) {
        for _ in 0..count {
            self.events += 1;
            sqlx::query(
                "INSERT INTO es.events (aggregate_type, aggregate_id, sequence, event_type,
                     event_version, payload, metadata, event_id, recorded_at)
                 VALUES ('restaurant.restaurant', $1, 1, 'submitted', '1',
                     '{\"type\": \"submitted\"}', '{\"role\":\"owner\"}', $2, now())",
            )
            .bind(Uuid::from_u128(self.events).to_string())
            .bind(Uuid::from_u128(self.events))
            .execute(&self.database.owner())
            .await
            .unwrap();
        }
        while self.sequencer.step().await.unwrap() != Progress::Idle {}
    }

    async fn publish(&mut self) {
        while self.relay.step().await.unwrap() != Progress::Idle {}
    }

    async fn kafka_feed(&self, from: Checkpoints) -> KafkaFeed {
        let mut feed = KafkaFeed::connect(&self.settings, self.log()).unwrap();
        feed.start(from).await.unwrap();
        feed
    }
}

/// Reads until every position up to `head` was handed out.
async fn read(feed: &mut dyn Feed, head: i64) -> Vec<FeedRecord> {
    let mut records = Vec::new();
    while feed.frontier().position < head {
        let some = feed.poll(100).await.unwrap();
        if some.is_empty() {
            feed.wait().await;
        }
        records.extend(some);
    }
    records
}

fn positions(records: &[FeedRecord]) -> Vec<i64> {
    let mut positions: Vec<i64> = records.iter().map(|record| record.position).collect();
    positions.sort_unstable();
    positions
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_numbered_arrives_once_with_the_bytes_that_were_stored() {
    let Some(mut line) = line().await else { return };
    line.store(20).await;
    line.publish().await;
    // Twenty lie in the store and the topic; the feed begins at the topic's end.
    let mut feed = line.kafka_feed(Checkpoints::new()).await;
    let mut records = read(&mut feed, 20).await;
    line.store(20).await;
    line.publish().await;
    records.extend(read(&mut feed, 40).await);
    assert_eq!(positions(&records), (1..=40).collect::<Vec<_>>());
    let stored: HashMap<i64, _> = line
        .log()
        .after(Mark::default(), 100)
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.position, row))
        .collect();
    for record in records {
        let row = &stored[&record.position];
        assert_eq!(
            (&record.payload, &record.metadata),
            (&row.payload, &row.metadata)
        );
        assert_eq!(
            (record.event_id, record.recorded_at),
            (row.event_id, row.recorded_at)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_before_the_cursor_moved_repeats_records_and_readers_drop_them() {
    let Some(mut line) = line().await else { return };
    let mut feed = line.kafka_feed(Checkpoints::new()).await;
    line.store(10).await;
    line.publish().await;
    // As after a crash between the broker's acknowledgement and the cursor.
    sqlx::query(
        "UPDATE ops.publisher_cursor c SET position = l.position, hash = l.hash
         FROM es.event_log l WHERE l.position = 4",
    )
    .execute(&line.database.owner())
    .await
    .unwrap();
    sqlx::query("UPDATE es.sequencer SET epoch = epoch + 1")
        .execute(&line.database.owner())
        .await
        .unwrap();
    line.store(1).await;
    line.store(1).await;
    line.publish().await;
    let records = read(&mut feed, 12).await;
    assert_eq!(positions(&records), (1..=12).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_reached_the_topic_is_filled_from_the_store() {
    let Some(mut line) = line().await else { return };
    let mut feed = line.kafka_feed(Checkpoints::new()).await;
    line.store(6).await;
    line.publish().await;
    // These were published to a topic that has been wiped since: the cursor is past them.
    line.store(30).await;
    let jump = "UPDATE ops.publisher_cursor c SET position = l.position, hash = l.hash
                FROM es.event_log l WHERE l.position = 30";
    sqlx::query(jump)
        .execute(&line.database.owner())
        .await
        .unwrap();
    let names = "INSERT INTO ops.topic_positions (topic, partition, position)
                 SELECT topic, partition, 30 FROM ops.topic_positions
                 ON CONFLICT (topic, partition) DO UPDATE SET position = 30";
    sqlx::query(names)
        .execute(&line.database.owner())
        .await
        .unwrap();
    let producer = EventProducer::connect(&line.settings).unwrap();
    let (leadership, handed) = handover(Doorbell::new());
    line.relay = Relay::new(
        line.database.pool(Role::App),
        producer,
        handed,
        &Readiness::new(),
    );
    line.sequencer = Sequencer::new(
        line.database.options(),
        Clock::system(),
        HeadWatch::default(),
        leadership,
    );
    line.store(6).await;
    line.publish().await;
    let records = read(&mut feed, 42).await;
    assert_eq!(positions(&records), (1..=42).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn either_feed_goes_on_where_the_other_stopped() {
    let Some(mut line) = line().await else { return };
    line.store(15).await;
    line.publish().await;
    let mut kafka = line.kafka_feed(Checkpoints::new()).await;
    assert_eq!(
        positions(&read(&mut kafka, 15).await),
        (1..=15).collect::<Vec<_>>()
    );
    let reached = Checkpoints::from([(Origin::store(), kafka.frontier())]);
    line.store(5).await;
    let mut store = StoreFeed::new(line.log(), &HeadWatch::default());
    store.start(reached).await.unwrap();
    assert_eq!(
        positions(&read(&mut store, 20).await),
        (16..=20).collect::<Vec<_>>()
    );
    let reached = Checkpoints::from([(Origin::store(), store.frontier())]);
    line.publish().await;
    line.store(5).await;
    let mut kafka = line.kafka_feed(reached).await;
    line.publish().await;
    assert_eq!(
        positions(&read(&mut kafka, 25).await),
        (21..=25).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_past_the_log_is_another_history() {
    let Some(line) = line().await else { return };
    let mut feed = KafkaFeed::connect(&line.settings, line.log()).unwrap();
    let past = Mark {
        position: 7,
        ..Mark::default()
    };
    let error = feed
        .start(Checkpoints::from([(Origin::store(), past)]))
        .await
        .unwrap_err();
    let other = OtherHistory::beneath(&error).unwrap();
    assert!(other.past_head, "{other}");
}
