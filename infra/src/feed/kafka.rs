//! The feed of the running system: Kafka's live tail over a store that has everything.
//!
//! It starts each partition at its present end and reads what is older from the store, so Kafka's
//! offsets are never kept. From then on a record that comes twice is dropped, one that comes after a
//! hole first has the hole filled from the store, and a broker that stands still while the log grows
//! is one long hole, as is one partition that stands still while the others flow. Positions are dense
//! over all partitions, which makes "everything up to here has been seen" one number, the frontier:
//! when that stands still, something is missing.
//!
//! Each record carries what the chain comes to with it, so the frontier is known with its hash, and is
//! compared with the store's whenever the log is looked at.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::OwnedMessage;
use tokio::time::Instant;

use super::{Checkpoints, Feed, FeedError, FeedRecord, Origin};
use crate::event_store::{ChainHash, EventLog, LogRow, Mark};
use crate::kafka::{KafkaSettings, Topics, decode, ends, partition_of};

/// What has not come from the broker after this long is read from the store (reliability §5).
const STALL_MAX: Duration = Duration::from_secs(5);
/// How often the log is compared with what has arrived, and a lost broker is tried again.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Rows read at once to fill a hole.
const FILL_ROWS: usize = 1_000;
/// Asking the broker for one partition's end.
const WATERMARK_MAX: Duration = Duration::from_secs(2);

/// Consumes every partition of every topic, with the store behind it.
pub struct KafkaFeed {
    consumer: Arc<StreamConsumer>,
    log: EventLog,
    topics: Topics,
    applied: Checkpoints,
    frontier: Frontier,
    /// Accepted and not handed out: an error on the way must not lose them.
    ready: Vec<FeedRecord>,
    /// Received while waiting, not yet looked at.
    received: VecDeque<OwnedMessage>,
    /// Up to here the store is read, because Kafka will not bring it.
    store_until: i64,
    assigned: bool,
    looked_at: Instant,
}

/// Which positions have been seen: all up to `contiguous`, and some beyond it.
#[derive(Debug)]
struct Frontier {
    contiguous: Mark,
    ahead: BTreeMap<i64, ChainHash>,
    /// When `contiguous` last moved or was known to be all there is.
    moved_at: Instant,
}

impl Frontier {
    fn starting_at(contiguous: Mark) -> Self {
        Self {
            contiguous,
            ahead: BTreeMap::new(),
            moved_at: Instant::now(),
        }
    }

    fn saw(&mut self, mark: Mark) {
        if mark.position <= self.contiguous.position {
            return;
        }
        self.ahead.insert(mark.position, mark.hash);
        while let Some(next) = self.ahead.first_entry()
            && *next.key() == self.contiguous.position + 1
        {
            let (position, hash) = next.remove_entry();
            self.contiguous = Mark { position, hash };
            self.moved_at = Instant::now();
        }
    }

    fn position(&self) -> i64 {
        self.contiguous.position
    }

    /// The log ends where the frontier stands: nothing is missing.
    fn is_whole(&mut self) {
        self.moved_at = Instant::now();
    }

    fn stands_since(&self) -> Duration {
        self.moved_at.elapsed()
    }
}

impl KafkaFeed {
    /// A feed for the broker that `settings` names, with `log` for what Kafka does not bring.
    ///
    /// # Errors
    /// When the settings make no client. A broker that is down is no error.
    pub fn connect(settings: &KafkaSettings, log: EventLog) -> Result<Self, KafkaError> {
        Ok(Self {
            consumer: Arc::new(settings.consumer().create()?),
            log,
            topics: Topics::new(settings),
            applied: Checkpoints::new(),
            frontier: Frontier::starting_at(Mark::default()),
            ready: Vec::new(),
            received: VecDeque::new(),
            store_until: 0,
            assigned: false,
            looked_at: Instant::now(),
        })
    }

