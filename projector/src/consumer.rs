//! The projector's loop: takes what the feed has, folds it into all views and moves the checkpoints in
//! one transaction, then announces what it has applied.
//!
//! Of several projectors one has its turn and folds. The others keep reading, since each has the index
//! of its own host to feed, and mark for it what they see the views hold.

use std::time::Duration;

use infra::applied::{Applied, AppliedHub};
use infra::clock::{Clock, Stopwatch};
use infra::event_store::{EventLog, LogError, Mark, OtherHistory};
use infra::fault;
use infra::feed::{Feed, FeedError, FeedRecord, HistoryAlarm, Origin};
use infra::http::health::Readiness;
use infra::lifecycle::{Loop, Progress};
use infra::telemetry::{TraceContext, joins};
use sqlx::PgPool;
use tracing::{Instrument as _, Span};

use crate::applier::{Applier, Memory};
use crate::checkpoint::{Marks, Moved, revision_of};
use crate::search::{self, IndexQueue};
use crate::turn::Turn;
use crate::views::{self, ApplyError, Gap};
use crate::vitals;

/// Events folded in one transaction: above this a batch gains nothing and its rows stay locked longer.
const BATCH_EVENTS_MAX: usize = 1_000;
/// Between two looks whether rows behind the index were changed by anything but the feed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Views that hold what never happened are made anew; the index is by itself.
const REMEDY: &str =
    "point it at the right store, or rebuild the views (empty them and views.checkpoints)";

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
    /// A redrive names a view that there is not.
    #[error("there is no view {0}")]
    NoView(String),
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
    /// Where it says that it has stopped.
    pub readiness: Readiness,
}

/// Folds the feed into the views.
pub struct Projector {
    feed: Box<dyn Feed>,
    applier: Applier,
    hub: AppliedHub,
    index: Option<IndexQueue>,
    /// None until started, and after the checkpoints went back.
    marks: Option<Marks>,
    turn: Turn,
    /// Taken from the feed and not yet committed.
    held: Vec<FeedRecord>,
    frontier: Mark,
    alarm: HistoryAlarm,
    /// The views behind the index, and when their revisions were last looked at.
    sources: Vec<String>,
    looked: Option<Stopwatch>,
}

impl Projector {
    /// A projector that has not begun.
    pub fn new(parts: Parts) -> Self {
        Self {
            feed: parts.feed,
            applier: Applier {
                pool: parts.pool,
                log: parts.log,
                hub: parts.hub.clone(),
                announce: parts.announce,
                clock: parts.clock,
                memory: Memory::default(),
            },
            hub: parts.hub,
            index: parts.index,
            marks: None,
            turn: Turn::default(),
            held: Vec::new(),
            frontier: Mark::default(),
            sources: search::sources(),
            looked: None,
            alarm: HistoryAlarm::new("projector", REMEDY, &parts.readiness),
        }
    }

    /// Folds one batch; `Idle` when the feed has nothing.
    ///
    /// # Errors
    /// As [`ProjectorError`]; nothing was applied, the same batch is tried again.
    pub async fn advance(&mut self) -> Result<Progress, ProjectorError> {
        let outcome = self.fold().await;
        self.stands(&outcome);
        outcome
    }

    /// Hears whether the log is the one that was read. If not it is asked again what the views hold:
    /// they may have been restored with the log.
    fn stands(&mut self, outcome: &Result<Progress, ProjectorError>) {
        self.alarm.hear(outcome);
        let other = outcome
            .as_ref()
            .err()
            .and_then(|error| OtherHistory::beneath(error));
        if other.is_some() && self.marks.take().is_some() {
            self.hub.announce(Applied::Unknown);
        }
    }

