//! Folded states by stream. A hint, never the truth: every append states the version it relied on,
//! so a stale entry costs a retry and nothing else.

use std::any::Any;
use std::sync::Arc;

use moka::sync::Cache;

use super::StreamId;

/// Streams kept: at a few KiB each this stays near 200 MiB.
const STREAMS_MAX: u64 = 50_000;

/// A folded state and how many events it holds.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) version: i64,
    pub(super) state: Arc<dyn Any + Send + Sync>,
}

pub(super) struct StateCache {
    entries: Cache<StreamId, Entry>,
}

impl StateCache {
    pub(super) fn new() -> Self {
        Self {
            entries: Cache::builder().max_capacity(STREAMS_MAX).build(),
        }
    }

    pub(super) fn get(&self, stream: StreamId) -> Option<Entry> {
        self.entries.get(&stream)
    }

    /// Keeps `entry` unless a newer one is there already.
    pub(super) fn put(&self, stream: StreamId, entry: Entry) {
        self.entries
            .entry(stream)
            .and_upsert_with(|held| match held {
                Some(held) if held.value().version > entry.version => held.into_value(),
                Some(_) | None => entry,
            });
    }

    pub(super) fn forget(&self, streams: &[StreamId]) {
        for stream in streams {
            self.entries.invalidate(stream);
        }
    }

    /// After a reconnect nothing in here can be vouched for.
    pub(super) fn forget_all(&self) {
        self.entries.invalidate_all();
    }
}
