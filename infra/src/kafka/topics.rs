//! One topic per kind of aggregate. Their names are a contract with analytics.

use std::collections::HashMap;
use std::time::Duration;

use domain::aggregates::Kind;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::{KafkaSettings, MESSAGE_BYTES_MAX};

/// Topics are kept this long (reliability §8): 7 days, in milliseconds.
const RETENTION_MS: &str = "604800000";
const ADMIN_TIMEOUT: Duration = Duration::from_secs(10);
/// New partitions have their leaders within a second; without one for longer, readers and the
/// publisher go on trying by themselves.
const LEADERS_MAX: Duration = Duration::from_secs(10);
/// Between two questions whether all partitions have leaders.
const LEADERS_PAUSE: Duration = Duration::from_millis(50);
/// Asking a leader for its partition's end.
const END_MAX: Duration = Duration::from_secs(2);

/// The topics of one installation.
#[derive(Clone, Debug)]
pub struct Topics {
    names: HashMap<Kind, String>,
    partitions: i32,
}

impl Topics {
    /// The topics that `settings` names.
    pub fn new(settings: &KafkaSettings) -> Self {
        let name = |kind: &Kind| (*kind, kind.topic(&settings.topic_prefix));
        Self {
            names: Kind::ALL.iter().map(name).collect(),
            partitions: settings.partitions,
        }
    }

    /// The topic of one kind.
    pub fn of(&self, kind: Kind) -> &str {
        self.names.get(&kind).map_or("", String::as_str)
    }

    /// Every topic, in no order.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.names.values().map(String::as_str)
    }

    /// Partitions of each.
    pub fn partitions(&self) -> i32 {
        self.partitions
    }
}

/// Makes the topics that are missing and waits until all partitions answer, for a bounded time. Safe
/// to call from every process at every start.
///
/// # Errors
/// When the broker cannot be reached or refuses one.
pub async fn ensure_topics(settings: &KafkaSettings) -> Result<Topics, KafkaError> {
    let topics = Topics::new(settings);
    let admin: AdminClient<DefaultClientContext> = settings.client().create()?;
    let wanted: Vec<NewTopic<'_>> = topics
        .all()
        .map(|name| {
            NewTopic::new(
                name,
                settings.partitions,
                TopicReplication::Fixed(settings.replication),
            )
            .set("max.message.bytes", MESSAGE_BYTES_MAX)
            .set("retention.ms", RETENTION_MS)
            .set("message.timestamp.type", "CreateTime")
        })
        .collect();
    let options = AdminOptions::new().operation_timeout(Some(ADMIN_TIMEOUT));
    for result in admin.create_topics(&wanted, &options).await? {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(KafkaError::AdminOp(code)),
        }
    }
    if tokio::time::timeout(LEADERS_MAX, led(settings, &topics))
        .await
        .is_err()
    {
        tracing::warn!("some partitions have no leader yet");
    }
    Ok(topics)
}

/// Completes when the leader of every partition answers.
async fn led(settings: &KafkaSettings, topics: &Topics) {
    loop {
        let (config, topics) = (settings.consumer(), topics.clone());
        let answer = tokio::task::spawn_blocking(move || {
            let consumer: BaseConsumer = config.create()?;
            ends(&consumer, &topics, END_MAX).map(drop)
        });
        match answer.await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => tracing::debug!(%error, "a partition does not answer yet"),
            Err(error) => tracing::error!(%error, "asking for the partitions' ends broke off"),
        }
        tokio::time::sleep(LEADERS_PAUSE).await;
    }
}

/// Where each partition of every topic ends, asked of its leader.
pub(crate) fn ends<C: ConsumerContext>(
    consumer: &impl Consumer<C>,
    topics: &Topics,
    within: Duration,
) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::new();
    for topic in topics.all() {
        for partition in 0..topics.partitions() {
            let (_, end) = consumer.fetch_watermarks(topic, partition, within)?;
            list.add_partition_offset(topic, partition, Offset::Offset(end))?;
        }
    }
    Ok(list)
}
