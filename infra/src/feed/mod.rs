//! How events reach those who follow them: one trait, two implementations, both used in production.
//! `kafka` is the running system's; `store` reads `es.event_log` and serves rebuilds, audits, the
//! processes and the embedded mode that has no broker.
//!
//! A feed gives each origin's records in order of position, without repeats and without holes; there
//! is no order between origins.

mod alarm;
mod kafka;
mod store;

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::aggregates::Kind;
use uuid::Uuid;

pub use alarm::HistoryAlarm;
pub use kafka::KafkaFeed;
pub use store::{HeadWatch, StoreFeed};

use crate::event_store::{ChainHash, LogError, LogRow, Mark, StreamId};

/// Where records come from, and what a checkpoint is kept for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// Topic, or [`Origin::STORE`].
    pub topic: String,
    /// Partition of the topic.
    pub partition: i32,
}

impl Origin {
    /// The topic name that stands for the store itself.
    pub const STORE: &'static str = "store";

    /// The one origin of the store feed.
    pub fn store() -> Self {
        Self {
            topic: Self::STORE.to_owned(),
            partition: 0,
        }
    }
}

/// The last place applied, by origin. An origin that is missing starts before the first event.
pub type Checkpoints = HashMap<Origin, Mark>;

/// One event on its way to those who follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRecord {
    /// The aggregate's kind.
    pub kind: Kind,
    /// The aggregate's id.
    pub stream: Uuid,
    /// Place in the stream, from 1.
    pub sequence: i64,
    /// Place in the global order, from 1.
    pub position: i64,
    /// What the chain comes to with it.
    pub hash: ChainHash,
    /// The event's own id.
    pub event_id: Uuid,
    /// Wire name, `snake_case`.
    pub event_type: String,
    /// Version of the wire form.
    pub event_version: String,
    /// JSON object, the bytes as stored.
    pub payload: String,
    /// JSON object of strings, the bytes as stored.
    pub metadata: String,
    /// When it was decided.
    pub recorded_at: DateTime<Utc>,
    /// Where it came from.
    pub origin: Origin,
}

impl FeedRecord {
    /// The record of a log row as `origin` delivers it.
    pub fn from_row(row: LogRow, origin: Origin) -> Self {
        Self {
            kind: row.stream.kind,
            stream: row.stream.id,
            sequence: row.sequence,
            position: row.position,
            hash: row.hash,
            event_id: row.event_id,
            event_type: row.event_type,
            event_version: row.event_version,
            payload: row.payload,
            metadata: row.metadata,
            recorded_at: row.recorded_at,
            origin,
        }
    }

    /// The place in the log where it stands.
    pub fn mark(&self) -> Mark {
        Mark {
            position: self.position,
            hash: self.hash,
        }
    }

    /// The stream's id with its kind.
    pub fn stream_id(&self) -> StreamId {
        StreamId {
            kind: self.kind,
            id: self.stream,
        }
    }
}

/// Why a feed cannot go on. All of these are worth another try: even another history ends when the
/// right store is back, or when the follower has begun again.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The store behind the feed cannot be read, or is not the one that the follower has read.
    #[error("the feed cannot read the event log")]
    Log(#[from] LogError),
    /// The broker's client failed in a way that it does not mend itself.
    #[error("the feed cannot read from the broker")]
    Broker(#[from] rdkafka::error::KafkaError),
}

/// A source of events that remembers how far it has been read.
#[async_trait]
pub trait Feed: Send {
    /// Begins after the positions given.
    ///
    /// # Errors
    /// [`LogError::OtherHistory`] when the events up to a checkpoint are not those of the log; else
    /// when log or broker cannot be read.
    async fn start(&mut self, from: Checkpoints) -> Result<(), FeedError>;

    /// Up to `max` records that are there now; empty when there is none. Does not wait.
    ///
    /// # Errors
    /// When log or broker cannot be read; nothing was skipped, ask again.
    async fn poll(&mut self, max: usize) -> Result<Vec<FeedRecord>, FeedError>;

    /// Every position up to this one has been handed out. A follower commits it beside its
    /// checkpoints, as the one of [`Origin::store`]: a restart, with either feed, goes on from there.
    fn frontier(&self) -> Mark;

    /// Returns when [`Feed::poll`] may find something, at the latest after an idle interval.
    async fn wait(&mut self);
}
