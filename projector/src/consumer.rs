//! The projector's loop: takes what the feed has, folds it into all views and moves the checkpoints in
//! one transaction, then announces what it has applied.

use std::collections::HashSet;

use infra::applied::{self, Applied, AppliedHub};
use infra::clock::Clock;
use infra::event_store::{EventLog, LogError, StreamId};
use infra::feed::{Checkpoints, Feed, FeedError, FeedRecord, Origin};
use infra::lifecycle::{Loop, Progress};
use sqlx::{Connection as _, PgConnection, PgPool};

use crate::batch::Item;
use crate::checkpoint::{Marks, Moved};
use crate::parked;
use crate::search::IndexQueue;
use crate::views::{self, ApplyError, Folding, Gap, Outcome};

/// Events folded in one transaction: above this a batch gains nothing and its rows stay locked longer.
const BATCH_EVENTS_MAX: usize = 1_000;
/// A stream that still misses events after so many fetches is not being filled.
const FILLS_MAX: usize = 8;

/// Why a step failed. Every one of these is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ProjectorError {
    /// The feed has failed.
    #[error("the projector's feed failed")]
    Feed(#[from] FeedError),
    /// The database has failed.
    #[error("the projector's database failed")]
    Database(#[from] sqlx::Error),
    /// A view could not be written.
    #[error("the projector could not apply a batch")]
    Apply(#[source] ApplyError),
    /// Missing events could not be read from the store.
    #[error("the projector could not read missing events")]
    Log(#[from] LogError),
    /// Missing events are not in the store either.
    #[error("events {from} to {to} of {stream} are missing and the store does not give them", from = .0.from, to = .0.to, stream = .0.stream)]
    Missing(Gap),
    /// Another projector works on the same views.
    #[error("the projector begins again")]
    Moved(#[from] Moved),
}

/// What other processes are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announce {
    /// Readers live in this process.
    Here,
    /// Readers live elsewhere too: `pg_notify` in the transaction of the batch.
    Everywhere,
}

/// What a projector is made of.
pub struct Parts {
    /// Where events come from.
    pub feed: Box<dyn Feed>,
    /// The database of the views, as the projector's role.
    pub pool: PgPool,
    /// Where missing events are read.
    pub log: EventLog,
    /// Listeners of this process.
    pub hub: AppliedHub,
    /// Whether other processes listen.
    pub announce: Announce,
    /// The time of parking.
    pub clock: Clock,
    /// Shops to be indexed again; none without search.
    pub index: Option<IndexQueue>,
}

/// Folds the feed into the views.
pub struct Projector {
    parts: Parts,
    /// None until started, and after another projector was seen at work.
    marks: Option<Marks>,
    /// Taken from the feed and not yet committed.
    held: Vec<FeedRecord>,
    frontier: i64,
}

impl Projector {
    /// A projector that has not begun.
    pub fn new(parts: Parts) -> Self {
        Self { parts, marks: None, held: Vec::new(), frontier: 0 }
    }

    /// Folds one batch; `Idle` when the feed has nothing.
    ///
    /// # Errors
    /// As [`ProjectorError`]; nothing was applied, the same batch is tried again.
    pub async fn advance(&mut self) -> Result<Progress, ProjectorError> {
        let marks = match self.marks.take() {
            Some(marks) => marks,
            None => self.begin().await?,
        };
        let outcome = self.take_batch(&marks).await;
        match outcome {
            Ok((next, progress)) => {
                self.marks = Some(next);
                Ok(progress)
            }
            // Begin again from what the rows say.
            Err(error @ ProjectorError::Moved(_)) => Err(error),
            Err(error) => {
                self.marks = Some(marks);
                Err(error)
            }
        }
    }

    async fn begin(&mut self) -> Result<Marks, ProjectorError> {
        let mut connection = self.parts.pool.acquire().await?;
        let marks = Marks::load(&mut connection, &views::names()).await?;
        let mut from = marks.start(&views::names());
        if let Some(index) = &self.parts.index {
            index.reach_back(&mut from);
        }
        self.held.clear();
        self.parts.feed.start(from).await?;
        Ok(marks)
    }

    async fn take_batch(&mut self, marks: &Marks) -> Result<(Marks, Progress), ProjectorError> {
        if self.held.is_empty() {
            self.held = self.parts.feed.poll(BATCH_EVENTS_MAX).await?;
            self.frontier = self.parts.feed.frontier();
        }
        let reached = self.reached();
        let next = marks.moved_to(views::VIEWS, &reached);
        if self.held.is_empty() && next == *marks {
            return Ok((next, Progress::Idle));
        }
        let outcome = self.apply(marks, &next).await?;
        let count = self.held.len();
        metrics::counter!("ramen_projected_events_total").increment(count as u64);
        if let Some(index) = &self.parts.index {
            index.mark(&self.held, &reached);
        }
        self.held.clear();
        self.parts.hub.announce(Applied::Views(outcome.announced().into()));
        Ok((next, Progress::Did(count)))
    }

    /// How far each origin is once the held records are applied.
    fn reached(&self) -> Vec<Reached> {
        let mut reached: Vec<Reached> = Vec::new();
        for record in &self.held {
            match reached.iter_mut().find(|reach| reach.origin == record.origin) {
                Some(reach) => reach.position = reach.position.max(record.position),
                None => reached.push(Reached {
                    origin: record.origin.clone(),
                    follows: (record.origin.topic != Origin::STORE).then_some(record.kind),
                    position: record.position,
                }),
            }
        }
        match reached.iter_mut().find(|reach| reach.origin == Origin::store()) {
            Some(reach) => reach.position = reach.position.max(self.frontier),
            None => reached.push(Reached {
                origin: Origin::store(),
                follows: None,
                position: self.frontier,
            }),
        }
        reached
    }

    /// Applies the held records; fills gaps and isolates what the database refuses on the way.
    async fn apply(&self, marks: &Marks, next: &Marks) -> Result<Outcome, ProjectorError> {
        let mut items: Vec<Item> = self.held.iter().cloned().map(Item::of_feed).collect();
        let mut careful: HashSet<&'static str> = HashSet::new();
        let mut fills = 0;
        loop {
            match self.attempt(&items, marks, next, &careful).await {
                Ok(outcome) => return Ok(outcome),
                Err(ProjectorError::Apply(ApplyError::Gap(gap))) if fills < FILLS_MAX => {
                    fills += 1;
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
        let mut transaction = self.parts.pool.begin().await?;
        sqlx::query!("SET LOCAL synchronous_commit = off").execute(&mut *transaction).await?;
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
        parked::park(&mut transaction, &outcome.parkings, self.parts.clock.now()).await?;
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
        match self.parts.announce {
            Announce::Here => Ok(()),
            Announce::Everywhere if outcome.visible.is_empty() => Ok(()),
            Announce::Everywhere => {
                applied::notify(connection, &Applied::Views(outcome.announced().into())).await
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
        let rows = self.parts.log.of_stream(gap.stream, gap.from, gap.to).await?;
        let complete = rows.iter().map(|row| row.sequence).eq(gap.from..=gap.to);
        if !complete {
            return Err(ProjectorError::Missing(gap));
        }
        let at = items
            .iter()
            .position(|item| {
                item.record.stream_id() == gap.stream && item.record.sequence > gap.to
            })
            .unwrap_or(items.len());
        let fetched = rows
            .into_iter()
            .map(|row| Item::fetched(FeedRecord::from_row(row, Origin::store())));
        items.splice(at..at, fetched);
        Ok(())
    }

    /// Folds the parked events of a stream into a view again, in order. Checkpoints stay: these
    /// events were passed long ago. Gives how many are parked again.
    ///
    /// # Errors
    /// As [`ProjectorError`]; everything stays parked.
    pub async fn redrive(&mut self, view: &str, stream: StreamId) -> Result<usize, ProjectorError> {
        let outcome = redrive(&self.parts, view, stream).await?;
        if let Some(index) = &self.parts.index {
            index.mark_stream(stream);
        }
        self.parts.hub.announce(Applied::Views(outcome.announced().into()));
        Ok(outcome.parkings.len())
    }
}

/// How far an origin is, and whose events it carries: every kind's when none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Topic and partition.
    pub origin: Origin,
    /// The one kind of its topic.
    pub follows: Option<domain::aggregates::Kind>,
    /// Last position.
    pub position: i64,
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

async fn redrive(
    parts: &Parts,
    view: &str,
    stream: StreamId,
) -> Result<Outcome, ProjectorError> {
    let mut transaction = parts.pool.begin().await?;
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
    let careful: HashSet<&'static str> =
        views::names().into_iter().filter(|name| *name == view).collect();
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
    parked::park(&mut transaction, &outcome.parkings, parts.clock.now()).await?;
    transaction.commit().await?;
    Ok(outcome)
}

impl Loop for Projector {
    const NAME: &'static str = "projector";
    type Error = ProjectorError;

    /// As [`Projector::advance`], but waits for the feed when there is nothing to do: the feed knows
    /// best when it may have something.
    async fn step(&mut self) -> Result<Progress, ProjectorError> {
        match self.advance().await? {
            Progress::Idle => {
                self.parts.feed.wait().await;
                Ok(Progress::Did(0))
            }
            Progress::Did(count) => Ok(Progress::Did(count)),
        }
    }
}
