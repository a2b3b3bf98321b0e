//! The log folded into tables beside those that are served, in large batches.

use std::collections::{BTreeSet, HashSet};

use domain::aggregates::Kind;
use infra::clock::Stopwatch;
use infra::event_store::{EventLog, LogRow, Mark, StreamId};
use infra::feed::{FeedRecord, Origin};
use sqlx::PgPool;

use super::{Asked, Extent, IndependentFold, Progress, RebuildError, Tell};
use crate::batch::Item;
use crate::checkpoint::Marks;
use crate::parked::ParkedStreams;
use crate::views::{self, Folding, Outcome, Remembered, Source, Version, ViewInfo};

/// What is lost in a crash of the database is built again.
const BEGIN: &str = "BEGIN; SET LOCAL synchronous_commit = off";

/// Folds the log into the tables of one version.
pub(super) struct Builder {
    pool: PgPool,
    log: EventLog,
    views: Vec<ViewInfo>,
    version: Version,
    batch: i64,
    mark: Mark,
    rows: Remembered,
    touched: BTreeSet<StreamId>,
    events: u64,
}

impl Builder {
    /// A builder of the next version, before the first event.
    pub(super) fn new(pool: PgPool, log: EventLog, batch: i64, views: Vec<ViewInfo>) -> Self {
        Self {
            pool,
            log,
            views,
            version: Version::Next,
            batch,
            mark: Mark::default(),
            rows: Remembered::default(),
            touched: BTreeSet::new(),
            events: 0,
        }
    }

    /// Folds into the tables of another version, which stand at `mark`.
    pub(super) fn go_on_with(&mut self, version: Version, mark: Mark) {
        self.version = version;
        self.mark = mark;
        self.forget();
    }

    /// The names of its views.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.views.iter().map(|view| view.name).collect()
    }

    /// Streams folded since rows were last compared.
    pub(super) fn touched(&self) -> &BTreeSet<StreamId> {
        &self.touched
    }

    /// Everything up to here is folded.
    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    /// The position of [`Builder::mark`].
    pub(super) fn position(&self) -> i64 {
        self.mark.position
    }

    /// Events read so far.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// Forgets rows: what was committed is not known.
    pub(super) fn forget(&mut self) {
        self.rows.forget();
    }

    /// The log's last position.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn head(&self) -> Result<i64, RebuildError> {
        Ok(self.log.head().await?)
    }

    /// Folds until `head` is reached, telling after each batch; false when the log ended before.
    ///
    /// # Errors
    /// As [`RebuildError`].
    pub(super) async fn read_to(
        &mut self,
        head: i64,
        began: &Stopwatch,
        tell: Tell<'_>,
    ) -> Result<bool, RebuildError> {
        while self.mark.position < head {
            let rows = self.log.after(self.mark, self.batch).await?;
            let Some(last) = rows.last().map(LogRow::mark) else {
                return Ok(false);
            };
            let count = rows.len() as u64;
            self.fold(rows).await?;
            self.mark = last;
            self.events += count;
            tell(&Progress {
                position: last.position,
                head: head.max(last.position),
                events: self.events,
                elapsed: began.elapsed(),
            });
        }
        Ok(true)
    }

    async fn fold(&mut self, rows: Vec<LogRow>) -> Result<(), RebuildError> {
        let follows: Vec<Kind> = self.views.iter().map(|view| view.follows).collect();
        let items: Vec<Item> = rows
            .into_iter()
            .filter(|row| follows.contains(&row.stream.kind))
            .map(|row| Item::of_feed(FeedRecord::from_row(row, Origin::store())))
            .collect();
        let names = self.names();
        let folding = Folding {
            items: &items,
            // Nothing counts as folded before: rows know their sequence.
            marks: &Marks::default(),
            parked: &ParkedStreams::new(),
            careful: &HashSet::new(),
            only: Some(&names),
        };
        let source = Source {
            pool: &self.pool,
            version: self.version,
            remembered: &self.rows,
        };
        let mut outcome = Outcome::default();
        let unwritten = views::fold_batch(&source, &folding, &mut outcome).await?;
        if let Some(parking) = outcome.parkings.into_iter().next() {
            return Err(RebuildError::Unfoldable {
                view: parking.view,
                stream: parking.record.stream_id(),
                sequence: parking.record.sequence,
                why: parking.error.unwrap_or_default(),
            });
        }
        let mut transaction = self.pool.begin_with(BEGIN).await?;
        for rows in &unwritten {
            rows.write(&mut transaction, self.version).await?;
        }
        transaction.commit().await?;
        for rows in unwritten {
            rows.remember(&mut self.rows);
        }
        let streams = items.iter().map(|item| item.record.stream_id());
        self.touched.extend(streams);
        Ok(())
    }

    /// Compares rows with an independent fold, and gives how many.
    ///
    /// # Errors
    /// [`RebuildError::Differs`] when they are not the same; when they cannot be compared.
    pub(super) async fn compare(
        &mut self,
        fold: &mut dyn IndependentFold,
        extent: Extent,
    ) -> Result<u64, RebuildError> {
        let touched: Vec<StreamId> = self.touched.iter().copied().collect();
        if extent == Extent::Touched && touched.is_empty() {
            return Ok(0);
        }
        let asked = Asked {
            schema: self.version.schema(),
            views: &self.views,
            up_to: self.mark.position,
            streams: (extent == Extent::Touched).then_some(&touched),
        };
        let compared = fold
            .compare(asked)
            .await
            .map_err(RebuildError::Uncompared)?;
        if compared.differing > 0 {
            return Err(RebuildError::Differs {
                rows: compared.rows,
                differing: compared.differing,
                examples: compared.examples,
            });
        }
        self.touched.clear();
        Ok(compared.rows)
    }
}
