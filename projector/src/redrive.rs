//! Redriving: the parked events of a stream are folded into their view again, in order, when what was in
//! their way is gone. The first that still cannot be folded keeps the others waiting behind it.
//!
//! Checkpoints stay: these events were passed long ago. The revision moves, so that a projector at work
//! forgets what it remembers (ADR 16), and a repeat finds nothing left to do.

use std::collections::HashSet;

use infra::applied::{Applied, AppliedHub};
use infra::clock::Clock;
use infra::event_store::StreamId;
use sqlx::PgPool;

use crate::batch::Item;
use crate::checkpoint::{Marks, revise};
use crate::consumer::ProjectorError;
use crate::parked::{self, ParkedStreams};
use crate::views::{self, Folding, Outcome};

/// Streams redriven at one request; the caller goes on after the last.
const STREAMS_MAX: i64 = 1_000;

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
    /// Events that are parked again.
    pub parked: usize,
    /// Why the first of these cannot be folded.
    pub error: Option<String>,
}

/// Redrives parked events. Works beside any number of projectors.
#[derive(Clone)]
pub struct Redriver {
    pool: PgPool,
    hub: AppliedHub,
    clock: Clock,
}

impl Redriver {
    /// A redriver of the views that `pool` reaches as the projector's role; listeners of this process
    /// hear of it from `hub`.
    pub fn new(pool: PgPool, hub: AppliedHub, clock: Clock) -> Self {
        Self { pool, hub, clock }
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
    /// As [`ProjectorError`]; everything stays parked.
    pub async fn redrive(&self, parked: &ParkedStream) -> Result<Redriven, ProjectorError> {
        let ParkedStream { view, stream } = parked;
        let names = views::names().into_iter();
        let only: Vec<&'static str> = names.filter(|name| name == view).collect();
        if only.is_empty() {
            return Err(ProjectorError::NoView(view.clone()));
        }
        let mut transaction = self.pool.begin().await?;
        // Keeps a batch from parking behind events that leave at this moment.
        revise(&mut transaction, view).await?;
        let records = parked::take(&mut transaction, view, *stream).await?;
        let items: Vec<Item> = records.into_iter().map(Item::fetched).collect();
        if items.is_empty() {
            return Ok(Redriven {
                folded: 0,
                parked: 0,
                error: None,
            });
        }
        let careful: HashSet<&'static str> = only.iter().copied().collect();
        let folding = Folding {
            items: &items,
            marks: &Marks::default(),
            parked: &ParkedStreams::new(),
            careful: &careful,
            only: Some(&only),
        };
        let mut outcome = Outcome::default();
        views::fold_carefully(&mut transaction, &folding, &mut outcome).await?;
        parked::park(&mut transaction, &outcome.parkings, self.clock.now()).await?;
        let applied = Applied::Views(outcome.announced().into());
        self.hub.tell_others(&mut transaction, &applied).await?;
        transaction.commit().await?;
        self.hub.announce(applied);
        Ok(Redriven {
            folded: items.len() - outcome.parkings.len(),
            parked: outcome.parkings.len(),
            error: outcome
                .parkings
                .into_iter()
                .find_map(|parking| parking.error),
        })
    }
}
