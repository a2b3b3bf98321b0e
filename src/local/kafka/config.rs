//! The broker's `server.properties`: one node that is broker and controller, on loopback alone.

use std::path::Path;

/// 4 MiB: the largest record of architecture §3 (broker, topic, producer and fetch alike).
const MESSAGE_BYTES_MAX: u32 = 4 * 1024 * 1024;

/// Gives the text of `server.properties`.
pub(super) fn server_properties(data: &Path, broker_port: u16, controller_port: u16) -> String {
    let data = data.display();
    format!(
        "\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=BROKER://127.0.0.1:{broker_port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=BROKER://127.0.0.1:{broker_port}
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
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
        let text = server_properties(Path::new("/data"), 1, 2);
        let listeners = text
            .lines()
            .find(|line| line.starts_with("listeners="))
            .unwrap();
        assert_eq!(
            listeners,
            "listeners=BROKER://127.0.0.1:1,CONTROLLER://127.0.0.1:2"
        );
    }
}
