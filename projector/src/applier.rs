//! Applying a batch: it is folded in memory, then one transaction writes all views, their parked events
//! and their checkpoints. Gaps are filled from the store, and what the database refuses is isolated and
//! parked.
//!
//! Rows are read before the transaction, or remembered from the batch before: that they are still what
//! they were is known when the checkpoints move, since nobody changes a row without moving one (ADR 16).

use std::collections::{HashMap, HashSet};

use infra::applied::{Applied, AppliedHub};
use infra::clock::Clock;
use infra::event_store::{EventLog, StreamId};
use infra::fault;
use infra::feed::{FeedRecord, Origin};
use sqlx::PgPool;
use tracing::Span;

use crate::batch::Item;
use crate::checkpoint::{Marks, Moved};
use crate::consumer::{Announce, ProjectorError};
use crate::parked;
use crate::views::{self, ApplyError, Folding, Gap, Outcome, Remembered, Source, Version};

/// A view can be folded again, so its commit need not wait for the disk; after a crash of the database
/// rows and checkpoints step back together.
const BEGIN: &str = "BEGIN; SET LOCAL synchronous_commit = off";
/// A stream that still misses events after so many fetches is not being filled.
const FILLS_MAX: usize = 8;

/// Writes batches into the views.
pub(crate) struct Applier {
    pub(crate) pool: PgPool,
    pub(crate) log: EventLog,
    pub(crate) hub: AppliedHub,
    pub(crate) announce: Announce,
    pub(crate) clock: Clock,
    /// What the last commits have left.
    pub(crate) memory: Memory,
}

/// What need not be read again as long as nobody else changes it.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    rows: Remembered,
    /// Whether any event is parked at all; none when that is not known.
    any_parked: Option<bool>,
}

impl Memory {
    fn forget(&mut self) {
        self.rows.forget();
        self.any_parked = None;
    }
}

impl Applier {
    /// The checkpoints as they stand. What was remembered under others is forgotten.
    ///
    /// # Errors
    /// When the database cannot be read.
    #[tracing::instrument(name = "db.checkpoints_read", skip_all, level = "debug")]
    pub(crate) async fn marks(&mut self) -> Result<Marks, sqlx::Error> {
        self.memory.forget();
        let mut connection = self.pool.acquire().await?;
        Marks::load(&mut connection, &views::names()).await
    }

    /// Applies the held records and moves the checkpoints from `marks` to `next`; fills gaps and isolates what the database refuses on the way.
    ///
    /// # Errors
    /// As [`ProjectorError`]; nothing was applied.
    pub(crate) async fn apply(
        &mut self,
        held: &[FeedRecord],
        marks: &Marks,
        next: &Marks,
    ) -> Result<Outcome, ProjectorError> {
        let mut items: Vec<Item> = held.iter().cloned().map(Item::of_feed).collect();
        let mut careful: HashSet<&'static str> = HashSet::new();
        let mut fills: HashMap<StreamId, usize> = HashMap::new();
        loop {
            let attempt = self.attempt(&items, marks, next, &careful).await;
            if attempt.is_err() {
                // Whether anything was committed may not be known.
                self.memory.forget();
            }
            match attempt {
                Ok(outcome) => return Ok(outcome),
                Err(ProjectorError::Apply(ApplyError::Gap(gap)))
                    if fills
                        .get(&gap.stream)
                        .is_none_or(|fills| *fills < FILLS_MAX) =>
                {
                    *fills.entry(gap.stream).or_default() += 1;
                    self.fill(&mut items, gap).await?;
                }
                Err(ProjectorError::Apply(ApplyError::Refused { view, source }))
                    if careful.insert(view) =>
                {
                    tracing::warn!(view, error = %source, "view {view} refuses a batch, looking for the event");
                }
                Err(error) => return Err(error),
            }
        }
    }

