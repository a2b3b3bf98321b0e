//! The append-only event store: any number of streams in one atomic statement, optimistic locks on
//! what is written *and* on what was only read, shared commits, cached aggregates.
//!
//! `journal` is what is asked of the database and `postgres` that database, `append` owns the one
//! connection that writes, `load` folds and caches, `log` reads the dense global order, `adapter`
//! shows every decider to cqrs-es. Numbering is not done here: the
//! publisher's sequencer does it.

mod adapter;
mod append;
mod cache;
mod chain;
mod journal;
mod load;
mod log;
mod postgres;
mod snapshots;
mod tail;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::aggregates::Kind;
use domain::decider::DecodeError;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::lifecycle::Doorbell;

pub use adapter::{AdapterError, CqrsEventStore, Folded, Stored};
pub use chain::{ChainHash, Mark, NoHash, OtherHistory};
pub use journal::{Journal, StreamRow};
pub use load::{Loaded, fold_into};
pub use log::{EventLog, LogError, LogRow, RawRow};
pub use snapshots::Snapshot;

/// The largest event that is stored, in bytes of payload: below Kafka's 4 MiB with room for headers.
pub const EVENT_BYTES_MAX: usize = 3 * 1024 * 1024;

/// One stream: the aggregate's kind and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    /// The aggregate's kind, `context.aggregate`.
    pub kind: Kind,
    /// The aggregate's id.
    pub id: Uuid,
}

impl std::fmt::Display for StreamId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.kind.as_str(), self.id)
    }
}

/// An event ready to be written: JSON text as it will stand in the row and under the hash.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Fresh id, `UUIDv7`; a repeat of the whole append carries the same one.
    pub event_id: Uuid,
    /// Wire name: the variant in `snake_case`.
    pub event_type: String,
    /// Version of the wire form.
    pub event_version: String,
    /// JSON object.
    pub payload: String,
    /// JSON object of strings (architecture §8); nothing personal.
    pub metadata: String,
}

/// What one stream contributes to an append. Without events it only states the version that a
/// decision relied on.
#[derive(Clone, Debug)]
pub struct StreamAppend {
    /// The stream.
    pub stream: StreamId,
    /// The version, counted in events, that the stream must still have.
    pub expected_version: i64,
    /// Events to add, in order; may be empty.
    pub events: Vec<NewEvent>,
}

/// The answer to a request with an idempotency key, committed with the request's events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRecord {
    /// SHA-256 over principal, method, route and key.
    pub key_hash: [u8; 32],
    /// SHA-256 over path parameters and body in sorted-key form.
    pub fingerprint: [u8; 32],
    /// HTTP status of the answer.
    pub status: u16,
    /// Headers to repeat, a JSON object of strings.
    pub headers: String,
    /// Body to repeat, byte for byte.
    pub body: String,
    /// When the command was decided.
    pub created_at: DateTime<Utc>,
}

/// One command's whole write: it is stored entirely or not at all.
#[derive(Clone, Debug)]
pub struct Append {
    /// Streams written and streams relied on.
    pub streams: Vec<StreamAppend>,
    /// The idempotency record, when the request carried a key.
    pub record: Option<CommandRecord>,
    /// The instant of the decision, from `infra::clock`.
    pub recorded_at: DateTime<Utc>,
}

/// Why an append was not answered with success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// A stream is not at the version stated; nothing was written.
    #[error("a stream has moved since it was read")]
    Conflict,
    /// The idempotency key has a record already; nothing was written.
    #[error("the idempotency key was used before")]
    KeyUsed,
    /// An event is larger than [`EVENT_BYTES_MAX`]; nothing was written.
    #[error("an event is larger than {EVENT_BYTES_MAX} bytes")]
    TooLarge,
    /// The queue is full or the write waited too long; nothing was written.
    #[error("the event store is overloaded")]
    Overloaded,
    /// The database refused or could not be reached before anything was sent.
    #[error("the event store is unavailable")]
    Unavailable,
    /// The connection was lost while the commit was under way: written or not, the key will tell.
    #[error("the outcome of the write is unknown")]
    Unknown,
}

