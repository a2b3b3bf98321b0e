//! An index made anew from the views in a folder beside the one that is served (ADR 24): by whoever asks for
//! it on the host of the index, while that host's indexer goes on with the one that is served, and takes the
//! new one over at the end.
//!
//! A rebuild that dies leaves a folder that nobody reads; the next one removes it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use infra::clock::{Clock, Stopwatch};
use infra::event_store::{EventLog, LogError, Mark};
use infra::fault;
use infra::search_schema::{CommitPayload, IndexFolder, RebuildLock, Versions};
use sqlx::PgPool;
use uuid::Uuid;

use super::reader::{ShopReader, touched_since};
use super::said::differing;
use super::switch::frontier;
use super::writer::SearchWriter;
use super::{SHOPS_MAX, SearchError, blocking, payload, sources};
use crate::checkpoint::revision_of;
use crate::rebuild::{Compared, Progress, Tell};

/// The views go on while they are compared: so many times it is looked again at what has changed.
const LOOKS_MAX: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);
/// An indexer that runs takes a version over within a step; one that builds anew first takes longer.
const TAKE_OVER_MAX: Duration = Duration::from_mins(1);

/// What an index is rebuilt with.
pub struct IndexRebuildParts {
    /// The index's folder.
    pub directory: PathBuf,
    /// The database of the views, as the projector's role.
    pub pool: PgPool,
    /// Where it is seen what has happened meanwhile.
    pub log: EventLog,
    /// The time.
    pub clock: Clock,
}

/// Says whether an index shows what the views say, and shares nothing with what has made it.
#[async_trait]
pub trait IndexJudge: Send {
    /// Compares the index in `folder`.
    ///
    /// # Errors
    /// When it, or the views, cannot be read. That is no verdict.
    async fn compare(
        &mut self,
        folder: &Path,
    ) -> Result<Compared, Box<dyn std::error::Error + Send + Sync>>;
}

/// What a rebuild, or a way back, has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexSwapped {
    /// Which versions there are now.
    pub versions: Versions,
    /// Documents in the version that is served now.
    pub documents: u64,
    /// Of these, and of those before, how many say something else or are in one version alone.
    pub changed: u64,
    /// Things compared with the views.
    pub compared: u64,
}

