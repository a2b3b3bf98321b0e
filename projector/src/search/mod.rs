//! The search index: which shops must be indexed again, and the loop that does it.
//!
//! Documents are made from view rows, after the views have committed, so that the index never shows
//! what a view does not. Each commit carries the checkpoints that it covers; after a restart the
//! projector's feed reaches back to them.

mod choices;
mod dishes;
mod rows;
mod shops;
mod writer;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::aggregates::Kind;
use infra::applied::{Applied, AppliedHub, Visible};
use infra::clock::{Clock, Stopwatch};
use infra::event_store::{Mark, StreamId};
use infra::feed::{Checkpoints, FeedRecord, Origin};
use infra::lifecycle::{Doorbell, Loop, Progress};
use infra::limits::{DATABASE_DEADLINE, PROJECTOR_STATEMENT_MAX};
use infra::postgres::in_time;
use infra::search_schema::{CommitPayload, PartitionMark, SCHEMA_VERSION};
use sqlx::PgPool;
use uuid::Uuid;

use crate::consumer::{Announce, Reached};
use crate::views::VIEWS;
use rows::{load_all, load_some};
use shops::ShopDocuments;
pub use writer::SearchError;
use writer::SearchWriter;

/// Commits are at least this far apart: one costs 15 to 18 ms of CPU whatever is in it.
const COMMIT_PAUSE: Duration = Duration::from_millis(50);
/// Shops read and indexed in one commit.
const SHOPS_MAX: usize = 500;
/// Reading views for the index: somewhat longer than the server lets a statement take.
const READ_MAX: Duration = PROJECTOR_STATEMENT_MAX.saturating_add(DATABASE_DEADLINE);
/// A payload may stay behind by so many positions while no document changes; a restart reads them again.
const PAYLOAD_LAG_MAX: i64 = 10_000;

/// Shops to be indexed again, handed from the projector to the indexer. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct IndexQueue {
    inner: Arc<Mutex<Waiting>>,
    doorbell: Doorbell,
}

#[derive(Debug, Default)]
struct Waiting {
    shops: BTreeSet<Uuid>,
    covered: BTreeMap<StreamId, i64>,
    /// What the index will cover once the shops are indexed.
    marks: BTreeMap<Origin, Mark>,
    /// What the last commit covers; none while there is no index.
    committed: Option<BTreeMap<Origin, Mark>>,
    /// How often rows have been changed by anything but the feed.
    revision: i64,
}

impl IndexQueue {
    /// Rings when something is put into the queue.
    pub fn doorbell(&self) -> Doorbell {
        self.doorbell.clone()
    }

    /// Lets a feed begin early enough for the index, too.
    pub(crate) fn reach_back(&self, from: &mut Checkpoints) {
        let waiting = self.lock();
        // Without a commit the index is built whole from the views, and needs no history.
        let Some(committed) = &waiting.committed else {
            return;
        };
        for (origin, mark) in from.iter_mut() {
            *mark = (*mark).min(committed.get(origin).copied().unwrap_or_default());
        }
    }

    /// Notes whose documents a batch may have changed. The views have committed it.
    pub(crate) fn mark(&self, records: &[FeedRecord], reached: &[Reached]) {
        let mut waiting = self.lock();
        for record in records.iter().filter(|record| is_indexed(record.kind)) {
            waiting.shops.insert(record.stream);
            let covered = waiting.covered.entry(record.stream_id()).or_default();
            *covered = (*covered).max(record.sequence);
        }
        for reach in reached {
            let mark = waiting.marks.entry(reach.origin.clone()).or_default();
            *mark = (*mark).max(reach.mark);
        }
        drop(waiting);
        self.doorbell.ring();
    }

    /// Notes how often rows of the views behind the index have been changed by anything but the feed: a
    /// rebuild, a redrive, or somebody who wants a new index. After a change it is built anew.
    pub(crate) fn follow_revision(&self, revision: i64) {
        let mut waiting = self.lock();
        if waiting.revision == revision {
            return;
        }
        waiting.revision = revision;
        waiting.marks.clear();
        let stale = waiting.committed.take().is_some();
        drop(waiting);
        if stale {
            tracing::info!("the views behind the search index were changed, it is built anew");
            self.doorbell.ring();
        }
    }

    fn mark_shops(&self, shops: impl IntoIterator<Item = Uuid>) {
        self.lock().shops.extend(shops);
        self.doorbell.ring();
    }

    fn take(&self) -> Work {
        let mut waiting = self.lock();
        let mut shops = std::mem::take(&mut waiting.shops);
        if shops.len() > SHOPS_MAX {
            // The marks are covered only when all shops are.
            let rest = shops.iter().nth(SHOPS_MAX).copied();
            waiting.shops = rest.map(|rest| shops.split_off(&rest)).unwrap_or_default();
            return Work {
                shops,
                covered: BTreeMap::new(),
                marks: None,
            };
        }
        Work {
            shops,
            covered: std::mem::take(&mut waiting.covered),
            marks: Some(waiting.marks.clone()),
        }
    }

