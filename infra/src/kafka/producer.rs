//! The one producer: it sends numbered events and answers when the broker has all of them.

use std::collections::HashMap;

use futures::future::try_join_all;
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _};
use rdkafka::util::Timeout;

use super::codec::{headers, partition_of};
use super::{KafkaSettings, Topics};
use crate::event_store::LogRow;

/// Why a batch was not (all) acknowledged. The batch is to be sent again from the cursor.
#[derive(Debug, thiserror::Error)]
pub enum ProduceError {
    /// The client or the broker refused a record.
    #[error("the broker did not take a record")]
    Kafka(#[from] KafkaError),
    /// The client was closed while a record was on its way.
    #[error("the producer was closed")]
    Closed,
    /// An event without a body would be a tombstone.
    #[error("event at position {0} has an empty payload")]
    Empty(i64),
}

/// Sends events to their topics.
pub struct EventProducer {
    client: FutureProducer,
    topics: Topics,
}

impl EventProducer {
    /// A producer for `settings`; it connects by itself and keeps trying.
    ///
    /// # Errors
    /// When the settings make no client.
    pub fn connect(settings: &KafkaSettings) -> Result<Self, KafkaError> {
        Ok(Self {
            client: settings.producer().create()?,
            topics: Topics::new(settings),
        })
    }

    /// Sends `rows` in order and returns once every one is acknowledged, with the last position
    /// sent to each partition. `last` says what each partition had before.
    ///
    /// # Errors
    /// When one is refused; those before it may have arrived, and consumers drop the repeats.
    pub async fn send(
        &self,
        rows: &[LogRow],
        mut last: HashMap<(String, i32), i64>,
    ) -> Result<HashMap<(String, i32), i64>, ProduceError> {
        let mut pending: Vec<DeliveryFuture> = Vec::with_capacity(rows.len());
        for row in rows {
            if row.payload.is_empty() {
                return Err(ProduceError::Empty(row.position));
            }
            let topic = self.topics.of(row.stream.kind);
            let partition = partition_of(row.stream.id, self.topics.partitions());
            let previous = last
                .insert((topic.to_owned(), partition), row.position)
                .unwrap_or(0);
            pending.push(self.enqueue(row, topic, partition, previous).await?);
        }
        try_join_all(pending.into_iter().map(acknowledged)).await?;
        Ok(last)
    }

    /// Hands one record to the client, waiting when its queue is full.
    async fn enqueue(
        &self,
        row: &LogRow,
        topic: &str,
        partition: i32,
        previous: i64,
    ) -> Result<DeliveryFuture, ProduceError> {
        let key = row.stream.id.to_string();
        let mut record = FutureRecord::to(topic)
            .partition(partition)
            .key(&key)
            .payload(&row.payload)
            .timestamp(row.recorded_at.timestamp_millis())
            .headers(headers(row, previous));
        loop {
            match self.client.send_result(record) {
                Ok(delivery) => return Ok(delivery),
                Err((error, returned)) if is_queue_full(&error) => {
                    record = returned;
                    tokio::task::yield_now().await;
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }

    /// Gives the client a bounded time to send what it holds.
    ///
    /// # Errors
    /// When something is left.
    pub fn flush(&self, within: std::time::Duration) -> Result<(), KafkaError> {
        self.client.flush(Timeout::After(within))
    }
}

fn is_queue_full(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(rdkafka::error::RDKafkaErrorCode::QueueFull)
}

async fn acknowledged(delivery: DeliveryFuture) -> Result<(), ProduceError> {
    match delivery.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err((error, _))) => Err(error.into()),
        Err(_) => Err(ProduceError::Closed),
    }
}
