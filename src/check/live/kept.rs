//! The streams that are remembered: their folds up to the last event that was read. A stream that was forgotten is read
//! anew when it moves, and what was wrong with it is not told twice.

use std::collections::{HashMap, HashSet};

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::reads;
use crate::check::report::Report;
use crate::check::store::{Store, Stored};
use crate::check::streams::Stream;

/// Streams that are remembered at most; at some ten kilobytes each, a hundred megabytes.
const STREAMS_MAX: usize = 10_000;

/// How many remain when there are too many.
const STREAMS_LEFT: usize = 9_000;

/// Kind and id, as they are stored.
type Name = (String, String);

/// A stream and when it was last of use.
pub(super) struct One {
    pub(super) stream: Stream,
    moved: u64,
    pub(super) sampled: u64,
}

/// The streams that are remembered.
#[derive(Default)]
pub(super) struct Kept {
    streams: HashMap<Name, One>,
    /// Events seen: the measure of what is long ago.
    seen: u64,
}

impl Kept {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.streams.len()
    }

    /// All of them.
    pub(super) fn all(&mut self) -> impl Iterator<Item = (&Name, &mut One)> {
        self.streams.iter_mut()
    }

    /// Reads the beginnings of those streams that move in `rows` and are not remembered.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn load(&mut self, store: &mut Store, rows: &[PgRow]) -> anyhow::Result<()> {
        let mut first: HashSet<Name> = HashSet::new();
        for row in rows {
            if row.try_get::<Option<i64>, _>("event")?.is_none() {
                continue;
            }
            let name: Name = (row.try_get("aggregate_type")?, row.try_get("aggregate_id")?);
            let sequence: i64 = row.try_get("sequence")?;
            let is_known = self.streams.contains_key(&name) || !first.insert(name.clone());
            if sequence > 1 && !is_known {
                self.read(store, name, sequence).await?;
            }
        }
        Ok(())
    }

    async fn read(&mut self, store: &mut Store, name: Name, before: i64) -> anyhow::Result<()> {
        // What is wrong with these was told when they came.
        let mut told = Report::default();
        let mut stream: Option<Stream> = None;
        let mut after = 0;
        loop {
            let rows = reads::stream_between(store, &name.0, &name.1, after, before).await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                let stored = Stored::read(row)?;
                after = stored.sequence;
                stream.get_or_insert_with(|| Stream::begin(&stored)).see(
                    stored,
                    row.try_get("position")?,
                    &mut told,
                )?;
            }
        }
        if let Some(stream) = stream {
            let one = One {
                stream,
                moved: self.seen,
                sampled: 0,
            };
            self.streams.insert(name, one);
        }
        Ok(())
    }

    /// Judges the event at a position by those before it, and gives its stream after it.
    ///
    /// # Errors
    /// When the stored text is no JSON.
    pub(super) fn see(
        &mut self,
        stored: Stored,
        position: i64,
        report: &mut Report,
    ) -> anyhow::Result<Seen<'_>> {
        self.seen = self.seen.saturating_add(1);
        let name = (stored.kind.clone(), stored.stream.clone());
        let event = stored.name.clone();
        let one = self.streams.entry(name).or_insert_with(|| One {
            stream: Stream::begin(&stored),
            moved: 0,
            sampled: 0,
        });
        one.moved = self.seen;
        one.stream.see(stored, Some(position), report)?;
        one.stream.forget();
        Ok(Seen {
            event,
            stream: &one.stream,
        })
    }

    /// Forgets those that have not moved for the longest, when there are too many.
    pub(super) fn shrink(&mut self) {
        if self.streams.len() <= STREAMS_MAX {
            return;
        }
        let mut moved: Vec<u64> = self.streams.values().map(|one| one.moved).collect();
        moved.sort_unstable();
        let from = moved[moved.len() - STREAMS_LEFT];
        self.streams.retain(|_, one| one.moved >= from);
    }
}

/// What has just happened to a stream.
pub(super) struct Seen<'a> {
    /// The event's name.
    pub(super) event: String,
    /// The stream after it.
    pub(super) stream: &'a Stream,
}