    async fn fold(&mut self) -> Result<Progress, ProjectorError> {
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
            Err(ProjectorError::Moved(moved)) => {
                tracing::warn!("{moved}");
                fault::point("proj.revoked");
                self.turn.over();
                self.catch_up(&marks).await?;
                Ok(Progress::Did(0))
            }
            Err(error) => {
                self.marks = Some(marks);
                Err(error)
            }
        }
    }

    async fn begin(&mut self) -> Result<Marks, ProjectorError> {
        let marks = self.applier.marks().await?;
        let mut from = marks.start(&views::names());
        if let Some(index) = &self.index {
            match self.applier.log.verify(index.claims()).await {
                Ok(()) => index.reach_back(&mut from),
                Err(LogError::OtherHistory(other)) => {
                    tracing::warn!("the search index has {other}: it is built anew from the views");
                    index.give_up_index();
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.held.clear();
        self.feed.start(from).await?;
        Ok(marks)
    }

    /// Learns what another projector has done. The feed goes on from where it is, and what is folded
    /// already is known by the checkpoints, unless these went back.
    async fn catch_up(&mut self, before: &Marks) -> Result<(), ProjectorError> {
        // What the other one announced may not have been heard here.
        self.hub.announce(Applied::Unknown);
        self.look_again(before).await
    }

    /// Reads the checkpoints anew; begins again when one went back.
    async fn look_again(&mut self, before: &Marks) -> Result<(), ProjectorError> {
        let now = self.applier.marks().await?;
        self.marks = now.is_ahead_of(before).then_some(now);
        Ok(())
    }

    /// Beside the projector that has its turn: marks for the index what the views hold by now.
    /// `Idle` when there is nothing, or the views do not hold it yet.
    async fn follow(&mut self) -> Result<Progress, ProjectorError> {
        if self.marks.is_none() {
            self.marks = Some(self.begin().await?);
        }
        if self.held.is_empty() {
            self.held = self.feed.poll(BATCH_EVENTS_MAX).await?;
            self.frontier = self.feed.frontier();
        }
        if self.held.is_empty() {
            return Ok(Progress::Idle);
        }
        let marks = self.applier.marks().await?;
        if !self
            .held
            .iter()
            .all(|record| marks.hold(views::VIEWS, record))
        {
            return Ok(Progress::Idle);
        }
        self.marks = Some(marks);
        let count = self.held.len();
        if let Some(index) = &self.index {
            index.mark(&self.held, &self.reached());
        }
        self.held.clear();
        Ok(Progress::Did(count))
    }

    async fn take_batch(&mut self, marks: &Marks) -> Result<(Marks, Progress), ProjectorError> {
        if self.held.is_empty() {
            self.held = self.feed.poll(BATCH_EVENTS_MAX).await?;
            self.frontier = self.feed.frontier();
        }
        let reached = self.reached();
        let next = marks.moved_to(views::VIEWS, &reached);
        if !self.held.is_empty() {
            fault::point("proj.polled");
        }
        vitals::count_lag(&self.held, self.applier.clock.now());
        if self.held.is_empty() && next == *marks {
            return Ok((next, Progress::Idle));
        }
        let span = self.batch_span();
        let applied = self.applier.apply(&self.held, marks, &next);
        let outcome = applied.instrument(span).await?;
        vitals::count_positions(&next);
        let count = self.held.len();
        metrics::counter!("ramen_projected_events_total").increment(count as u64);
        if let Some(index) = &self.index {
            index.mark(&self.held, &reached);
        }
        self.held.clear();
        self.hub
            .announce(Applied::Views(outcome.announced().into()));
        Ok((next, Progress::of_up_to(BATCH_EVENTS_MAX, count)))
    }

    /// Lets the index be built anew when rows behind it were changed by anything but the feed. Asks the
    /// database once a second at most.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn follow_revisions(&mut self) -> Result<(), ProjectorError> {
        let Some(index) = &self.index else {
            return Ok(());
        };
        let looked = self.looked.as_ref();
        if looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
            return Ok(());
        }
        let revision = revision_of(&self.applier.pool, &self.sources).await?;
        self.looked = Some(self.applier.clock.stopwatch());
        index.follow_revision(revision);
        Ok(())
    }

    /// The span of a batch: it has a parent in each of its events.
    fn batch_span(&self) -> Span {
        let span = tracing::debug_span!("project", events = self.held.len());
        let traces = self.held.iter();
        joins(
            &span,
            traces.filter_map(|record| TraceContext::in_metadata(&record.metadata)),
        );
        span
    }

    /// How far each origin is once the held records are applied.
    fn reached(&self) -> Vec<Reached> {
        let mut reached: Vec<Reached> = Vec::new();
        for record in &self.held {
            match reached
                .iter_mut()
                .find(|reach| reach.origin == record.origin)
            {
                Some(reach) => reach.mark = reach.mark.max(record.mark()),
                None => reached.push(Reached {
                    origin: record.origin.clone(),
                    follows: (record.origin.topic != Origin::STORE).then_some(record.kind),
                    mark: record.mark(),
                }),
            }
        }
        match reached
            .iter_mut()
            .find(|reach| reach.origin == Origin::store())
        {
            Some(reach) => reach.mark = reach.mark.max(self.frontier),
            None => reached.push(Reached {
                origin: Origin::store(),
                follows: None,
                mark: self.frontier,
            }),
        }
        reached
    }
}

/// How far an origin is, and whose events it carries: every kind's when none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Topic and partition.
    pub(crate) origin: Origin,
    /// The one kind of its topic.
    pub(crate) follows: Option<domain::aggregates::Kind>,
    /// Where its last event stands in the log.
    pub(crate) mark: Mark,
}

impl Loop for Projector {
    const NAME: &'static str = "projector";
    type Error = ProjectorError;

    /// As [`Projector::advance`] in its turn, but waits for the feed when there is nothing to do: the
    /// feed knows best when it may have something.
    async fn step(&mut self) -> Result<Progress, ProjectorError> {
        self.follow_revisions().await?;
        if !self
            .turn
            .is_mine(&self.applier.pool, &self.applier.clock)
            .await?
        {
            let outcome = self.follow().await;
            self.stands(&outcome);
            return outcome;
        }
        match self.advance().await? {
            Progress::Idle => {
                self.feed.wait().await;
                Ok(Progress::Did(0))
            }
            Progress::DidAll(count) => {
                self.feed.wait().await;
                Ok(Progress::Did(count))
            }
            Progress::Did(count) => Ok(Progress::Did(count)),
        }
    }
}
