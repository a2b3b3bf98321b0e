//! What is durable, in memory: the tables that one database would hold. Each method is one commit. It
//! survives every crash; all else is forgotten by one.

mod contents;
mod feed;
mod journal;
mod tables;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use command_api::processes::tables::{EffectRow, NewEffect};
use infra::event_store::{
    Append, AppendError, ChainHash, CommandRecord, LogRow, Mark, NewEvent, StreamAppend, StreamId,
};
use uuid::Uuid;

pub(crate) use contents::Contents;
pub(crate) use feed::MemoryFeed;

use crate::plants::Plant;

/// A committed event.
#[derive(Clone, Debug)]
pub(crate) struct Committed {
    pub(crate) stream: StreamId,
    pub(crate) sequence: i64,
    pub(crate) event: NewEvent,
    pub(crate) recorded_at: DateTime<Utc>,
    /// Which commit it came with.
    pub(crate) commit: u64,
}

/// An effect with what became of it.
#[derive(Clone, Debug)]
pub(crate) struct EffectKept {
    pub(crate) row: EffectRow,
    pub(crate) status: Status,
    pub(crate) due_at: DateTime<Utc>,
    pub(crate) said: Option<String>,
}

/// What became of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Open,
    Done,
    Parked,
}

/// A timer that waits.
#[derive(Clone, Debug)]
pub(crate) struct TimerKept {
    pub(crate) due_at: DateTime<Utc>,
    pub(crate) fires: NewEffect,
}

/// A process, an instance of it, and a name within that.
pub(crate) type TimerName = (String, Uuid, String);

/// All that is durable.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) events: Vec<Committed>,
    pub(crate) streams: HashMap<StreamId, Vec<usize>>,
    /// Events that have no position yet, by stream.
    pub(crate) unnumbered: BTreeMap<StreamId, Vec<usize>>,
    pub(crate) log: Vec<LogRow>,
    pub(crate) records: HashMap<[u8; 32], CommandRecord>,
    pub(crate) commits: u64,
    /// How often anything changed that a loop may wait for.
    pub(crate) changes: u64,
    pub(crate) positions: BTreeMap<&'static str, (Mark, i64)>,
    pub(crate) instances: BTreeMap<(String, Uuid), (String, bool)>,
    pub(crate) effects: Vec<EffectKept>,
    pub(crate) timers: BTreeMap<TimerName, TimerKept>,
    pub(crate) plant: Option<Plant>,
}

impl Memory {
    /// Commits one append, entirely or not at all.
    pub(crate) fn append(&mut self, append: &Append) -> Result<(), AppendError> {
        let keeps = !matches!(self.plant, Some(Plant::NoRecord | Plant::RecordLater));
        let record = append.record.as_ref().filter(|_| keeps);
        if record.is_some_and(|record| self.records.contains_key(&record.key_hash)) {
            return Err(AppendError::KeyUsed);
        }
        if append.streams.iter().any(|part| self.is_stale(part)) {
            return Err(AppendError::Conflict);
        }
        if let Some(record) = record {
            self.records.insert(record.key_hash, record.clone());
        }
        self.commits += 1;
        self.changes += 1;
        for part in &append.streams {
            for event in &part.events {
                let index = self.events.len();
                self.events.push(Committed {
                    stream: part.stream,
                    sequence: self.version(part.stream) + 1,
                    event: event.clone(),
                    recorded_at: append.recorded_at,
                    commit: self.commits,
                });
                self.streams.entry(part.stream).or_default().push(index);
                self.unnumbered.entry(part.stream).or_default().push(index);
            }
        }
        Ok(())
    }

    fn is_stale(&self, part: &StreamAppend) -> bool {
        let is_checked = self.plant != Some(Plant::VersionsUnchecked);
        is_checked && self.version(part.stream) != part.expected_version
    }

    /// How many events a stream has.
    pub(crate) fn version(&self, stream: StreamId) -> i64 {
        let events = self.streams.get(&stream).map_or(0, Vec::len);
        i64::try_from(events).unwrap_or(i64::MAX)
    }

    /// Gives the next position to the oldest event without one of the stream that `choose` picks: streams
    /// overtake each other, events of one never do. Whether there was any.
    pub(crate) fn number(&mut self, choose: impl FnOnce(usize) -> usize) -> bool {
        let place = choose(self.unnumbered.len());
        let Some(stream) = self.unnumbered.keys().nth(place).copied() else {
            return false;
        };
        let waiting = self.unnumbered.entry(stream).or_default();
        let newest_first = self.plant == Some(Plant::StreamInverted);
        let index = waiting.remove(if newest_first { waiting.len() - 1 } else { 0 });
        if waiting.is_empty() {
            self.unnumbered.remove(&stream);
        }
        let Committed {
            stream,
            sequence,
            event,
            recorded_at,
            ..
        } = self.events[index].clone();
        let position = self.head().position + 1;
        let row = LogRow {
            position,
            hash: chained(self.head().hash, position, event.event_id),
            stream,
            sequence,
            event_id: event.event_id,
            event_type: event.event_type,
            event_version: event.event_version,
            recorded_at,
            payload: event.payload,
            metadata: event.metadata,
        };
        self.log.push(row);
        true
    }

    /// The end of the log.
    pub(crate) fn head(&self) -> Mark {
        self.log.last().map(LogRow::mark).unwrap_or_default()
    }

    /// The mark at a position of the log.
    pub(crate) fn mark_at(&self, position: i64) -> Option<Mark> {
        if position == 0 {
            return Some(Mark::default());
        }
        let index = usize::try_from(position - 1).ok()?;
        self.log.get(index).map(LogRow::mark)
    }

    /// When the next open effect is due.
    pub(crate) fn next_effect(&self) -> Option<DateTime<Utc>> {
        let open = self.effects.iter();
        let open = open.filter(|effect| effect.status == Status::Open);
        open.map(|effect| effect.due_at).min()
    }

    /// When the next timer is due.
    pub(crate) fn next_timer(&self) -> Option<DateTime<Utc>> {
        self.timers.values().map(|timer| timer.due_at).min()
    }
}

/// A hash that differs when anything before it does; whether it is SHA-256 is no matter here.
fn chained(before: ChainHash, position: i64, event: Uuid) -> ChainHash {
    let seen = Uuid::new_v5(&event, before.as_bytes());
    let place = Uuid::new_v5(&seen, &position.to_be_bytes());
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(seen.as_bytes());
    bytes[16..].copy_from_slice(place.as_bytes());
    ChainHash::new(bytes)
}
