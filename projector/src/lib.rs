//! Folds the feed into Postgres views and the Tantivy index, exactly once in effect.
//!
//! Reading order: `consumer` (the loop), `applier` (one batch), `views` (what it folds into), `checkpoint`
//! and `parked` (what it remembers), `turn` (which of several folds), `rebuild` and `redrive` (what is folded
//! again), `search` (the index, made from the views).
//!
//! To add a view: a file in `views` with a row and a fold, a line in `views!`, a migration. A new
//! event makes the views that follow its aggregate stop compiling: fold it or name it as ignored.

mod applier;
mod batch;
mod checkpoint;
mod consumer;
mod names;
mod parked;
pub mod rebuild;
pub mod redrive;
mod search;
mod turn;
mod views;
mod vitals;

use std::path::PathBuf;

use anyhow::Context as _;
use infra::applied::AppliedHub;
use infra::clock::Clock;
use infra::event_store::EventLog;
use infra::feed::Feed;
use infra::http::health::Readiness;
use infra::lifecycle::{Doorbell, Pace, Tasks};
use sqlx::PgPool;

pub use checkpoint::Moved;
pub use consumer::{Announce, Parts, Projector, ProjectorError};
pub use search::{
    IndexJudge, IndexQueue, IndexRebuild, IndexRebuildError, IndexRebuildParts, IndexSwapped,
    IndexerParts, SearchError, SearchIndexer, Written,
};
pub use views::{ApplyError, Gap, VIEWS, ViewInfo};

/// Where the projector writes and who hears of it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folder of the search index; none on a host that answers no searches.
    pub search_directory: Option<PathBuf>,
    /// Whether readers live in other processes, too.
    pub announce: Announce,
}

/// What the projector is given.
pub struct Deps {
    /// Where events come from; its own, as it remembers how far it was read.
    pub feed: Box<dyn Feed>,
    /// The database of the views, as the projector's role.
    pub pool: PgPool,
    /// Where missing events are read.
    pub log: EventLog,
    /// Listeners of this process.
    pub hub: AppliedHub,
    /// The clock of the process.
    pub clock: Clock,
    /// Where the projector says that it has stopped.
    pub readiness: Readiness,
}

/// The projector and, where there is search, its indexer: loops that nobody runs yet.
///
/// # Errors
/// When the folder of the index cannot be used.
pub async fn build(
    settings: Settings,
    deps: Deps,
) -> Result<(Projector, Option<SearchIndexer>, IndexQueue), SearchError> {
    let queue = IndexQueue::default();
    let indexer = match settings.search_directory {
        None => None,
        Some(directory) => Some(
            SearchIndexer::open(IndexerParts {
                directory,
                pool: deps.pool.clone(),
                log: deps.log.clone(),
                queue: queue.clone(),
                hub: deps.hub.clone(),
                announce: settings.announce,
                clock: deps.clock.clone(),
            })
            .await?,
        ),
    };
    let projector = Projector::new(Parts {
        feed: deps.feed,
        pool: deps.pool,
        log: deps.log,
        hub: deps.hub,
        announce: settings.announce,
        clock: deps.clock,
        index: indexer.as_ref().map(|_| queue.clone()),
        readiness: deps.readiness,
    });
    Ok((projector, indexer, queue))
}

/// Runs the projector until the process stops.
///
/// # Errors
/// When the folder of the index cannot be used.
pub async fn run(settings: Settings, deps: Deps, tasks: &Tasks) -> anyhow::Result<()> {
    let vitals = vitals::Vitals::new(deps.pool.clone(), deps.clock.clone());
    let (projector, indexer, queue) = build(settings, deps)
        .await
        .context("opening the search index")?;
    tasks.run(projector, Doorbell::new(), Pace::default());
    tasks.run(vitals, Doorbell::new(), vitals::Vitals::PACE);
    if let Some(indexer) = indexer {
        tasks.run(indexer, queue.doorbell(), Pace::default());
    }
    tasks.stop().soft().await;
    Ok(())
}
