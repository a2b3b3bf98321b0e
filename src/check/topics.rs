//! The topics, read raw from their first record to their last (I4, I5): each event lies in the topic of its
//! kind with the bytes of the store, each stream in one partition and in order, and nothing else is there.
//! Repeats are allowed: a publisher that crashed sends again what it had not noted.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use chrono::{DateTime, TimeDelta, Utc};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::chain;
use super::log::Log;
use super::report::{Invariant, Report};
use super::store::Stored;

/// The kinds of aggregates, each with its topic.
const KINDS: &[&str] = &[
    "restaurant.restaurant",
    "restaurant.menu",
    "restaurant.inventory",
    "restaurant.promotion",
    "restaurant.promotion_book",
    "ordering.cart",
    "ordering.order",
    "payment.payment",
    "delivery.delivery",
    "driver.driver",
];

/// How long a broker may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// How long records are kept (reliability §8).
const RETENTION: TimeDelta = TimeDelta::days(7);

/// Where the topics are.
#[derive(Clone, Debug)]
pub(super) struct Topics {
    /// `host:port` list.
    pub(super) brokers: String,
    /// First part of the topics' names.
    pub(super) prefix: String,
}

impl Topics {
    fn of(&self, kind: &str) -> String {
        format!("{}.{kind}.v1", self.prefix)
    }

    /// Reads all topics and compares them with the log, whose leaves must have been kept. It blocks.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub(super) fn check(&self, log: &Log, report: &mut Report) -> anyhow::Result<()> {
        let consumer = self.consumer().context("making a Kafka client")?;
        let places = self.places(&consumer)?;
        let mut reading = Reading::new(self, log, &places);
        let mut list = TopicPartitionList::new();
        for place in places.iter().filter(|place| place.low < place.high) {
            list.add_partition_offset(&place.topic, place.partition, Offset::Beginning)?;
        }
        if list.count() > 0 {
            consumer.assign(&list)?;
            reading.run(&consumer, list.count(), report)?;
        }
        reading.finish(report);
        Ok(())
    }

    fn consumer(&self) -> Result<BaseConsumer, KafkaError> {
        ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "ramen-check")
            .set("group.id", "ramen-check")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("allow.auto.create.topics", "false")
            .set("fetch.message.max.bytes", "4194304")
            .set("fetch.wait.max.ms", "50")
            .set("log.connection.close", "false")
            .create()
    }

    fn places(&self, consumer: &BaseConsumer) -> anyhow::Result<Vec<Place>> {
        let mut places = Vec::new();
        for kind in KINDS {
            let topic = self.of(kind);
            let metadata = consumer
                .fetch_metadata(Some(&topic), SILENCE_MAX)
                .with_context(|| format!("asking the broker for topic {topic}"))?;
            for found in metadata
                .topics()
                .iter()
                .filter(|found| found.error().is_none())
            {
                for partition in found.partitions() {
                    let (low, high) = consumer
                        .fetch_watermarks(&topic, partition.id(), SILENCE_MAX)
                        .with_context(|| format!("asking for the ends of {topic}"))?;
                    let partition = partition.id();
                    places.push(Place {
                        topic: topic.clone(),
                        partition,
                        low,
                        high,
                    });
                }
            }
        }
        Ok(places)
    }
}

/// A partition, and the offsets where it begins and ends.
struct Place {
    topic: String,
    partition: i32,
    low: i64,
    high: i64,
}

/// How far the reading of one partition is.
#[derive(Default)]
struct Partition {
    /// Whether old records were dropped, so that the first one may follow what is no longer there.
    cut: bool,
    position: i64,
    streams: HashMap<String, i64>,
}

struct Reading<'a> {
    topics: &'a Topics,
    log: &'a Log,
    seen: Vec<bool>,
    partitions: HashMap<(String, i32), Partition>,
    homes: HashMap<(String, String), i32>,
}

impl<'a> Reading<'a> {
    fn new(topics: &'a Topics, log: &'a Log, places: &[Place]) -> Self {
        let begin = |place: &Place| {
            let partition = Partition {
                cut: place.low > 0,
                ..Partition::default()
            };
            ((place.topic.clone(), place.partition), partition)
        };
        Self {
            topics,
            log,
            seen: vec![false; log.leaves.len()],
            partitions: places.iter().map(begin).collect(),
            homes: HashMap::new(),
        }
    }

