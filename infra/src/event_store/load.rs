//! Loading: the cached state when there is one, else snapshot and events in one query, decoded
//! straight from the row's text.

use std::any::Any;
use std::sync::Arc;

use domain::aggregates::Kind;
use domain::decider::{Decider, DecodeError, decode};
use uuid::Uuid;

use super::cache::Entry;
use super::journal::StreamRow;
use super::snapshots::{self, Snapshot};
use super::{EventStore, StoreError, StreamId};

/// An aggregate as of a version; version 0 is one that does not exist yet.
#[derive(Clone, Debug)]
pub struct Loaded<A> {
    /// Its stream.
    pub stream: StreamId,
    /// Events folded.
    pub version: i64,
    /// The folded state, shared with the cache.
    pub state: Arc<A>,
}

impl<A> Loaded<A> {
    /// Whether the stream has any event.
    pub fn exists(&self) -> bool {
        self.version > 0
    }
}

impl EventStore {
    /// The aggregate `id`, from the cache when it is there.
    ///
    /// # Errors
    /// When the database cannot be read or an event does not decode.
    pub async fn load<A: Decider>(&self, id: Uuid) -> Result<Loaded<A>, StoreError> {
        let stream = StreamId {
            kind: kind_of::<A>(),
            id,
        };
        if let Some(found) = self.cached::<A>(stream) {
            return Ok(found);
        }
        let mut rows = self.journal.read(&[stream]).await?;
        let folded = fold::<A>(stream, rows.remove(&stream).unwrap_or_default())?;
        let loaded = Loaded {
            stream,
            version: folded.version,
            state: Arc::clone(&folded.state),
        };
        self.remember(stream, folded.entry(), folded.snapshot);
        Ok(loaded)
    }

    /// Brings those of `streams` that are not cached into the cache with one query, so that the
    /// loads that follow ask nothing.
    ///
    /// # Errors
    /// As [`EventStore::load`].
    pub async fn prefetch(&self, streams: &[StreamId]) -> Result<(), StoreError> {
        let missing: Vec<StreamId> = streams
            .iter()
            .copied()
            .filter(|stream| self.cache.get(*stream).is_none())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut rows = self.journal.read(&missing).await?;
        for stream in missing {
            let (entry, snapshot) = fold_any(stream, rows.remove(&stream).unwrap_or_default())?;
            self.remember(stream, entry, snapshot);
        }
        Ok(())
    }

    /// Puts the state that a committed append led to into the cache.
    pub fn keep<A: Decider>(&self, stream: StreamId, before: i64, version: i64, state: Arc<A>) {
        self.remember(stream, Entry { version, state }, before);
    }

    /// Drops cached states, so that the next load reads the database.
    pub fn forget(&self, streams: &[StreamId]) {
        self.cache.forget(streams);
    }

    /// Whether every stream is still at the version given; one query, asked before a refusal or an
    /// empty decision is answered from cached states.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn still_at(&self, versions: &[(StreamId, i64)]) -> Result<bool, StoreError> {
        self.journal.still_at(versions).await
    }

    fn cached<A: Decider>(&self, stream: StreamId) -> Option<Loaded<A>> {
        let entry = self.cache.get(stream)?;
        let state = entry.state.downcast::<A>().ok()?;
        Some(Loaded {
            stream,
            version: entry.version,
            state,
        })
    }

    /// Caches `entry`; `before` is what its stream's snapshot, or the state before, had.
    fn remember(&self, stream: StreamId, entry: Entry, before: i64) {
        if snapshots::due(stream.kind, before, entry.version)
            && let Some(snapshot) = snapshot(stream, &entry)
        {
            self.journal.offer(snapshot);
        }
        self.cache.put(stream, entry);
    }
}

/// The kind of a decider, which the one list of aggregates holds.
pub(super) fn kind_of<A: Decider>() -> Kind {
    Kind::parse(A::KIND).expect("every decider stands in the aggregates! list")
}

/// Decodes one stored event, by way of its upcaster when its version is not today's, and folds it.
///
/// # Errors
/// When the text is not an event of this aggregate.
pub fn fold_into<A: Decider>(
    state: &mut A,
    event_type: &str,
    event_version: &str,
    payload: &str,
) -> Result<(), DecodeError> {
    state.evolve(&decode::<A>(event_type, event_version, payload)?);
    Ok(())
}

/// A stream folded to its end.
struct FoldedStream<A> {
    version: i64,
    state: Arc<A>,
    /// Sequence of the snapshot it was folded from, 0 without one.
    snapshot: i64,
}

impl<A: Send + Sync + 'static> FoldedStream<A> {
    fn entry(&self) -> Entry {
        Entry {
            version: self.version,
            state: Arc::clone(&self.state) as Arc<dyn Any + Send + Sync>,
        }
    }
}

fn fold<A: Decider>(stream: StreamId, rows: Vec<StreamRow>) -> Result<FoldedStream<A>, StoreError> {
    let mut state = A::default();
    let (mut version, mut snapshot) = (0, 0);
    for row in rows {
        let sequence = row.sequence;
        match &row.event {
            None => {
                state = serde_json::from_str(&row.text).map_err(|source| StoreError::Snapshot {
                    stream,
                    sequence,
                    source,
                })?;
                snapshot = sequence;
            }
            Some(_) if sequence != version + 1 => {
                return Err(StoreError::Hole { stream, sequence });
            }
            Some((name, event_version)) => {
                fold_into(&mut state, name, event_version, &row.text).map_err(|source| {
                    StoreError::Decode {
                        stream,
                        sequence,
                        source,
                    }
                })?;
            }
        }
        version = sequence;
    }
    Ok(FoldedStream {
        version,
        state: Arc::new(state),
        snapshot,
    })
}

macro_rules! by_kind {
    ($($state:path),+ $(,)?) => {
        fn fold_any(stream: StreamId, rows: Vec<StreamRow>) -> Result<(Entry, i64), StoreError> {
            $(if stream.kind.as_str() == <$state as Decider>::KIND {
                let folded = fold::<$state>(stream, rows)?;
                return Ok((folded.entry(), folded.snapshot));
            })+
            unreachable!("every kind stands in the aggregates! list")
        }

        fn state_text(state: &Arc<dyn Any + Send + Sync>) -> Option<String> {
            $(if let Some(state) = state.downcast_ref::<$state>() {
                return serde_json::to_string(state).ok();
            })+
            None
        }
    };
}
domain::for_each_aggregate!(by_kind);

/// A state on its way to `es.snapshots`.
fn snapshot(stream: StreamId, entry: &Entry) -> Option<Snapshot> {
    let state = state_text(&entry.state)?;
    Some(Snapshot {
        stream,
        sequence: entry.version,
        state,
    })
}
