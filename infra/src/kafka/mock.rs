//! A broker in the test's own process, librdkafka's. It is right about protocol and order, not about
//! time: it does not wake a fetch that waits, so nothing about latency is learned from it.

use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use super::{KafkaSettings, Topics};

/// One broker with the topics of an installation; gone when dropped.
pub struct MockBroker {
    cluster: MockCluster<'static, DefaultProducerContext>,
    settings: KafkaSettings,
}

impl MockBroker {
    /// Starts one on loopback.
    ///
    /// # Errors
    /// When the library makes none.
    pub fn start() -> Result<Self, KafkaError> {
        let cluster = MockCluster::new(1)?;
        let settings = KafkaSettings {
            brokers: cluster.bootstrap_servers(),
            topic_prefix: "mock".to_owned(),
            partitions: 3,
            replication: 1,
            security_protocol: "plaintext".to_owned(),
        };
        for topic in Topics::new(&settings).all() {
            cluster.create_topic(topic, settings.partitions, settings.replication)?;
        }
        Ok(Self { cluster, settings })
    }

    /// How to reach it.
    pub fn settings(&self) -> &KafkaSettings {
        &self.settings
    }

    /// Lets every answer take this long from now on.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn answers_after(&self, wait: Duration) -> Result<(), KafkaError> {
        self.cluster.broker_round_trip_time(1, wait)
    }
}
