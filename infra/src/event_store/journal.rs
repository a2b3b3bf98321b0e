//! What the store asks of the place where events are kept: the seam at which simulations put one of
//! their own (ADR 29). Folding, caching and trying again are on this side of it.

use std::collections::HashMap;

use async_trait::async_trait;

use super::{Append, AppendError, CommandRecord, Snapshot, StoreError, StreamId};

/// A stored event as text, or the snapshot that stands for those before it.
#[derive(Clone, Debug)]
pub struct StreamRow {
    /// Place in the stream, from 1.
    pub sequence: i64,
    /// The event's wire name and version; none for a snapshot.
    pub event: Option<(String, String)>,
    /// The event's payload, or the snapshot's state.
    pub text: String,
}

/// Where events and command records are kept. Asked once a round trip, so a boxed future weighs nothing.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Writes one command, entirely or not at all.
    ///
    /// # Errors
    /// As [`AppendError`] says; only `Unknown` may have been written.
    async fn append(&self, append: Append) -> Result<(), AppendError>;

    /// The rows of `streams` in order of sequence; none of a stream that does not exist.
    ///
    /// # Errors
    /// When the rows cannot be read.
    async fn read(
        &self,
        streams: &[StreamId],
    ) -> Result<HashMap<StreamId, Vec<StreamRow>>, StoreError>;

    /// Whether every stream is still at the version given.
    ///
    /// # Errors
    /// When the versions cannot be read.
    async fn still_at(&self, versions: &[(StreamId, i64)]) -> Result<bool, StoreError>;

    /// The record under an idempotency key.
    ///
    /// # Errors
    /// When the record cannot be read.
    async fn command_record(
        &self,
        key_hash: &[u8; 32],
    ) -> Result<Option<CommandRecord>, StoreError>;

    /// Takes a snapshot to keep, or leaves it: the next interval brings another.
    fn offer(&self, snapshot: Snapshot);
}
