//! Rebuilding views beside those that are served, from the store, and moving readers over in one
//! transaction (ADR 18).
//!
//! Reading order: this file (the course of it), `builder` (the log folded into the other tables), `tables`
//! (what is done to tables), `error`. The fold is that of the projector; what it has made is compared with
//! an [`IndependentFold`] before anybody sees it. A rebuild that dies leaves tables behind that nobody
//! reads; the next one drops them.

mod builder;
mod error;
mod tables;

use std::time::Duration;

use async_trait::async_trait;
use infra::applied::{Applied, AppliedHub};
use infra::clock::{Clock, Stopwatch};
use infra::event_store::{EventLog, Mark, StreamId};
use infra::fault;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool};

use crate::checkpoint::{revise, revision_of};
use crate::search;
use crate::views::{VIEWS, Version, ViewInfo};
use builder::Builder;
pub use error::RebuildError;
use tables::Place;

/// A tail of at most so many streams is compared while the view's writers wait: some tens of milliseconds.
const TAIL_MAX: usize = 200;
/// Writers wait at most so long for the last tail; a longer one is folded and compared while they work.
const HOLD_MAX: Duration = Duration::from_secs(2);
/// A busy system never stands still for a swap: so many tries before giving up, with pauses between.
const SWAPS_MAX: u32 = 60;
/// So many of them may last [`HOLD_MAX`]: a view whose last few streams take longer than that does not swap.
const LATE_MAX: u32 = 3;
const PAUSE: Duration = Duration::from_millis(250);

/// Events folded in one transaction. Nobody waits for these rows, so it may be large; some kilobytes each.
pub const BATCH_EVENTS: i64 = 5_000;

/// What a rebuild works with.
pub struct RebuildParts {
    /// The database of the views, with a login that owns its tables.
    pub owner: PgConnectOptions,
    /// The same database as the projector's role.
    pub pool: PgPool,
    /// Where events are read.
    pub log: EventLog,
    /// Who hears that rows may have changed.
    pub hub: AppliedHub,
    /// The time of the swap.
    pub clock: Clock,
    /// Events folded in one transaction, [`BATCH_EVENTS`] where nothing speaks against it.
    pub batch: i64,
}

/// How far a rebuild is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The last position read.
    pub position: i64,
    /// The last position of the log when it was last asked.
    pub head: i64,
    /// Events read by this rebuild.
    pub events: u64,
    /// Since it began.
    pub elapsed: Duration,
}

/// What is to be compared: rows that a rebuild has made.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The schema that holds them, under their tables' usual names.
    pub schema: &'static str,
    /// Their views.
    pub views: &'a [ViewInfo],
    /// Every event up to this position is folded into them, and none after it.
    pub up_to: i64,
    /// Only the rows of these streams; all rows when none.
    pub streams: Option<&'a [StreamId]>,
}

/// What a comparison has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Rows that were compared.
    pub rows: u64,
    /// Rows that are not what the events fold to.
    pub differing: u64,
    /// The first of them, and how they differ.
    pub examples: Vec<String>,
}

/// A fold of the events that shares nothing with the projector's.
#[async_trait]
pub trait IndependentFold: Send {
    /// Folds the events and compares.
    ///
    /// # Errors
    /// When events or rows cannot be read. That is no verdict.
    async fn compare(
        &mut self,
        asked: Asked<'_>,
    ) -> Result<Compared, Box<dyn std::error::Error + Send + Sync>>;
}

/// What a rebuild or a way back has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swapped {
    /// The versions that are now served, in the order of the views.
    pub versions: Vec<ServedVersion>,
    /// Up to here everything is folded.
    pub position: i64,
    /// Events read.
    pub events: u64,
    /// Rows compared, those of the tail more than once.
    pub compared: u64,
}

/// Which version of a view is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedVersion {
    /// The view.
    pub view: &'static str,
    /// Its version.
    pub version: i32,
    /// The version kept for going back, if one is.
    pub kept: Option<i32>,
}

/// Whether the tables that were served are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Old {
    /// For `rebuild rollback`, until the next rebuild.
    Keep,
    /// They are dropped at the swap.
    Drop,
}

/// Who is told how far it is.
pub type Tell<'a> = &'a mut (dyn FnMut(&Progress) + Send);

