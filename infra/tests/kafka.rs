//! Topics, producer and feed on a real broker: what the broker leaves out, and what breaks the client
//! for good. Without a broker these tests say *not run*, but for those to which librdkafka's own is enough.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use infra::clock::Clock;
use infra::event_store::{ChainHash, EventLog, LogRow, Mark, OtherHistory};
use infra::feed::{Checkpoints, Feed as _, KafkaFeed};
use infra::kafka::{EventProducer, KafkaSettings, LastSent, MockBroker, ensure_topics};
use infra::postgres::Role;
use infra::testing::TestDatabase;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use uuid::Uuid;

/// The hash that every planted position has.
const SHA256_OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Settings with topics of their own; none without a broker.
fn settings() -> Option<KafkaSettings> {
    let Some(brokers) = infra::testing::kafka_brokers() else {
        eprintln!("not run: a test on Kafka, since KAFKA_BROKERS names no broker");
        return None;
    };
    Some(KafkaSettings {
        brokers,
        topic_prefix: format!("test-{}", Clock::system().fresh_id().simple()),
        partitions: 3,
        replication: 1,
        security_protocol: "plaintext".to_owned(),
    })
}

/// Numbered events, each on a stream of its own, as the sequencer would leave them.
async fn store(database: &TestDatabase, positions: std::ops::RangeInclusive<i64>) -> Vec<LogRow> {
    let owner = database.owner();
    for position in positions.clone() {
        let id = Uuid::from_u128(u128::try_from(position).unwrap());
        sqlx::query(
            "WITH event AS (
                 INSERT INTO es.events (aggregate_type, aggregate_id, sequence, event_type,
                     event_version, payload, metadata, event_id, recorded_at)
                 VALUES ('restaurant.restaurant', $1, 1, 'submitted', '1',
                     '{\"type\": \"submitted\"}', '{}', $2, now())
                 RETURNING id
             )
             INSERT INTO es.event_log (position, event_row, assigned_at, hash)
             SELECT $3, id, now(), sha256('') FROM event",
        )
        .bind(id.to_string())
        .bind(id)
        .bind(position)
        .execute(&owner)
        .await
        .unwrap();
    }
    let (first, last) = positions.into_inner();
    let before = match first - 1 {
        0 => Mark::default(),
        position => Mark {
            position,
            hash: ChainHash::parse(SHA256_OF_NOTHING).unwrap(),
        },
    };
    let log = EventLog::new(database.pool(Role::Projector));
    log.after(before, last - first + 1).await.unwrap()
}

async fn publish(producer: &mut EventProducer, rows: &[LogRow], last: LastSent) -> LastSent {
    let mut sent = producer.send(rows, last).await.unwrap();
    assert_eq!(sent.taken, rows.len());
    sent.acknowledged().await.unwrap();
    std::mem::take(&mut sent.last)
}

