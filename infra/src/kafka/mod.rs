//! Kafka as transport: topics, the wire form of a record, the one producer. Everything that names
//! rdkafka is here and in `infra::feed`.

mod codec;
#[cfg(feature = "testing")]
mod mock;
mod producer;
mod topics;

pub use codec::{CodecError, decode, partition_of};
#[cfg(feature = "testing")]
pub use mock::MockBroker;
pub use producer::{EventProducer, LastSent, OnTheWay, ProduceError};
pub(crate) use topics::ends;
pub use topics::{Topics, ensure_topics};

use rdkafka::ClientConfig;

use crate::config::{self, Stage};

/// Where the broker is and how the topics are cut.
#[derive(Clone, Debug)]
pub struct KafkaSettings {
    /// `host:port` list.
    pub brokers: String,
    /// First part of every topic name; `ramen` unless tests share a broker.
    pub topic_prefix: String,
    /// Partitions of each topic. Another count means another topic (architecture §3).
    pub partitions: i32,
    /// Copies of each record: 1 on one machine, 3 in production.
    pub replication: i32,
    /// librdkafka's `security.protocol`.
    pub security_protocol: String,
}

impl KafkaSettings {
    /// What the configuration says; in production each record has three copies.
    pub fn new(kafka: &config::Kafka, stage: Stage) -> Self {
        Self {
            brokers: kafka.brokers.clone(),
            topic_prefix: kafka.topic_prefix.clone(),
            partitions: i32::from(kafka.partitions.min(1_000).cast_signed()),
            replication: if stage == Stage::Production { 3 } else { 1 },
            security_protocol: kafka.security_protocol.clone(),
        }
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "ramen")
            .set("security.protocol", &self.security_protocol)
            .set("message.max.bytes", MESSAGE_BYTES_MAX)
            .set("socket.keepalive.enable", "true")
            .set("socket.nagle.disable", "true")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            // A broker that is away is reported by us, once; librdkafka repeats itself.
            .set("log.connection.close", "false");
        config
    }

    pub(crate) fn consumer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("group.id", "ramen-projector")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("fetch.min.bytes", "1")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.queue.backoff.ms", "5")
            .set("fetch.message.max.bytes", MESSAGE_BYTES_MAX)
            .set("queued.max.messages.kbytes", "65536");
        config
    }

    fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("enable.gapless.guarantee", "true")
            .set("linger.ms", "0")
            .set("message.timeout.ms", "0");
        config
    }
}

/// Limit of broker, topic, producer and fetch alike (architecture §3): 4 MiB.
const MESSAGE_BYTES_MAX: &str = "4194304";
