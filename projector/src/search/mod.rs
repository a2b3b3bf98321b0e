//! The search index: the loop that brings it to what the views say.
//!
//! Documents are made from view rows, after the views have committed, so that the index never shows
//! what a view does not. Each commit carries the checkpoints that it covers; after a restart the
//! projector's feed reaches back to them. What it costs follows what people see: stock that changes
//! nothing visible writes nothing, and of a shop only those documents are written that say something else.
//!
//! Reading order: `queue` (which shops), `rows` (what the views say of them), `catalogue` (whether that is
//! anything new), `shops`, `dishes` and `choices` (what documents say), `writer` and `said` (the index),
//! `rebuild` (another version made beside the one that is served) and `switch` (taking it over).

mod catalogue;
mod choices;
mod combined;
mod dishes;
mod queue;
mod reader;
mod rebuild;
mod rows;
mod said;
mod shops;
mod switch;
mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::aggregates::Kind;
use infra::applied::{Applied, AppliedHub, Visible};
use infra::clock::{Clock, Stopwatch};
use infra::event_store::{EventLog, Mark, StreamId};
use infra::feed::Origin;
use infra::lifecycle::{Loop, Progress};
use infra::limits::DATABASE_DEADLINE;
use infra::postgres::in_time;
use infra::search_schema::{CommitPayload, IndexFolder, PartitionMark, SCHEMA_VERSION, Versions};
use sqlx::PgPool;
use uuid::Uuid;

use crate::consumer::Announce;
use crate::views::VIEWS;
use catalogue::{Look, ShopState};
pub use queue::IndexQueue;
use queue::Work;
use reader::ShopReader;
pub use rebuild::{IndexJudge, IndexRebuild, IndexRebuildError, IndexRebuildParts, IndexSwapped};
use switch::marks_of;
use writer::SearchWriter;
pub use writer::{SearchError, Written};

/// Commits are at least this far apart: one costs 15 to 18 ms of CPU whatever is in it.
const COMMIT_PAUSE: Duration = Duration::from_millis(50);
/// Shops read and indexed in one commit.
const SHOPS_MAX: usize = 500;
/// A payload may stay behind by so many positions while no document changes; a restart reads them again.
const PAYLOAD_LAG_MAX: i64 = 10_000;

/// The views from which documents are made.
pub(crate) fn sources() -> Vec<String> {
    let sources = VIEWS.iter().filter(|view| is_indexed(view.follows));
    sources.map(|view| view.name.to_owned()).collect()
}

fn is_indexed(kind: Kind) -> bool {
    match kind {
        Kind::Restaurant | Kind::Menu | Kind::Inventory => true,
        Kind::Promotion
        | Kind::PromotionBook
        | Kind::Cart
        | Kind::Order
        | Kind::Payment
        | Kind::Delivery
        | Kind::Driver => false,
    }
}

/// What an indexer is made of.
pub struct IndexerParts {
    /// The index's own folder.
    pub directory: PathBuf,
    /// The database of the views.
    pub pool: PgPool,
    /// Where it reads what has happened since a version was made.
    pub log: EventLog,
    /// Shops to be indexed again.
    pub queue: IndexQueue,
    /// Listeners of this process.
    pub hub: AppliedHub,
    /// Whether other processes listen.
    pub announce: Announce,
    /// What is available depends on the hour.
    pub clock: Clock,
}

/// Writes the search index.
pub struct SearchIndexer {
    parts: IndexerParts,
    writer: SearchWriter,
    folder: IndexFolder,
    versions: Versions,
    reader: ShopReader,
    /// Shops of which an ingredient comes back by itself.
    returns: BTreeSet<(DateTime<Utc>, Uuid)>,
    since_commit: Option<Stopwatch>,
}

