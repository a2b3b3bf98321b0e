//! The broker's `server.properties`: one node that is broker and controller, on loopback alone.

use std::path::Path;
use std::str::FromStr;

use anyhow::Context as _;

/// 4 MiB: the largest record of architecture §3 (broker, topic, producer and fetch alike).
const MESSAGE_BYTES_MAX: u32 = 4 * 1024 * 1024;

/// One more listener of the broker, behind a proxy: a client is told where to connect by the broker, so one that
/// came through a proxy goes past it unless the broker names the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Proxied {
    /// Port of loopback on which the broker listens.
    pub(crate) listen: u16,
    /// Port of loopback that it names, on which the proxy listens.
    pub(crate) advertised: u16,
}

impl FromStr for Proxied {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (listen, advertised) = text
            .split_once(':')
            .context("two ports, listen:advertised")?;
        Ok(Self {
            listen: listen.parse().context("the port to listen on")?,
            advertised: advertised.parse().context("the port of the proxy")?,
        })
    }
}

/// Gives the text of `server.properties`.
pub(super) fn server_properties(
    data: &Path,
    broker_port: u16,
    controller_port: u16,
    proxied: Option<Proxied>,
) -> String {
    let data = data.display();
    let (mut listeners, mut advertised, mut protocols) = (
        format!("BROKER://127.0.0.1:{broker_port},CONTROLLER://127.0.0.1:{controller_port}"),
        format!("BROKER://127.0.0.1:{broker_port}"),
        "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
    );
    if let Some(proxied) = proxied {
        listeners = format!("{listeners},PROXIED://127.0.0.1:{}", proxied.listen);
        advertised = format!("{advertised},PROXIED://127.0.0.1:{}", proxied.advertised);
        protocols.push_str(",PROXIED:PLAINTEXT");
    }
    format!(
        "\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners={listeners}
advertised.listeners={advertised}
listener.security.protocol.map={protocols}
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
log.dirs={data}
message.max.bytes={MESSAGE_BYTES_MAX}
replica.fetch.max.bytes={MESSAGE_BYTES_MAX}
# Topics are made by the publisher, with the partition count that the cursor was written for.
auto.create.topics.enable=false
# Postgres is the truth, but a slow reader must not find a hole: nothing is dropped by age.
log.retention.ms=-1
# One node: every internal topic has one replica, and few partitions to load at the start.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
# A group starts with its first member instead of waiting 3 s for more.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.heartbeat.interval.ms=100
group.consumer.heartbeat.interval.ms=1000
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_broker_listens_on_loopback_alone() {
        let text = server_properties(Path::new("/data"), 1, 2, None);
        assert_eq!(
            line(&text, "listeners="),
            "listeners=BROKER://127.0.0.1:1,CONTROLLER://127.0.0.1:2"
        );
    }

    #[test]
    fn who_comes_through_a_proxy_is_sent_back_to_it() {
        let proxied = "3:4".parse().unwrap();
        let text = server_properties(Path::new("/data"), 1, 2, Some(proxied));
        assert_eq!(
            line(&text, "listeners="),
            "listeners=BROKER://127.0.0.1:1,CONTROLLER://127.0.0.1:2,PROXIED://127.0.0.1:3"
        );
        assert_eq!(
            line(&text, "advertised.listeners="),
            "advertised.listeners=BROKER://127.0.0.1:1,PROXIED://127.0.0.1:4"
        );
        assert!("3".parse::<Proxied>().is_err());
    }

    fn line<'text>(text: &'text str, start: &str) -> &'text str {
        text.lines().find(|line| line.starts_with(start)).unwrap()
    }
}
