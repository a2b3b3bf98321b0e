//! How a batch is folded into a view: what of it is new, in order, and what becomes of events that
//! cannot be folded. A gap in a stream is reported, so that it is filled from the store.

use std::collections::{BTreeMap, HashSet};

use domain::aggregates::Kind;
use domain::decider::Recorded;
use infra::applied::Visible;
use infra::event_store::StreamId;
use infra::feed::FeedRecord;
use infra::telemetry::TraceContext;
use sqlx::error::DatabaseError;

use super::{FoldError, Followed, View};
use crate::batch::Item;
use crate::checkpoint::Marks;
use crate::parked::{ParkedStreams, Parking, WAITS};

/// A stream jumps: events between `from` and `to` (both included) are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The stream.
    pub stream: StreamId,
    /// First missing sequence.
    pub from: i64,
    /// Last missing sequence.
    pub to: i64,
}

/// Why a batch was not applied; the transaction is to be given up.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Events are missing before one of the batch.
    #[error("stream {} misses events {} to {}", .0.stream, .0.from, .0.to)]
    Gap(Gap),
    /// The database refuses what the fold made: it will refuse it again.
    #[error("view {view} was refused by the database")]
    Refused {
        /// The view.
        view: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// The database failed; worth another try.
    #[error("view {view} could not be written")]
    Database {
        /// The view.
        view: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// Rows were not as they had been read: somebody else writes them.
    #[error("somebody else writes the rows of view {0}")]
    Overtaken(&'static str),
}

impl ApplyError {
    pub(super) fn of(view: &'static str, source: sqlx::Error) -> Self {
        if is_deterministic(&source) {
            Self::Refused { view, source }
        } else {
            Self::Database { view, source }
        }
    }
}

/// Whether the database will say the same next time: data exceptions (22) and integrity (23), and a
/// value that cannot be encoded.
pub(super) fn is_deterministic(error: &sqlx::Error) -> bool {
    match error.as_database_error().and_then(DatabaseError::code) {
        Some(code) => code.starts_with("22") || code.starts_with("23"),
        None => matches!(
            error,
            sqlx::Error::Encode(_) | sqlx::Error::ColumnDecode { .. }
        ),
    }
}

/// How carefully a view is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    /// All of the batch with one statement.
    Together,
    /// Event by event, each with a savepoint, to find the one that the database refuses.
    OneByOne,
}

/// What is to be folded, and into which views.
#[derive(Debug)]
pub(crate) struct Folding<'a> {
    /// The batch, in order.
    pub(crate) items: &'a [Item],
    /// Where the views stood before it.
    pub(crate) marks: &'a Marks,
    /// Which streams are parked for which view.
    pub(crate) parked: &'a ParkedStreams,
    /// Views to be folded event by event.
    pub(crate) careful: &'a HashSet<&'static str>,
    /// Only these views, when redriving or rebuilding.
    pub(crate) only: Option<&'a [&'static str]>,
}

impl Folding<'_> {
    /// Whether a view is to be folded with this care, and any event of the batch is for it.
    pub(crate) fn wants<V: View>(&self, care: Care) -> bool {
        self.only.is_none_or(|only| only.contains(&V::VIEW))
            && self.care(V::VIEW) == care
            && self.items.iter().any(|item| item.record.kind == V::FOLLOWS)
    }

    fn care(&self, view: &'static str) -> Care {
        if self.careful.contains(view) {
            Care::OneByOne
        } else {
            Care::Together
        }
    }

    /// The items that `view` has not folded yet.
    pub(super) fn fresh(&self, view: &'static str, follows: Kind) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(move |item| {
            item.record.kind == follows && (item.fetched || !self.marks.covers(view, &item.record))
        })
    }
}

/// What folding a batch has led to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// For each stream folded, the sequence that its rows now show.
    pub(crate) visible: BTreeMap<StreamId, i64>,
    /// The recorded trace of each stream's last event, for those who show it.
    pub(crate) traces: BTreeMap<StreamId, TraceContext>,
    /// Events to be parked.
    pub(crate) parkings: Vec<Parking>,
}

impl Outcome {
    /// The visible streams as they are announced.
    pub(crate) fn announced(&self) -> Vec<Visible> {
        self.visible
            .iter()
            .map(|(stream, sequence)| Visible {
                kind: stream.kind,
                id: stream.id,
                sequence: *sequence,
                trace: self.traces.get(stream).copied(),
            })
            .collect()
    }

    /// Notes which recorded traces the batch belongs to.
    pub(crate) fn note_traces(&mut self, items: &[Item]) {
        for record in items.iter().map(|item| &item.record) {
            let trace = TraceContext::in_metadata(&record.metadata);
            if let Some(trace) = trace.filter(TraceContext::is_sampled) {
                self.traces.insert(record.stream_id(), trace);
            }
        }
    }
}

/// Which streams of one view are parked while a batch is folded.
pub(super) struct Parked<'a> {
    view: &'static str,
    before: &'a ParkedStreams,
    now: HashSet<StreamId>,
}

impl<'a> Parked<'a> {
    pub(super) fn new(view: &'static str, folding: &Folding<'a>) -> Self {
        Self {
            view,
            before: folding.parked,
            now: HashSet::new(),
        }
    }

    pub(super) fn holds(&self, stream: StreamId) -> bool {
        self.now.contains(&stream) || self.before.contains(&(self.view.to_owned(), stream))
    }

    pub(super) fn park(
        &mut self,
        record: &FeedRecord,
        error: Option<String>,
        outcome: &mut Outcome,
    ) {
        self.now.insert(record.stream_id());
        outcome.parkings.push(Parking {
            view: self.view,
            record: record.clone(),
            error,
        });
    }
}

/// Walks the events that a view has not folded, parking what must be parked, and gives the others to
/// `take`, which says why one cannot be folded.
pub(super) fn walk<'a, E: Followed>(
    folding: &Folding<'a>,
    parked: &mut Parked<'a>,
    outcome: &mut Outcome,
    mut take: impl FnMut(Recorded<E>) -> Result<(), Trouble>,
) -> Result<(), ApplyError> {
    for item in folding.fresh(parked.view, E::KIND) {
        let record = &item.record;
        if parked.holds(record.stream_id()) {
            parked.park(record, WAITS, outcome);
            continue;
        }
        match &item.event {
            Err(reason) => parked.park(record, Some(reason.clone()), outcome),
            Ok(any) => {
                let Some(event) = E::pick(any) else { continue };
                match take(recorded(record, event.clone())) {
                    Ok(()) => {}
                    Err(Trouble::Gap(gap)) => return Err(ApplyError::Gap(gap)),
                    Err(Trouble::Fold(error)) => {
                        parked.park(record, Some(error.to_string()), outcome);
                    }
                }
            }
        }
    }
    Ok(())
}

/// Why an event cannot be folded now.
pub(super) enum Trouble {
    Gap(Gap),
    Fold(FoldError),
}

pub(super) fn recorded<E>(record: &FeedRecord, event: E) -> Recorded<E> {
    Recorded {
        event,
        event_id: record.event_id,
        stream: record.stream,
        sequence: record.sequence,
        position: record.position,
        recorded_at: record.recorded_at,
    }
}