    /// Begins every partition at its present end. What is older comes from the store.
    async fn assign(&mut self) -> Result<(), FeedError> {
        let (consumer, topics) = (Arc::clone(&self.consumer), self.topics.clone());
        let assigned = tokio::task::spawn_blocking(move || assign_at_end(&consumer, &topics)).await;
        self.assigned = match assigned {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the broker does not answer; reading the store instead");
                false
            }
            Err(error) => {
                tracing::error!(%error, "assigning partitions ended early");
                false
            }
        };
        // Read after the ends were fixed: everything published before them is numbered by now.
        self.store_until = self.log.head().await?;
        Ok(())
    }

    fn origin_of(&self, row: &LogRow) -> Origin {
        Origin {
            topic: self.topics.of(row.stream.kind).to_owned(),
            partition: partition_of(row.stream.id, self.topics.partitions()),
        }
    }

    /// Notes `record` and keeps it, unless its origin is past it already.
    fn accept(&mut self, record: FeedRecord) {
        self.frontier.saw(record.mark());
        let applied = self.applied.entry(record.origin.clone()).or_default();
        if record.position > applied.position {
            *applied = record.mark();
            self.ready.push(record);
        }
    }

    /// One batch from the store after the frontier; how many rows there were.
    async fn read_store(&mut self, max: usize) -> Result<usize, FeedError> {
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let rows = self.log.after(self.frontier.contiguous, max).await?;
        let count = rows.len();
        for row in rows {
            let origin = self.origin_of(&row);
            self.accept(FeedRecord::from_row(row, origin));
        }
        Ok(count)
    }

    async fn read_broker(&mut self, max: usize) -> Result<(), FeedError> {
        while self.ready.len() < max {
            let Some(message) = self.next_message()? else {
                break;
            };
            match decode(&message) {
                Ok((record, previous)) => {
                    if let Err(error) = self.take(record, previous).await {
                        // Nothing may be lost on the way: it is looked at again.
                        self.received.push_front(message);
                        return Err(error);
                    }
                }
                // Not ours, or damaged on the way: the hole it leaves is filled from the store.
                Err(error) => tracing::error!(%error, "a record in a topic of ours does not read"),
            }
        }
        Ok(())
    }

    async fn take(&mut self, record: FeedRecord, previous: i64) -> Result<(), FeedError> {
        let applied = self
            .applied
            .get(&record.origin)
            .map_or(0, |mark| mark.position);
        // What the frontier covers was seen, whatever the origin's own last position is.
        if previous > applied.max(self.frontier.position()) {
            tracing::warn!(
                topic = %record.origin.topic, partition = record.origin.partition,
                after = applied, until = previous, "filling a hole from the store"
            );
            while self.frontier.position() < previous && self.read_store(FILL_ROWS).await? > 0 {}
        }
        self.accept(record);
        Ok(())
    }

    fn next_message(&mut self) -> Result<Option<OwnedMessage>, FeedError> {
        if let Some(message) = self.received.pop_front() {
            return Ok(Some(message));
        }
        match self.consumer.recv().now_or_never() {
            None => Ok(None),
            Some(Ok(message)) => Ok(Some(message.detach())),
            Some(Err(error)) => quiet(error).map(|()| None),
        }
    }

    /// Whether it was time to look at the log, which then holds what was read: it may have been
    /// restored meanwhile, and what the broker brings would not show that.
    async fn looked(&mut self) -> Result<bool, FeedError> {
        if self.looked_at.elapsed() < LOOK_EVERY {
            return Ok(false);
        }
        self.log.verify([self.frontier.contiguous]).await?;
        self.looked_at = Instant::now();
        Ok(true)
    }

    /// Whether the log has grown past what the broker brought, for longer than a broker may take.
    async fn stalled(&mut self) -> Result<bool, FeedError> {
        if !self.assigned {
            self.assign().await?;
        }
        if self.assigned && self.frontier.stands_since() < STALL_MAX {
            return Ok(false);
        }
        let head = self.log.head().await?;
        if head <= self.frontier.position() {
            self.frontier.is_whole();
            return Ok(false);
        }
        if self.assigned {
            tracing::warn!(
                after = self.frontier.position(),
                until = head,
                "the broker left something out; reading the store"
            );
        }
        self.store_until = head;
        Ok(true)
    }
}

#[async_trait]
impl Feed for KafkaFeed {
    async fn start(&mut self, from: Checkpoints) -> Result<(), FeedError> {
        self.log.verify(from.values().copied()).await?;
        let contiguous = from.get(&Origin::store()).copied().unwrap_or_default();
        self.looked_at = Instant::now();
        self.frontier = Frontier::starting_at(contiguous);
        self.applied = from;
        self.ready.clear();
        self.received.clear();
        self.assign().await
    }

    async fn poll(&mut self, max: usize) -> Result<Vec<FeedRecord>, FeedError> {
        let looked = self.looked().await?;
        if self.frontier.position() < self.store_until {
            self.read_store(max).await?;
        } else {
            self.read_broker(max).await?;
            if looked && self.stalled().await? {
                self.read_store(max).await?;
            }
        }
        Ok(std::mem::take(&mut self.ready))
    }

    fn frontier(&self) -> Mark {
        self.frontier.contiguous
    }

    async fn wait(&mut self) {
        if self.frontier.position() < self.store_until || !self.received.is_empty() {
            return;
        }
        let received = tokio::select! {
            received = self.consumer.recv() => received.map(|message| message.detach()),
            () = tokio::time::sleep(LOOK_EVERY) => return,
        };
        match received {
            Ok(message) => self.received.push_back(message),
            Err(error) => tracing::debug!(%error, "the consumer reports"),
        }
    }
}

/// The client mends lost connections by itself; only what it gives up on is an error.
fn quiet(error: KafkaError) -> Result<(), FeedError> {
    if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
        return Err(error.into());
    }
    tracing::debug!(%error, "the consumer reports");
    Ok(())
}

fn assign_at_end(consumer: &StreamConsumer, topics: &Topics) -> Result<(), KafkaError> {
    consumer.assign(&ends(consumer, topics, WATERMARK_MAX)?)
}

#[cfg(test)]
mod tests {
    use super::{ChainHash, Frontier, Mark};

    fn mark(position: i64) -> Mark {
        let hash = ChainHash::try_from(vec![u8::try_from(position).unwrap(); 32]).unwrap();
        Mark { position, hash }
    }

    #[test]
    fn the_frontier_waits_for_what_is_missing() {
        let mut frontier = Frontier::starting_at(mark(3));
        for position in [5, 2, 6, 4] {
            frontier.saw(mark(position));
        }
        assert_eq!(frontier.contiguous, mark(6));
        assert!(frontier.ahead.is_empty());
    }
}