    fn put_back(&self, work: Work) {
        let mut waiting = self.lock();
        waiting.shops.extend(work.shops);
        for (stream, sequence) in work.covered {
            let covered = waiting.covered.entry(stream).or_default();
            *covered = (*covered).max(sequence);
        }
    }

    fn commit(&self, marks: BTreeMap<Origin, Mark>) {
        self.lock().committed = Some(marks);
    }

    fn begin(&self, committed: Option<BTreeMap<Origin, Mark>>, revision: i64) {
        let mut waiting = self.lock();
        waiting.revision = revision;
        waiting.marks = committed.clone().unwrap_or_default();
        waiting.committed = committed;
    }

    /// What the last commit covers: an index of another history must be given up.
    pub(crate) fn claims(&self) -> Vec<Mark> {
        let waiting = self.lock();
        let committed = waiting.committed.iter().flatten();
        committed.map(|(_, mark)| *mark).collect()
    }

    /// Lets the indexer build everything anew from the views.
    pub(crate) fn give_up_index(&self) {
        let revision = self.revision();
        self.begin(None, revision);
        self.doorbell.ring();
    }

    fn revision(&self) -> i64 {
        self.lock().revision
    }

    fn is_without_index(&self) -> bool {
        self.lock().committed.is_none()
    }

    /// How far the index lags behind what was handed to it, in positions.
    fn payload_lag(&self) -> i64 {
        let waiting = self.lock();
        let committed = waiting.committed.as_ref();
        let lag = waiting.marks.iter().map(|(origin, mark)| {
            let committed = committed.and_then(|committed| committed.get(origin));
            mark.position - committed.map_or(0, |mark| mark.position)
        });
        lag.max().unwrap_or(0)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Work {
    shops: BTreeSet<Uuid>,
    covered: BTreeMap<StreamId, i64>,
    /// None when shops are left for the next commit.
    marks: Option<BTreeMap<Origin, Mark>>,
}

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
    /// What was indexed of each shop, so that stock which changes nothing writes nothing.
    indexed: HashMap<Uuid, u64>,
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
        let directory = parts.directory.clone();
        let (writer, payload) = blocking(move || SearchWriter::open(&directory)).await?;
        let revision = payload.as_ref().map_or(0, |payload| payload.revision);
        let committed = payload.map(|payload| {
            payload
                .checkpoints
                .into_iter()
                .map(|mark| {
                    (
                        Origin {
                            topic: mark.topic,
                            partition: mark.partition,
                        },
                        mark.mark,
                    )
                })
                .collect::<BTreeMap<_, _>>()
        });
        let begun = committed.is_some();
        parts.queue.begin(committed, revision);
        if begun {
            // What comes back by itself is not remembered by the index: these shops say it again.
            parts
                .queue
                .mark_shops(rows::with_returns(&parts.pool).await?);
        }
        Ok(Self {
            parts,
            writer,
            indexed: HashMap::new(),
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

    /// Everything anew, from one snapshot of the views and the checkpoints that belong to it.
    async fn build(&mut self) -> Result<Progress, SearchError> {
        let now = self.parts.clock.now();
        // Read before the rows: a change after it is followed by another build.
        let revision = self.parts.queue.revision();
        let (shops, marks) = in_time(READ_MAX, load_all(&self.parts.pool, now)).await?;
        let count = shops.len();
        let payload = payload(&marks, revision);
        self.indexed = shops
            .iter()
            .map(|shop| (shop.restaurant, shop.digest))
            .collect();
        self.note_returns(&shops);
        self.writer = self.writer.clone().replace_all(shops, payload).await?;
        self.parts.queue.commit(marks);
        self.since_commit = Some(self.parts.clock.stopwatch());
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
        let now = self.parts.clock.now();
        let shops = in_time(READ_MAX, load_some(&self.parts.pool, &ids, now)).await?;
        self.note_returns(&shops);
        let changed: Vec<ShopDocuments> = shops
            .into_iter()
            .filter(|shop| self.indexed.get(&shop.restaurant) != Some(&shop.digest))
            .collect();
        if changed.is_empty() && self.parts.queue.payload_lag() < PAYLOAD_LAG_MAX {
            return Ok(());
        }
        let committed = self
            .parts
            .queue
            .lock()
            .committed
            .clone()
            .unwrap_or_default();
        let marks = work.marks.clone().unwrap_or(committed);
        let revision = self.parts.queue.revision();
        let digests: Vec<(Uuid, u64)> = changed
            .iter()
            .map(|shop| (shop.restaurant, shop.digest))
            .collect();
        self.writer = self
            .writer
            .clone()
            .replace(changed, payload(&marks, revision))
            .await?;
        self.indexed.extend(digests);
        self.parts.queue.commit(marks);
        self.since_commit = Some(self.parts.clock.stopwatch());
        Ok(())
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

    fn note_returns(&mut self, shops: &[ShopDocuments]) {
        for shop in shops {
            self.returns
                .extend(shop.returns.iter().map(|at| (*at, shop.restaurant)));
        }
    }
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
