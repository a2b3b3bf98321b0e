//! Applying a batch: one transaction for all views, their parked events and their checkpoints. Gaps are
//! filled from the store, and what the database refuses is isolated and parked.

use std::collections::{HashMap, HashSet};

use infra::applied::{Applied, AppliedHub};
use infra::clock::Clock;
use infra::event_store::{EventLog, StreamId};
use infra::feed::{FeedRecord, Origin};
use sqlx::{PgConnection, PgPool};

use crate::batch::Item;
use crate::checkpoint::Marks;
use crate::consumer::{Announce, ProjectorError};
use crate::parked;
use crate::views::{self, ApplyError, Folding, Gap, Outcome};

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
}

impl Applier {
    /// The checkpoints as they stand.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) async fn marks(&self) -> Result<Marks, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        Marks::load(&mut connection, &views::names()).await
    }

    /// Applies the held records and moves the checkpoints from `marks` to `next`; fills gaps and isolates what the database refuses on the way.
    ///
    /// # Errors
    /// As [`ProjectorError`]; nothing was applied.
    pub(crate) async fn apply(
        &self,
        held: &[FeedRecord],
        marks: &Marks,
        next: &Marks,
    ) -> Result<Outcome, ProjectorError> {
        let mut items: Vec<Item> = held.iter().cloned().map(Item::of_feed).collect();
        let mut careful: HashSet<&'static str> = HashSet::new();
        let mut fills: HashMap<StreamId, usize> = HashMap::new();
        loop {
            match self.attempt(&items, marks, next, &careful).await {
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

    async fn attempt(
        &self,
        items: &[Item],
        marks: &Marks,
        next: &Marks,
        careful: &HashSet<&'static str>,
    ) -> Result<Outcome, ProjectorError> {
        let mut transaction = self.pool.begin_with(BEGIN).await?;
        marks.lock(&mut transaction, next).await??;
        let folding = Folding {
            items,
            marks,
            parked: &parked_now(&mut transaction, items).await?,
            careful,
            only: None,
        };
        let mut outcome = Outcome::default();
        views::apply_all(&mut transaction, &folding, &mut outcome)
            .await
            .map_err(ProjectorError::Apply)?;
        parked::park(&mut transaction, &outcome.parkings, self.clock.now()).await?;
        marks.save(&mut transaction, next).await?;
        self.tell_others(&mut transaction, &outcome).await?;
        transaction.commit().await?;
        Ok(outcome)
    }

    async fn tell_others(
        &self,
        connection: &mut PgConnection,
        outcome: &Outcome,
    ) -> Result<(), sqlx::Error> {
        match self.announce {
            Announce::Here => Ok(()),
            Announce::Everywhere if outcome.visible.is_empty() => Ok(()),
            Announce::Everywhere => {
                let applied = Applied::Views(outcome.announced().into());
                self.hub.tell_others(connection, &applied).await
            }
        }
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

    /// Folds the parked events of a stream into a view again, in order.
    ///
    /// # Errors
    /// As [`ProjectorError`]; everything stays parked.
    pub(crate) async fn redrive(
        &self,
        view: &str,
        stream: StreamId,
    ) -> Result<Outcome, ProjectorError> {
        let mut transaction = self.pool.begin().await?;
        // Keeps a batch from parking behind events that leave at this moment.
        sqlx::query!(
            "SELECT position FROM views.checkpoints WHERE view = $1
             ORDER BY view, topic, partition FOR UPDATE",
            view
        )
        .fetch_all(&mut *transaction)
        .await?;
        let records = parked::take(&mut transaction, view, stream).await?;
        let items: Vec<Item> = records.into_iter().map(Item::fetched).collect();
        let careful: HashSet<&'static str> = views::names()
            .into_iter()
            .filter(|name| *name == view)
            .collect();
        let folding = Folding {
            items: &items,
            marks: &Marks::default(),
            parked: &parked::ParkedStreams::new(),
            careful: &careful,
            only: Some(view),
        };
        let mut outcome = Outcome::default();
        views::apply_all(&mut transaction, &folding, &mut outcome)
            .await
            .map_err(ProjectorError::Apply)?;
        parked::park(&mut transaction, &outcome.parkings, self.clock.now()).await?;
        self.tell_others(&mut transaction, &outcome).await?;
        transaction.commit().await?;
        Ok(outcome)
    }
}

async fn parked_now(
    connection: &mut PgConnection,
    items: &[Item],
) -> Result<parked::ParkedStreams, sqlx::Error> {
    let mut streams: Vec<_> = items.iter().map(|item| item.record.stream).collect();
    streams.sort_unstable();
    streams.dedup();
    if streams.is_empty() {
        return Ok(parked::ParkedStreams::new());
    }
    parked::parked_among(connection, &streams).await
}