    fn run(
        &mut self,
        consumer: &BaseConsumer,
        assigned: usize,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let mut ends = 0_usize;
        let mut heard = Instant::now();
        while ends < assigned {
            match consumer.poll(Duration::from_millis(500)) {
                None if heard.elapsed() > SILENCE_MAX => bail!("the broker has fallen silent"),
                None => continue,
                Some(Err(KafkaError::PartitionEOF(_))) => ends = ends.saturating_add(1),
                Some(Err(error)) => return Err(error).context("reading the topics"),
                Some(Ok(message)) => self.see(&message, report),
            }
            heard = Instant::now();
        }
        Ok(())
    }

    fn see(&mut self, message: &BorrowedMessage<'_>, report: &mut Report) {
        report.checked(Invariant::I5);
        let place = format!(
            "{}[{}]@{}",
            message.topic(),
            message.partition(),
            message.offset()
        );
        let Some(record) = Record::read(message) else {
            report.violated(Invariant::I5, format!("{place} is no record of an event"));
            return;
        };
        let Record {
            stored,
            position,
            previous,
            key,
        } = &record;
        let index = position
            .checked_sub(1)
            .and_then(|index| usize::try_from(index).ok());
        let leaf = index.and_then(|index| self.log.leaves.get(index).copied().flatten());
        if leaf.is_none_or(|(leaf, _)| leaf != chain::leaf(stored)) {
            let what = format!(
                "{place} is not the event at position {position}: {}",
                stored.label()
            );
            report.violated(Invariant::I5, what);
            return;
        }
        if message.topic() != self.topics.of(&stored.kind) || *key != stored.stream {
            let what = format!(
                "{place} is in the wrong topic or under the wrong key: {}",
                stored.label()
            );
            report.violated(Invariant::I5, what);
        }
        if let Some(seen) = index.and_then(|index| self.seen.get_mut(index)) {
            *seen = true;
        }
        self.check_order(message, stored, (*position, *previous), &place, report);
    }

    fn check_order(
        &mut self,
        message: &BorrowedMessage<'_>,
        stored: &Stored,
        (position, previous): (i64, i64),
        place: &str,
        report: &mut Report,
    ) {
        let home = (stored.kind.clone(), stored.stream.clone());
        let home = *self
            .homes
            .entry(home)
            .or_insert_with(|| message.partition());
        report.expect(Invariant::I4, home == message.partition(), || {
            format!("{place}: {} lies in two partitions", stored.label())
        });
        let known = (message.topic().to_owned(), message.partition());
        let partition = self.partitions.entry(known).or_default();
        let last = partition.streams.entry(stored.stream.clone()).or_default();
        let first_kept = *last == 0 && partition.cut;
        if stored.sequence > *last {
            report.expect(
                Invariant::I4,
                stored.sequence == *last + 1 || first_kept,
                || format!("{place}: {} follows #{last}", stored.label()),
            );
            *last = stored.sequence;
        }
        if position > partition.position {
            let first_kept = partition.position == 0 && partition.cut;
            report.expect(
                Invariant::I5,
                previous == partition.position || first_kept,
                || {
                    format!(
                        "{place} says {previous} came before it, it was {}",
                        partition.position
                    )
                },
            );
            partition.position = position;
        }
    }

    /// What is younger than the topics' retention must have been seen.
    fn finish(&self, report: &mut Report) {
        let kept_since = self.log.latest.map(|latest| latest - RETENTION);
        for (position, (seen, leaf)) in (1_u64..).zip(self.seen.iter().zip(&self.log.leaves)) {
            let kept = |at: DateTime<Utc>| kept_since.is_none_or(|since| at > since);
            if !seen && leaf.is_some_and(|(_, at)| kept(at)) {
                report.violated(Invariant::I5, format!("position {position} is in no topic"));
            }
        }
    }
}

/// An event as a record tells it.
struct Record {
    stored: Stored,
    position: i64,
    previous: i64,
    key: String,
}

impl Record {
    fn read(message: &BorrowedMessage<'_>) -> Option<Self> {
        let headers = message.headers()?;
        let header = |name: &str| {
            let found = headers.iter().find(|header| header.key == name)?;
            std::str::from_utf8(found.value?).ok()
        };
        let stored = Stored {
            kind: header("kind")?.to_owned(),
            stream: header("ce_subject")?.to_owned(),
            sequence: header("sequence")?.parse().ok()?,
            name: header("event_type")?.to_owned(),
            version: header("event_version")?.to_owned(),
            event_id: header("ce_id")?.parse().ok()?,
            recorded_at: header("ce_time")?.parse().ok()?,
            payload: std::str::from_utf8(message.payload()?).ok()?.to_owned(),
            metadata: header("metadata")?.to_owned(),
        };
        Some(Self {
            stored,
            position: header("position")?.parse().ok()?,
            previous: header("previous_position")?.parse().ok()?,
            key: std::str::from_utf8(message.key()?).ok()?.to_owned(),
        })
    }
}