/// Views being made anew. Holds the locks that keep a second rebuild of them away.
pub struct Rebuild {
    /// Holds the locks, changes tables, swaps.
    session: PgConnection,
    builder: Builder,
    hub: AppliedHub,
    clock: Clock,
    began: Stopwatch,
    compared: u64,
}

/// The views of these names, in the order in which they are folded.
///
/// # Errors
/// [`RebuildError::Unknown`] for a name that no view has.
pub fn views_named(names: &[String]) -> Result<Vec<ViewInfo>, RebuildError> {
    if let Some(unknown) = names
        .iter()
        .find(|name| VIEWS.iter().all(|view| view.name != **name))
    {
        return Err(RebuildError::Unknown(unknown.clone()));
    }
    let wanted = VIEWS
        .iter()
        .filter(|view| names.iter().any(|name| name == view.name));
    Ok(wanted.copied().collect())
}

/// Has the search index built anew from the views, on every host that has one: its builder sees within a
/// second or two that the views behind it have another revision, writes all documents in one commit that
/// carries it, and readers move over. Gives the revision.
///
/// # Errors
/// When the database cannot be reached.
pub async fn ask_for_index(pool: &PgPool) -> Result<i64, RebuildError> {
    let sources = search::sources();
    let mut transaction = pool.begin().await?;
    for view in &sources {
        revise(&mut transaction, view).await?;
    }
    let revision = revision_of(&mut *transaction, &sources).await?;
    transaction.commit().await?;
    Ok(revision)
}

impl Rebuild {
    /// Connects, and takes the place of whoever rebuilds these views.
    ///
    /// # Errors
    /// [`RebuildError::Busy`] when another rebuild of one of them is under way; when the database fails.
    pub async fn begin(parts: RebuildParts, views: Vec<ViewInfo>) -> Result<Self, RebuildError> {
        let mut session = parts.owner.connect().await?;
        for view in &views {
            if !tables::lock(&mut session, view.name).await? {
                return Err(RebuildError::Busy(view.name));
            }
        }
        Ok(Self {
            session,
            builder: Builder::new(parts.pool, parts.log, parts.batch, views),
            hub: parts.hub,
            began: parts.clock.stopwatch(),
            clock: parts.clock,
            compared: 0,
        })
    }

    /// Builds the views from the first event on, compares, and swaps.
    ///
    /// # Errors
    /// As [`RebuildError`]; what is served is what was served.
    pub async fn run(
        mut self,
        fold: &mut dyn IndependentFold,
        old: Old,
        tell: Tell<'_>,
    ) -> Result<Swapped, RebuildError> {
        let outcome = self.build(fold, old, tell).await;
        self.end(outcome).await
    }

    /// Brings the tables that were served before up to date and serves them again.
    ///
    /// # Errors
    /// [`RebuildError::NothingKept`] when there are none, [`RebuildError::Reshaped`] when a migration has
    /// changed the view since; else as [`Rebuild::run`].
    pub async fn roll_back(
        mut self,
        fold: &mut dyn IndependentFold,
        tell: Tell<'_>,
    ) -> Result<Swapped, RebuildError> {
        let outcome = self.return_to_kept(fold, tell).await;
        self.end(outcome).await
    }

    async fn build(
        &mut self,
        fold: &mut dyn IndependentFold,
        old: Old,
        tell: Tell<'_>,
    ) -> Result<Swapped, RebuildError> {
        for view in self.builder.names() {
            tables::create(&mut self.session, view).await?;
        }
        self.catch_up(tell).await?;
        fault::point("rebuild.half");
        for view in self.builder.names() {
            tables::dress(&mut self.session, view).await?;
        }
        // All rows at a place in the log, then, while the log goes on, those that it has touched since.
        self.compare(fold, Extent::All).await?;
        self.close_in(fold, tell).await?;
        self.swap_when_level(fold, Move::Next(old)).await
    }

    async fn return_to_kept(
        &mut self,
        fold: &mut dyn IndependentFold,
        tell: Tell<'_>,
    ) -> Result<Swapped, RebuildError> {
        let mut from: Option<Mark> = None;
        for view in self.builder.names() {
            let kept = tables::kept(&mut self.session, view).await?;
            from = Some(from.map_or(kept, |from| from.min(kept)));
        }
        self.builder
            .go_on_with(Version::Kept, from.unwrap_or_default());
        // Neither rows nor tail are compared: whoever goes back does so because the fold of today, or what
        // judges it, is wrong, and says so by going back.
        self.catch_up(tell).await?;
        self.swap_when_level(fold, Move::Back).await
    }

