//! Redriving: the parked events of a stream are folded into their view again, in order, when what was in
//! their way is gone. The first that still cannot be folded keeps the others waiting behind it.
//!
//! Checkpoints stay: these events were passed long ago. The revision moves, so that a projector at work
//! forgets what it remembers (ADR 16), and a repeat finds nothing left to do.

use std::collections::HashSet;

use infra::applied::{Applied, AppliedHub};
use infra::event_store::StreamId;
use sqlx::PgPool;

use crate::batch::Item;
use crate::checkpoint::{Marks, revise};
use crate::consumer::ProjectorError;
use crate::parked::{self, ParkedStreams};
use crate::views::{self, Folding, Outcome};

/// Streams redriven at one request; the caller goes on after the last.
const STREAMS_MAX: i64 = 1_000;
/// Events folded in one transaction: all views wait for it, since they move their checkpoints together.
const SLICE: i64 = 200;

/// A stream that is parked for a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedStream {
    /// The view.
    pub view: String,
    /// The stream.
    pub stream: StreamId,
}

/// What became of a stream's parked events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redriven {
    /// Events folded.
    pub folded: usize,
    /// Events that stay parked.
    pub parked: usize,
    /// Why the first of these cannot be folded.
    pub error: Option<String>,
}

/// Redrives parked events. Works beside any number of projectors.
#[derive(Clone)]
pub struct Redriver {
    pool: PgPool,
    hub: AppliedHub,
}

impl Redriver {
    /// A redriver of the views that `pool` reaches as the projector's role; listeners of this process
    /// hear of it from `hub`.
    pub fn new(pool: PgPool, hub: AppliedHub) -> Self {
        Self { pool, hub }
    }

    /// Parked streams in order of view, kind and id, after `after`: of one view, or of all.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn parked(
        &self,
        view: Option<&str>,
        after: Option<&ParkedStream>,
    ) -> Result<Vec<ParkedStream>, ProjectorError> {
        Ok(parked::streams(&self.pool, view, after, STREAMS_MAX).await?)
    }

    /// Folds the parked events of a stream again.
    ///
    /// # Errors
    /// As [`ProjectorError`]; what was folded until then stays folded, and the rest stays parked.
    pub async fn redrive(&self, parked: &ParkedStream) -> Result<Redriven, ProjectorError> {
        let ParkedStream { view, stream } = parked;
        let mut names = views::names().into_iter();
        let Some(name) = names.find(|name| name == view) else {
            return Err(ProjectorError::NoView(view.clone()));
        };
        let only = [name];
        let mut all = Redriven {
            folded: 0,
            parked: 0,
            error: None,
        };
        loop {
            let slice = self.slice(&only, *stream).await?;
            all.folded += slice.folded;
            if slice.is_last {
                all.parked = parked::waiting(&self.pool, view, *stream).await?;
                all.error = slice.error;
                return Ok(all);
            }
        }
    }

    /// Folds the first events of a stream that are parked for a view. What cannot be folded is left as it was.
    async fn slice(
        &self,
        only: &[&'static str; 1],
        stream: StreamId,
    ) -> Result<Slice, ProjectorError> {
        let [view] = *only;
        let mut transaction = self.pool.begin().await?;
        // Keeps a batch from parking behind events that leave at this moment.
        revise(&mut transaction, view).await?;
        let records = parked::first(&mut transaction, view, stream, SLICE).await?;
        let items: Vec<Item> = records.into_iter().map(Item::fetched).collect();
        let folding = Folding {
            items: &items,
            marks: &Marks::default(),
            parked: &ParkedStreams::new(),
            careful: &HashSet::from(*only),
            only: Some(only),
        };
        let mut outcome = Outcome::default();
        views::fold_carefully(&mut transaction, &folding, &mut outcome).await?;
        let folded = items.len() - outcome.parkings.len();
        let is_whole = items.len() == usize::try_from(SLICE).unwrap_or(usize::MAX);
        let slice = Slice {
            folded,
            is_last: folded < items.len() || !is_whole,
            error: (outcome.parkings.iter()).find_map(|parking| parking.error.clone()),
        };
        let Some(last) = folded.checked_sub(1).and_then(|last| items.get(last)) else {
            return Ok(slice);
        };
        parked::release(&mut transaction, view, stream, last.record.sequence).await?;
        let applied = Applied::Views(outcome.announced().into());
        self.hub.tell_others(&mut transaction, &applied).await?;
        transaction.commit().await?;
        self.hub.announce(applied);
        Ok(slice)
    }
}

/// What became of some of a stream's parked events.
struct Slice {
    folded: usize,
    is_last: bool,
    error: Option<String>,
}