impl SearchIndexer {
    /// Opens the index, or makes an empty one when there is none of this schema.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub async fn open(parts: IndexerParts) -> Result<Self, SearchError> {
        let folder = IndexFolder::at(&parts.directory);
        let opening = folder.clone();
        let (versions, writer, payload) = blocking(move || open(&opening)).await?;
        let revision = payload.as_ref().map_or(0, |payload| payload.revision);
        let committed = payload.map(|payload| marks_of(&payload.checkpoints));
        let begun = committed.is_some();
        parts.queue.begin(committed, revision);
        if begun {
            // What comes back by itself is not remembered by the index: these shops say it again.
            parts
                .queue
                .mark_shops(rows::with_returns(&parts.pool).await?);
        }
        let reader = ShopReader::new(parts.pool.clone(), parts.clock.clone());
        Ok(Self {
            folder,
            versions,
            parts,
            writer,
            reader,
            returns: BTreeSet::new(),
            since_commit: None,
        })
    }

    /// Indexes what waits and commits; `Idle` when nothing waits.
    ///
    /// # Errors
    /// When views or index cannot be read or written; the shops wait on.
    pub async fn advance(&mut self) -> Result<Progress, SearchError> {
        if self.parts.queue.is_without_index() {
            return self.build().await;
        }
        if let Some(progress) = self.take_over_wanted().await? {
            return Ok(progress);
        }
        self.wake_returning();
        let work = self.parts.queue.take();
        if work.shops.is_empty() && self.parts.queue.payload_lag() < PAYLOAD_LAG_MAX {
            self.tell(&work.covered).await?;
            return Ok(Progress::Idle);
        }
        match self.index(&work).await {
            Ok(()) => {
                self.tell(&work.covered).await?;
                Ok(Progress::Did(work.shops.len().max(1)))
            }
            Err(error) => {
                self.parts.queue.put_back(work);
                Err(error)
            }
        }
    }

    /// Everything anew from the views, in one commit.
    async fn build(&mut self) -> Result<Progress, SearchError> {
        // Read before the rows: a change after it is followed by another build.
        let revision = self.parts.queue.revision();
        let (marks, shops) = self.reader.begin().await?;
        // Rows may stand at the sequences at which they were known, and say something else.
        self.reader.catalogue.forget();
        self.writer.begin_anew().await?;
        for some in shops.chunks(SHOPS_MAX) {
            let states = self.reader.look(some).await?;
            self.note_returns(&states);
            self.writer.add(states).await?;
        }
        self.writer.commit(payload(&marks, revision)).await?;
        self.parts.queue.commit(marks);
        self.since_commit = Some(self.parts.clock.stopwatch());
        let count = shops.len();
        tracing::info!(
            shops = count,
            "search index built from the views, {count} shops"
        );
        self.announce(Applied::Unknown).await?;
        Ok(Progress::Did(count.max(1)))
    }

    #[tracing::instrument(name = "index", skip_all, fields(shops = work.shops.len()), level = "debug")]
    async fn index(&mut self, work: &Work) -> Result<(), SearchError> {
        let ids: Vec<Uuid> = work.shops.iter().copied().collect();
        let mut states = self.reader.look(&ids).await?;
        self.note_returns(&states);
        states.retain(|state| !matches!(state.look, Look::Same));
        let is_due = self.parts.queue.payload_lag() >= PAYLOAD_LAG_MAX;
        if states.is_empty() && !is_due {
            return Ok(());
        }
        let marks = work.marks.clone();
        let marks = marks.unwrap_or_else(|| self.parts.queue.committed());
        let payload = payload(&marks, self.parts.queue.revision());
        let known: Vec<_> = states.iter().map(ShopState::known).collect();
        let committed = self.writer.replace(states, payload, is_due).await?;
        for (shop, known) in known {
            self.reader.catalogue.remember(shop, known);
        }
        if committed {
            self.parts.queue.commit(marks);
            self.since_commit = Some(self.parts.clock.stopwatch());
        }
        Ok(())
    }

    /// What was written since the index was opened.
    pub fn written(&self) -> Written {
        self.writer.written()
    }

    async fn tell(&self, covered: &BTreeMap<StreamId, i64>) -> Result<(), SearchError> {
        if covered.is_empty() {
            return Ok(());
        }
        let streams: Vec<Visible> = covered
            .iter()
            .map(|(stream, sequence)| Visible {
                kind: stream.kind,
                id: stream.id,
                sequence: *sequence,
                trace: None,
            })
            .collect();
        self.announce(Applied::Index(streams.into())).await
    }

    async fn announce(&self, applied: Applied) -> Result<(), SearchError> {
        self.parts.hub.announce(applied.clone());
        if self.parts.announce == Announce::Everywhere {
            let mut connection = self.parts.pool.acquire().await?;
            let told = self.parts.hub.tell_others(&mut connection, &applied);
            in_time(DATABASE_DEADLINE, told).await?;
        }
        Ok(())
    }

    /// Puts shops into the queue of which an ingredient has come back by itself.
    fn wake_returning(&mut self) {
        let now = self.parts.clock.now();
        while let Some((at, shop)) = self.returns.first().copied() {
            if at > now {
                break;
            }
            self.returns.pop_first();
            self.parts.queue.mark_shops([shop]);
        }
    }

    fn note_returns(&mut self, shops: &[ShopState]) {
        for shop in shops {
            self.returns
                .extend(shop.returns.iter().map(|at| (*at, shop.restaurant)));
        }
    }
}

/// Opens the version that is served, and what its last commit says of itself; makes the first where there
/// is none.
fn open(
    folder: &IndexFolder,
) -> Result<(Versions, SearchWriter, Option<CommitPayload>), SearchError> {
    let versions = match folder.versions() {
        Ok(Some(versions)) => versions,
        none_or_unreadable => {
            if let Err(error) = none_or_unreadable {
                tracing::warn!(%error, "nobody knows which search index is served, it is built anew");
            }
            folder.make_first()?;
            Versions::FIRST
        }
    };
    let (writer, payload) = SearchWriter::open(&folder.of(versions.served))?;
    Ok((versions, writer, payload))
}

fn payload(marks: &BTreeMap<Origin, Mark>, revision: i64) -> CommitPayload {
    CommitPayload {
        schema: SCHEMA_VERSION,
        revision,
        checkpoints: marks
            .iter()
            .map(|(origin, mark)| PartitionMark {
                topic: origin.topic.clone(),
                partition: origin.partition,
                mark: *mark,
            })
            .collect(),
    }
}

/// Runs index work, which waits for the disk, away from the threads that serve.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SearchError> + Send + 'static,
) -> Result<T, SearchError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(SearchError::Broken))
}

impl Loop for SearchIndexer {
    const NAME: &'static str = "search-indexer";
    /// Building everything takes what the disk takes, and a step cut short would forget its shops; its
    /// reads have a deadline.
    const STEP_MAX: Duration = Duration::MAX;
    type Error = SearchError;

    /// As [`SearchIndexer::advance`], with the pause between commits.
    async fn step(&mut self) -> Result<Progress, SearchError> {
        if let Some(since) = &self.since_commit {
            tokio::time::sleep(COMMIT_PAUSE.saturating_sub(since.elapsed())).await;
            self.since_commit = None;
        }
        self.advance().await
    }
}
