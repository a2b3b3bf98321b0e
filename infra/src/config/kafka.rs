//! Brokers of the live feed, and what topics are called.

use super::fault::Refusals;
use super::vars::Vars;

/// `KAFKA_BROKERS`, `KAFKA_TOPIC_PREFIX` (`ramen`), `KAFKA_PARTITIONS` (12),
/// `KAFKA_SECURITY_PROTOCOL` (`plaintext`).
#[derive(Clone, Debug)]
pub struct Kafka {
    /// `host:port`, separated by commas.
    pub brokers: String,
    /// First part of each topic's name.
    pub topic_prefix: String,
    /// Partitions of a topic that we create.
    pub partitions: u16,
    /// librdkafka's `security.protocol`: `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.
    pub security_protocol: String,
}

impl Kafka {
    /// A broker on this machine, to be named.
    pub fn local() -> Self {
        Self {
            brokers: String::new(),
            topic_prefix: "ramen".to_owned(),
            partitions: 12,
            security_protocol: "plaintext".to_owned(),
        }
    }

    pub(super) fn read(vars: &mut Vars<'_>) -> Option<Self> {
        let kafka = Self {
            brokers: vars.text("KAFKA_BROKERS", ""),
            topic_prefix: vars.text("KAFKA_TOPIC_PREFIX", "ramen"),
            partitions: vars.number("KAFKA_PARTITIONS", 12, 1..=1_000),
            security_protocol: vars.choice(
                "KAFKA_SECURITY_PROTOCOL",
                &[
                    ("plaintext", "plaintext".to_owned()),
                    ("ssl", "ssl".to_owned()),
                    ("sasl_plaintext", "sasl_plaintext".to_owned()),
                    ("sasl_ssl", "sasl_ssl".to_owned()),
                ],
            ),
        };
        (!kafka.brokers.is_empty()).then_some(kafka)
    }

    pub(super) fn check(&self, refuse: &mut Refusals) {
        refuse.when(
            !self.security_protocol.ends_with("ssl"),
            "KAFKA_SECURITY_PROTOCOL",
            "production needs ssl or sasl_ssl",
        );
    }
}