    #[tracing::instrument(name = "db.views_apply", skip_all, level = "debug")]
    async fn attempt(
        &mut self,
        items: &[Item],
        marks: &Marks,
        next: &Marks,
        careful: &HashSet<&'static str>,
    ) -> Result<Outcome, ProjectorError> {
        let parked = self.parked_now(items).await?;
        let folding = Folding {
            items,
            marks,
            parked: &parked,
            careful,
            only: None,
        };
        let source = Source {
            pool: &self.pool,
            version: Version::Live,
            remembered: &self.memory.rows,
        };
        let mut outcome = Outcome::default();
        let unwritten = views::fold_batch(&source, &folding, &mut outcome).await?;
        let mut transaction = self.pool.begin_with(BEGIN).await?;
        for rows in &unwritten {
            rows.write(&mut transaction, Version::Live).await?;
        }
        views::fold_carefully(&mut transaction, &folding, &mut outcome).await?;
        if !Span::current().is_disabled() {
            outcome.note_traces(items);
        }
        if !outcome.parkings.is_empty() {
            parked::park(&mut transaction, &outcome.parkings, self.clock.now()).await?;
            fault::point("proj.parked");
        }
        let words = self.words(&outcome);
        marks.advance(&mut transaction, next, &words).await??;
        fault::point("proj.applied");
        transaction.commit().await?;
        fault::point("proj.committed");
        for rows in unwritten {
            rows.remember(&mut self.memory.rows);
        }
        if !careful.is_empty() {
            self.memory.rows.forget();
        }
        if !outcome.parkings.is_empty() {
            self.memory.any_parked = Some(true);
        }
        Ok(outcome)
    }

    /// What other processes are to hear.
    fn words(&self, outcome: &Outcome) -> Vec<String> {
        match self.announce {
            Announce::Here => Vec::new(),
            Announce::Everywhere if outcome.visible.is_empty() => Vec::new(),
            Announce::Everywhere => {
                let applied = Applied::Views(outcome.announced().into());
                self.hub.payloads(&applied)
            }
        }
    }

    /// Which streams of a batch are parked. Mostly nothing is, and that is remembered.
    async fn parked_now(&mut self, items: &[Item]) -> Result<parked::ParkedStreams, sqlx::Error> {
        let any = match self.memory.any_parked {
            Some(any) => any,
            None => parked::is_any(&self.pool).await?,
        };
        self.memory.any_parked = Some(any);
        let mut streams: Vec<_> = items.iter().map(|item| item.record.stream).collect();
        if !any || streams.is_empty() {
            return Ok(parked::ParkedStreams::new());
        }
        streams.sort_unstable();
        streams.dedup();
        parked::parked_among(&self.pool, &streams).await
    }

    /// Puts the missing events of a stream before the first one of the batch that needs them.
    async fn fill(&self, items: &mut Vec<Item>, gap: Gap) -> Result<(), ProjectorError> {
        tracing::warn!(
            stream.kind = gap.stream.kind.as_str(),
            stream.id = %gap.stream.id,
            from = gap.from,
            to = gap.to,
            "filling a gap of {} from the store", gap.stream
        );
        let rows = self.log.of_stream(gap.stream, gap.from, gap.to).await?;
        let complete = rows.iter().map(|row| row.sequence).eq(gap.from..=gap.to);
        if !complete {
            return Err(ProjectorError::Missing(gap));
        }
        let at = items
            .iter()
            .position(|item| item.record.stream_id() == gap.stream && item.record.sequence > gap.to)
            .unwrap_or(items.len());
        let fetched = rows
            .into_iter()
            .map(|row| Item::fetched(FeedRecord::from_row(row, Origin::store())));
        items.splice(at..at, fetched);
        Ok(())
    }
}

impl From<ApplyError> for ProjectorError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Overtaken(_) => Self::Moved(Moved),
            error @ (ApplyError::Gap(_)
            | ApplyError::Refused { .. }
            | ApplyError::Database { .. }) => Self::Apply(error),
        }
    }
}
