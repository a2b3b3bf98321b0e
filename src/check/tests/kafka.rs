//! Faults planted in the topics of librdkafka's mock cluster.

use std::collections::{BTreeSet, HashMap};

use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use sqlx::{Connection as _, PgConnection, Row as _};

use super::world::{Copy, World};
use crate::check::report::Invariant;
use crate::check::store::{STORED_COLUMNS, Stored};
use crate::check::{CheckArgs, Verdict, verdict};

/// Partitions of each topic.
const PARTITIONS: i32 = 2;

/// A record as it lies in a topic.
#[derive(Clone)]
struct Sent {
    topic: String,
    partition: i32,
    position: i64,
    previous: i64,
    event: Stored,
}

/// What a publisher would have sent.
async fn sent(copy: &Copy) -> Vec<Sent> {
    let mut connection = PgConnection::connect(&copy.args().database_url)
        .await
        .unwrap();
    let query = format!(
        "SELECT {STORED_COLUMNS}, l.position FROM es.event_log l JOIN es.events e ON e.id = l.event_row
         ORDER BY l.position"
    );
    let rows = sqlx::query(&query)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let mut last = HashMap::new();
    let publish = |row: &sqlx::postgres::PgRow| {
        let event = Stored::read(row).unwrap();
        let topic = format!("ramen.{}.v1", event.kind);
        let partition = i32::from(event.stream.as_bytes()[35] % 2);
        let position: i64 = row.get("position");
        let previous = last
            .insert((topic.clone(), partition), position)
            .unwrap_or(0);
        Sent {
            topic,
            partition,
            position,
            previous,
            event,
        }
    };
    rows.iter().map(publish).collect()
}

/// What the checker says of the world with a broker that holds `records`.
async fn verdict_of(copy: &Copy, records: &[Sent]) -> Verdict {
    let mock = MockCluster::new(1).unwrap();
    let topics: BTreeSet<&str> = records.iter().map(|sent| sent.topic.as_str()).collect();
    for topic in topics {
        mock.create_topic(topic, PARTITIONS, 1).unwrap();
    }
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", mock.bootstrap_servers())
        .create()
        .unwrap();
    for sent in records {
        let Sent {
            topic,
            partition,
            position,
            previous,
            event,
        } = sent;
        let (position, previous) = (position.to_string(), previous.to_string());
        let (sequence, id) = (event.sequence.to_string(), event.event_id.to_string());
        let time = event.recorded_at.to_rfc3339();
        let headers = [
            ("kind", &event.kind),
            ("ce_subject", &event.stream),
            ("ce_id", &id),
            ("ce_time", &time),
            ("sequence", &sequence),
            ("event_type", &event.name),
            ("event_version", &event.version),
            ("position", &position),
            ("previous_position", &previous),
            ("metadata", &event.metadata),
        ];
        let headers = headers
            .into_iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| {
                headers.insert(Header {
                    key,
                    value: Some(value.as_str()),
                })
            });
        let record = BaseRecord::to(topic)
            .partition(*partition)
            .key(&event.stream)
            .payload(&event.payload)
            .headers(headers);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(std::time::Duration::from_secs(30)).unwrap();
    let args = CheckArgs {
        kafka_brokers: Some(mock.bootstrap_servers()),
        ..copy.args()
    };
    verdict(&args).await.unwrap()
}

/// A change to what the topics hold.
type Spoil = fn(&mut Vec<Sent>);

/// The last record of the first order.
fn completed(records: &[Sent]) -> usize {
    records
        .iter()
        .position(|sent| sent.event.name == "completed")
        .unwrap()
}

/// What may be wrong with the topics: what it breaks, what it is, and how it comes about.
const FAULTS: &[(Invariant, &str, Spoil)] = &[
    (Invariant::I5, "a record dropped", |records| {
        records.remove(completed(records));
    }),
    (Invariant::I5, "a payload edited", |records| {
        let at = completed(records);
        records[at].event.payload.push(' ');
    }),
    (Invariant::I5, "metadata edited", |records| {
        let at = completed(records);
        records[at].event.metadata = "{}".to_owned();
    }),
    (Invariant::I5, "an event of no position", |records| {
        let mut stranger = records[completed(records)].clone();
        stranger.position = 100_000;
        records.push(stranger);
    }),
    (
        Invariant::I5,
        "a record in the topic of another kind",
        |records| {
            let at = completed(records);
            records[at].topic = "ramen.ordering.cart.v1".to_owned();
        },
    ),
    (Invariant::I5, "a record that hides a hole", |records| {
        let at = completed(records);
        records[at].previous -= 1;
    }),
    (
        Invariant::I4,
        "two records of a stream swapped",
        |records| {
            let order: Vec<usize> = (0..records.len())
                .filter(|at| records[*at].event.stream == records[completed(records)].event.stream)
                .filter(|at| records[*at].topic == "ramen.ordering.order.v1")
                .collect();
            records.swap(order[2], order[3]);
        },
    ),
    (Invariant::I4, "a stream in two partitions", |records| {
        let at = completed(records);
        records[at].partition = 1 - records[at].partition;
    }),
];

/// What the faults of this file break, one by one.
pub(super) fn planted() -> Vec<Invariant> {
    FAULTS.iter().map(|(of, ..)| *of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_topics_are_compared_with_the_store() {
    let world = World::build().await;
    let copy = world.copy().await;
    copy.plant(
        "UPDATE ops.publisher_cursor c SET position = s.position, hash = s.hash FROM es.sequencer s;
         INSERT INTO ops.topic_positions
         SELECT 'ramen.' || e.aggregate_type || '.v1', 0, max(l.position)
         FROM es.event_log l JOIN es.events e ON e.id = l.event_row GROUP BY 1",
    )
    .await;
    let good = sent(&copy).await;
    let clean = verdict_of(&copy, &good).await;
    assert!(clean.is_clean(), "{clean}");

    let repeated: Vec<Sent> = good.iter().chain(&good[40..]).cloned().collect();
    let after_a_crash = verdict_of(&copy, &repeated).await;
    assert!(after_a_crash.is_clean(), "{after_a_crash}");

    for (invariant, what, plant) in FAULTS {
        let mut records = good.clone();
        plant(&mut records);
        let found = verdict_of(&copy, &records).await;
        assert!(found.violated().contains(invariant), "{what}\n{found}");
    }
    world.end().await;
}
