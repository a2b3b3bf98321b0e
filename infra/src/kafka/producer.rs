//! The one producer: it sends numbered events and answers when the broker has all of them.

use std::collections::HashMap;
use std::future::Future;

use futures::future::{BoxFuture, FutureExt as _, try_join_all};
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _};
use rdkafka::util::Timeout;

use super::codec::{headers, partition_of};
use super::topics::ensure_topics;
use super::{KafkaSettings, Topics};
use crate::event_store::LogRow;
use crate::fault;

/// The last position sent to each (topic, partition).
pub type LastSent = HashMap<(String, i32), i64>;

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
    settings: KafkaSettings,
    client: FutureProducer,
    topics: Topics,
}

/// Records in the client's hands.
pub struct OnTheWay {
    /// How many of the rows given were taken, from the first; at least one.
    pub taken: usize,
    /// The last position sent to each partition, once all are acknowledged.
    pub last: LastSent,
    acknowledged: BoxFuture<'static, Result<(), ProduceError>>,
}

impl OnTheWay {
    /// Completes when the broker has every record. May be dropped while waiting and asked again.
    ///
    /// # Errors
    /// When one is refused; those before it may have arrived, and consumers drop the repeats.
    pub fn acknowledged(&mut self) -> impl Future<Output = Result<(), ProduceError>> + Send {
        &mut self.acknowledged
    }
}

impl EventProducer {
    /// A producer for `settings`; it connects by itself and keeps trying.
    ///
    /// # Errors
    /// When the settings make no client.
    pub fn connect(settings: &KafkaSettings) -> Result<Self, KafkaError> {
        Ok(Self {
            settings: settings.clone(),
            client: settings.producer().create()?,
            topics: Topics::new(settings),
        })
    }

    /// Hands `rows` to the client in order, as many as its queue takes. `last` says what each
    /// partition had before.
    ///
    /// # Errors
    /// When the client takes none.
    pub async fn send(
        &mut self,
        rows: &[LogRow],
        mut last: LastSent,
    ) -> Result<OnTheWay, ProduceError> {
        self.renew_if_broken().await?;
        let mut pending: Vec<DeliveryFuture> = Vec::with_capacity(rows.len());
        for row in rows {
            match self.enqueue(row, &last) {
                Ok((place, delivery)) => {
                    last.insert(place, row.position);
                    pending.push(delivery);
                }
                Err(ProduceError::Kafka(error)) if is_queue_full(&error) && !pending.is_empty() => {
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        let taken = pending.len();
        let acknowledged = try_join_all(pending.into_iter().enumerate().map(
            move |(nth, delivery)| async move {
                acknowledged(delivery).await?;
                if nth == 0 && taken > 1 {
                    fault::point("pub.part_acked");
                }
                Ok(())
            },
        ));
        Ok(OnTheWay {
            taken,
            last,
            acknowledged: acknowledged.map(|all| all.map(drop)).boxed(),
        })
    }

    /// With the gapless guarantee one record that can never be delivered (its topic is gone, it is
    /// too large) ends the client for good. A new one begins at the cursor.
    async fn renew_if_broken(&mut self) -> Result<(), ProduceError> {
        let Some((code, reason)) = self.client.client().fatal_error() else {
            return Ok(());
        };
        tracing::warn!(%code, reason, "the producer is broken for good; making a new one");
        ensure_topics(&self.settings).await?;
        self.client = self.settings.producer().create()?;
        Ok(())
    }

    /// Hands one record to the client.
    fn enqueue(
        &self,
        row: &LogRow,
        last: &LastSent,
    ) -> Result<((String, i32), DeliveryFuture), ProduceError> {
        if row.payload.is_empty() {
            return Err(ProduceError::Empty(row.position));
        }
        let topic = self.topics.of(row.stream.kind);
        let partition = partition_of(row.stream.id, self.topics.partitions());
        let place = (topic.to_owned(), partition);
        let key = row.stream.id.to_string();
        let record = FutureRecord::to(topic)
            .partition(partition)
            .key(&key)
            .payload(&row.payload)
            // No timestamp of ours: the broker's retention counts real days, and the marketplace's
            // clock may show others. When the event was decided says `ce_time`.
            .headers(headers(row, last.get(&place).copied().unwrap_or(0)));
        match self.client.send_result(record) {
            Ok(delivery) => Ok((place, delivery)),
            Err((error, _)) => Err(error.into()),
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