#[tokio::test]
async fn a_hole_in_one_partition_is_filled_while_others_flow() {
    let Some(settings) = settings() else { return };
    let database = TestDatabase::create().await;
    ensure_topics(&settings).await.unwrap();
    let log = EventLog::new(database.pool(Role::Projector));
    let mut feed = KafkaFeed::connect(&settings, log).unwrap();
    feed.start(Checkpoints::new()).await.unwrap();
    let mut producer = EventProducer::connect(&settings).unwrap();
    // Position 3 never gets to the broker, and nothing follows it in its partition.
    let rows = store(&database, 1..=20).await;
    let others: Vec<_> = rows
        .iter()
        .filter(|row| row.position % 3 != 0)
        .cloned()
        .collect();
    let (some, rest) = others.split_at(8);
    let mut seen = Vec::new();
    let last = publish(&mut producer, some, LastSent::new()).await;
    while seen.len() < some.len() {
        seen.extend(feed.poll(100).await.unwrap());
        feed.wait().await;
    }
    assert_eq!(feed.frontier().position, 2);
    publish(&mut producer, rest, last).await;
    // The time that the broker may take passes, while records keep coming.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    tokio::time::resume();
    while feed.frontier().position < 20 {
        seen.extend(feed.poll(100).await.unwrap());
        if feed.frontier().position < 20 {
            feed.wait().await;
        }
    }
    let mut positions: Vec<i64> = seen.iter().map(|record| record.position).collect();
    positions.sort_unstable();
    assert_eq!(positions, (1..=20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_restored_under_a_living_feed_is_noticed_though_the_broker_says_nothing() {
    let broker = MockBroker::start().unwrap();
    let database = TestDatabase::create().await;
    let log = EventLog::new(database.pool(Role::Projector));
    let mut feed = KafkaFeed::connect(broker.settings(), log.clone()).unwrap();
    feed.start(Checkpoints::new()).await.unwrap();
    let mut producer = EventProducer::connect(broker.settings()).unwrap();
    let rows = store(&database, 1..=5).await;
    publish(&mut producer, &rows, LastSent::new()).await;
    while feed.frontier().position < 5 {
        if feed.poll(100).await.unwrap().is_empty() {
            feed.wait().await;
        }
    }
    assert_eq!(
        feed.frontier(),
        rows[4].mark(),
        "the records carry their hashes"
    );
    // As after a restore to position 3, from where it went on with other events.
    sqlx::raw_sql(
        "BEGIN; SET LOCAL session_replication_role = replica;
         UPDATE es.event_log SET hash = sha256('another') WHERE position > 3; COMMIT",
    )
    .execute(&database.owner())
    .await
    .unwrap();
    let error = loop {
        match feed.poll(100).await {
            Ok(records) => assert!(records.is_empty()),
            Err(error) => break error,
        }
        feed.wait().await;
    };
    let other = OtherHistory::beneath(&error).unwrap();
    assert_eq!((other.position, other.past_head), (5, false));
    let from = Checkpoints::from([(infra::feed::Origin::store(), rows[4].mark())]);
    assert!(OtherHistory::beneath(&feed.start(from).await.unwrap_err()).is_some());
    let from = Checkpoints::from([(infra::feed::Origin::store(), rows[2].mark())]);
    feed.start(from).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_that_broke_for_good_is_made_anew() {
    let Some(settings) = settings() else { return };
    let database = TestDatabase::create().await;
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &settings.brokers);
    let admin: AdminClient<DefaultClientContext> = config.create().unwrap();
    // A topic that takes less than we send.
    let name = format!("{}.restaurant.restaurant.v1", settings.topic_prefix);
    let narrow = NewTopic::new(&name, settings.partitions, TopicReplication::Fixed(1))
        .set("max.message.bytes", "1000");
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(10)));
    admin.create_topics(&[narrow], &options).await.unwrap();
    ensure_topics(&settings).await.unwrap();
    let mut producer = EventProducer::connect(&settings).unwrap();
    let mut rows = store(&database, 1..=3).await;
    rows[1].payload = format!("\"{}\"", "x".repeat(10_000));
    let mut sent = producer.send(&rows, LastSent::new()).await.unwrap();
    assert!(
        sent.acknowledged().await.is_err(),
        "the topic is too narrow"
    );
    for result in admin
        .delete_topics(&[name.as_str()], &options)
        .await
        .unwrap()
    {
        result.unwrap();
    }
    // Deleting takes the broker a moment; until it is through every try fails, as the relay's would.
    let repaired = async {
        loop {
            if let Ok(mut sent) = producer.send(&rows, LastSent::new()).await
                && sent.acknowledged().await.is_ok()
            {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), repaired)
        .await
        .unwrap();
}

#[tokio::test]
async fn new_topics_answer_once_they_are_made() {
    let Some(settings) = settings() else { return };
    let topics = ensure_topics(&settings).await.unwrap();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &settings.brokers);
    let consumer: BaseConsumer = config.create().unwrap();
    for topic in topics.all() {
        for partition in 0..settings.partitions {
            let ends = consumer.fetch_watermarks(topic, partition, Duration::from_secs(2));
            assert_eq!(ends.unwrap(), (0, 0), "{topic}[{partition}]");
        }
    }
}