/// Why a read of the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database said no or could not be reached.
    #[error("reading the event store failed")]
    Database(#[from] sqlx::Error),
    /// A stored event does not decode: poison, or written by a newer version.
    #[error("event {sequence} of {stream} does not decode")]
    Decode {
        /// The stream that holds it.
        stream: StreamId,
        /// Its place in the stream.
        sequence: i64,
        /// What the decoder said.
        #[source]
        source: DecodeError,
    },
    /// A snapshot is not what this build's state looks like: its schema version should have been
    /// raised.
    #[error("the snapshot of {stream} at {sequence} does not decode")]
    Snapshot {
        /// The stream it stands for.
        stream: StreamId,
        /// The last event in it.
        sequence: i64,
        /// What the decoder said.
        #[source]
        source: serde_json::Error,
    },
    /// The stream has a hole, which the append statement makes impossible.
    #[error("stream {stream} has a hole before {sequence}")]
    Hole {
        /// The stream.
        stream: StreamId,
        /// The sequence that came instead of its predecessor.
        sequence: i64,
    },
}

/// The event store of one process. Cheap to clone.
#[derive(Clone)]
pub struct EventStore {
    journal: Arc<dyn Journal>,
    cache: Arc<cache::StateCache>,
    committed: Doorbell,
}

/// The store's own tasks: the appender and the writer of snapshots.
pub struct StoreTasks {
    appender: append::Appender,
    snapshots: snapshots::SnapshotWriter,
}

impl StoreTasks {
    /// Serves until `stop`, then finishes what has queued. Whoever appends must have ended before, so
    /// `stop` is [`Stop::last_token`](crate::lifecycle::Stop::last_token) of the process.
    pub async fn run(self, stop: CancellationToken) {
        tokio::join!(self.appender.run(stop.clone()), self.snapshots.run(stop));
    }
}

impl EventStore {
    /// Makes the store and its tasks, which the caller runs.
    ///
    /// `pool` serves loads; `options` is what the appender's own connection uses.
    pub fn new(pool: PgPool, options: PgConnectOptions) -> (Self, StoreTasks) {
        let cache = Arc::new(cache::StateCache::new());
        let committed = Doorbell::new();
        let (appender, handle) =
            append::Appender::new(options, Arc::clone(&cache), committed.clone());
        let (queue, snapshots) = snapshots::channel(pool.clone());
        let journal = postgres::PostgresJournal::new(pool, handle, queue);
        let store = Self {
            journal: Arc::new(journal),
            cache,
            committed,
        };
        (
            store,
            StoreTasks {
                appender,
                snapshots,
            },
        )
    }

    /// A store over another journal, with a cache of its own.
    pub fn over(journal: Arc<dyn Journal>) -> Self {
        Self {
            journal,
            cache: Arc::new(cache::StateCache::new()),
            committed: Doorbell::new(),
        }
    }

    /// Rung after each commit of this process: the sequencer waits on it.
    pub fn committed(&self) -> Doorbell {
        self.committed.clone()
    }

    /// Writes one command, atomically, sharing a commit with others in flight.
    ///
    /// # Errors
    /// As [`AppendError`] says; only `Unknown` may have been written.
    #[tracing::instrument(name = "append", skip_all, level = "debug")]
    pub async fn append(&self, append: Append) -> Result<(), AppendError> {
        let streams: Vec<StreamId> = append.streams.iter().map(|part| part.stream).collect();
        let outcome = self.journal.append(append).await;
        if outcome == Err(AppendError::Conflict) {
            self.cache.forget(&streams);
        }
        outcome
    }

    /// The record under an idempotency key, if the command was decided before.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn command_record(
        &self,
        key_hash: &[u8; 32],
    ) -> Result<Option<CommandRecord>, StoreError> {
        self.journal.command_record(key_hash).await
    }
}