    /// Lets go of the locks before anybody hears of the outcome.
    async fn end(
        mut self,
        outcome: Result<Swapped, RebuildError>,
    ) -> Result<Swapped, RebuildError> {
        // Not left to the session's end, of which the server hears after we have answered.
        let unlocked = tables::unlock(&mut self.session).await;
        if let Err(error) = unlocked.and(self.session.close().await) {
            tracing::debug!(%error, "the session had ended by itself");
        }
        outcome
    }

    async fn catch_up(&mut self, tell: Tell<'_>) -> Result<(), RebuildError> {
        loop {
            let head = self.builder.head().await?;
            let is_level = self.builder.read_to(head, &self.began, tell).await?;
            if is_level {
                return Ok(());
            }
        }
    }

    /// Folds and compares what has come meanwhile, until that is little.
    async fn close_in(
        &mut self,
        fold: &mut dyn IndependentFold,
        tell: Tell<'_>,
    ) -> Result<(), RebuildError> {
        loop {
            fault::point("rebuild.tailing");
            self.catch_up(tell).await?;
            let tail = self.builder.touched().len();
            self.compare(fold, Extent::Touched).await?;
            if tail <= TAIL_MAX {
                return Ok(());
            }
        }
    }

    async fn compare(
        &mut self,
        fold: &mut dyn IndependentFold,
        extent: Extent,
    ) -> Result<(), RebuildError> {
        self.compared += self.builder.compare(fold, extent).await?;
        Ok(())
    }

    async fn swap_when_level(
        &mut self,
        fold: &mut dyn IndependentFold,
        way: Move,
    ) -> Result<Swapped, RebuildError> {
        let mut late = 0;
        for _ in 0..SWAPS_MAX {
            match self.try_swap(fold, way).await {
                Ok(Some(versions)) => {
                    self.hub.announce(Applied::Unknown);
                    return Ok(Swapped {
                        versions,
                        position: self.builder.position(),
                        events: self.builder.events(),
                        compared: self.compared,
                    });
                }
                Ok(None) => {
                    late += 1;
                    if late == LATE_MAX {
                        break;
                    }
                    // Nobody waits while what was too much under the locks is looked at here.
                    if way != Move::Back {
                        self.close_in(fold, &mut |_| {}).await?;
                    }
                }
                Err(RebuildError::Database(error)) if tables::is_in_the_way(&error) => {
                    tracing::debug!(%error, "the tables are in use, trying again");
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(RebuildError::NeverLevel)
    }

    /// Holds the view's writers, folds and compares the last tail, and moves the tables: none when the
    /// tail is too long for that.
    async fn try_swap(
        &mut self,
        fold: &mut dyn IndependentFold,
        way: Move,
    ) -> Result<Option<Vec<ServedVersion>>, RebuildError> {
        let names = self.builder.names();
        let mut transaction = self.session.begin().await?;
        tables::hold_writers(&mut transaction, &names).await?;
        let builder = &mut self.builder;
        let level = async {
            let head = builder.head().await?;
            while !builder.read_to(head, &self.began, &mut |_| {}).await? {}
            match way {
                Move::Next(_) => builder.compare(fold, Extent::Touched).await,
                Move::Back => Ok(0),
            }
        };
        let Ok(level) = tokio::time::timeout(HOLD_MAX, level).await else {
            // Whether the last batch was committed is not known.
            self.builder.forget();
            return Ok(None);
        };
        self.compared += level?;
        let place = Place {
            mark: self.builder.mark(),
            now: self.clock.now(),
        };
        let mut versions = Vec::new();
        for view in names {
            let served = match way {
                Move::Next(old) => tables::serve_next(&mut transaction, view, old, place).await?,
                Move::Back => tables::serve_kept(&mut transaction, view, place).await?,
            };
            versions.push(served);
        }
        self.hub
            .tell_others(&mut transaction, &Applied::Unknown)
            .await?;
        fault::point("rebuild.swapping");
        transaction.commit().await?;
        Ok(Some(versions))
    }
}

/// Which rows are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// Every one.
    All,
    /// Those of streams that were folded since the last comparison.
    Touched,
}

/// Which tables are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    /// The new ones come, the old ones are kept or dropped.
    Next(Old),
    /// The kept ones come back, the others are kept.
    Back,
}