/// Why an index was not rebuilt. What is served is what was served.
#[derive(Debug, thiserror::Error)]
pub enum IndexRebuildError {
    /// Another process is at it.
    #[error("the index is being rebuilt by somebody else")]
    Busy,
    /// There is no index here.
    #[error("no index is served here: does a projector run on this host?")]
    NoneServed,
    /// The index or the views have failed.
    #[error("the index could not be made, nothing is swapped")]
    Search(#[from] SearchError),
    /// The store has failed.
    #[error("the store failed, nothing is swapped")]
    Log(#[from] LogError),
    /// The folder has failed.
    #[error("the folder of the index cannot be used, nothing is swapped")]
    Folder(#[from] std::io::Error),
    /// The database has failed.
    #[error("the views' database failed, nothing is swapped")]
    Database(#[from] sqlx::Error),
    /// The judge could not say.
    #[error("the index could not be compared, nothing is swapped")]
    Uncompared(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It does not show what the views say.
    #[error("{} of {} things are not as the views say, nothing is swapped:\n  {}",
        .0.differing, .0.rows, .0.examples.join("\n  "))]
    Differs(Compared),
    /// There is no version to go back to.
    #[error("no other version of the index is kept")]
    NothingKept,
    /// The indexer does not want it.
    #[error("the projector of this host has declined version {0}, its log says why")]
    Declined(u32),
    /// There is no indexer.
    #[error("no projector of this host has taken version {0} over; one that starts will")]
    NotTaken(u32),
}

/// An index being made anew. Holds the lock that keeps a second rebuild of it away.
pub struct IndexRebuild {
    parts: IndexRebuildParts,
    folder: IndexFolder,
    versions: Versions,
    began: Stopwatch,
    _lock: RebuildLock,
}

impl IndexRebuild {
    /// Takes the place of whoever rebuilds this index, and removes what one that died has left.
    ///
    /// # Errors
    /// As [`IndexRebuildError`].
    pub fn begin(parts: IndexRebuildParts) -> Result<Self, IndexRebuildError> {
        let folder = IndexFolder::at(&parts.directory);
        let versions = folder.versions()?.ok_or(IndexRebuildError::NoneServed)?;
        let lock = folder.lock()?.ok_or(IndexRebuildError::Busy)?;
        if folder.wanted()?.is_none() {
            folder.clean()?;
        }
        Ok(Self {
            began: parts.clock.stopwatch(),
            parts,
            folder,
            versions,
            _lock: lock,
        })
    }

    /// Makes the next version, compares it, and has it served.
    ///
    /// # Errors
    /// As [`IndexRebuildError`].
    pub async fn run(
        self,
        judge: &mut dyn IndexJudge,
        tell: Tell<'_>,
    ) -> Result<IndexSwapped, IndexRebuildError> {
        let version = self.versions.next();
        let made = self.folder.of(version);
        let (writer, _) = blocking({
            let made = made.clone();
            move || SearchWriter::open(&made)
        })
        .await?;
        let built = self.build(&writer, tell).await?;
        fault::point("rebuild.half");
        let compared = self.close_in(&writer, built, &made, judge).await?;
        let said = writer.said().await?;
        let served = self.folder.of(self.versions.served);
        let documents = said.len() as u64;
        let changed = blocking(move || differing(&served, &said)).await?;
        // Its lock must be free for the indexer.
        drop(writer);
        fault::point("rebuild.swapping");
        Ok(IndexSwapped {
            versions: self.serve(version).await?,
            documents,
            changed,
            compared,
        })
    }

    /// Has the version served again that was served before.
    ///
    /// # Errors
    /// [`IndexRebuildError::NothingKept`] when there is none; else as [`IndexRebuild::run`].
    pub async fn roll_back(self) -> Result<Versions, IndexRebuildError> {
        let kept = self.versions.kept.ok_or(IndexRebuildError::NothingKept)?;
        self.serve(kept).await
    }

    /// Every document, in one commit.
    async fn build(
        &self,
        writer: &SearchWriter,
        tell: Tell<'_>,
    ) -> Result<CommitPayload, IndexRebuildError> {
        let reader = self.reader();
        // Read before the rows: after a change since then the indexer declines what is made here.
        let revision = revision_of(&self.parts.pool, &sources()).await?;
        let (marks, shops) = reader.begin().await?;
        let count = |shops: usize| i64::try_from(shops).unwrap_or(i64::MAX);
        let mut done = 0;
        for some in shops.chunks(SHOPS_MAX) {
            writer.add(reader.look(some).await?).await?;
            done += some.len();
            tell(&Progress {
                position: count(done),
                head: count(shops.len()),
                events: done as u64,
                elapsed: self.began.elapsed(),
            });
        }
        let payload = payload(&marks, revision);
        writer.commit(payload.clone()).await?;
        Ok(payload)
    }

    /// Brings in what has changed meanwhile, until nothing differs from what the views say.
    async fn close_in(
        &self,
        writer: &SearchWriter,
        built: CommitPayload,
        made: &Path,
        judge: &mut dyn IndexJudge,
    ) -> Result<u64, IndexRebuildError> {
        let mut mark = frontier(&built.checkpoints);
        for look in 1.. {
            fault::point("rebuild.tailing");
            mark = self.follow(writer, mark, built.revision).await?;
            let found = judge.compare(made).await;
            let found = found.map_err(IndexRebuildError::Uncompared)?;
            if found.differing == 0 {
                return Ok(found.rows);
            }
            if look == LOOKS_MAX {
                return Err(IndexRebuildError::Differs(found));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(0)
    }

    /// Writes what has changed since `mark`, and gives where the views stood before.
    async fn follow(
        &self,
        writer: &SearchWriter,
        mark: Mark,
        revision: i64,
    ) -> Result<Mark, IndexRebuildError> {
        let reader = self.reader();
        let payload = payload(&reader.marks().await?, revision);
        let shops = touched_since(&self.parts.log, mark).await?;
        let shops: Vec<Uuid> = shops.into_iter().collect();
        for some in shops.chunks(SHOPS_MAX) {
            let states = reader.look(some).await?;
            writer.replace(states, payload.clone(), true).await?;
        }
        Ok(frontier(&payload.checkpoints))
    }

    fn reader(&self) -> ShopReader {
        ShopReader::new(self.parts.pool.clone(), self.parts.clock.clone())
    }

    /// Asks the indexer of this host to serve a version, and waits until it does.
    async fn serve(&self, version: u32) -> Result<Versions, IndexRebuildError> {
        self.folder.want(version)?;
        let asked = self.parts.clock.stopwatch();
        while asked.elapsed() < TAKE_OVER_MAX {
            // The indexer takes back what is wanted after it has said what is served.
            let is_wanted = self.folder.wanted()?.is_some();
            let versions = self.folder.versions()?;
            match versions.filter(|versions| versions.served == version) {
                Some(versions) => return Ok(versions),
                None if !is_wanted => return Err(IndexRebuildError::Declined(version)),
                None => tokio::time::sleep(PAUSE).await,
            }
        }
        Err(IndexRebuildError::NotTaken(version))
    }
}
