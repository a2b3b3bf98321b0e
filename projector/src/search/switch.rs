//! Another version of the index taken over: one that a rebuild has made, or the one that was served before.
//! It is brought to what the views say now, and then served in the place of the other, which is kept.
//! Searches go on all the while; a crash leaves one of the two served.

use infra::applied::Applied;
use infra::event_store::Mark;
use infra::feed::Origin;
use infra::lifecycle::Progress;
use infra::search_schema::{CommitPayload, PartitionMark};
use uuid::Uuid;

use super::queue::Work;
use super::reader::{ShopReader, touched_since};
use super::rows::Marks;
use super::writer::SearchWriter;
use super::{SHOPS_MAX, SearchError, SearchIndexer, blocking, payload};

impl SearchIndexer {
    /// Takes over the version that somebody wants to be served, if there is one.
    ///
    /// # Errors
    /// When views, log or index cannot be read or written; the version is wanted still.
    pub(super) async fn take_over_wanted(&mut self) -> Result<Option<Progress>, SearchError> {
        let Some(version) = self.folder.wanted()? else {
            return Ok(None);
        };
        if version == self.versions.served {
            // It was taken over, and only that was not told any more.
            self.folder.forget_wanted()?;
            return Ok(None);
        }
        let directory = self.folder.of(version);
        let opened = match blocking(move || SearchWriter::open_as_it_is(&directory)).await {
            Ok(opened) if self.is_current(&opened.1) => opened,
            Ok(_) => {
                return self.decline(
                    version,
                    "the views behind it were changed since it was made",
                );
            }
            Err(error) => return self.decline(version, &error.to_string()),
        };
        let work = self.parts.queue.take();
        let outcome = self.take_over(version, opened, &work).await;
        if outcome.is_err() {
            self.parts.queue.put_back(work);
        }
        outcome.map(Some)
    }

    /// Rows behind it were changed by nothing but the feed since it was made. Of a later change it may know
    /// before we have looked.
    fn is_current(&self, payload: &CommitPayload) -> bool {
        payload.revision >= self.parts.queue.revision()
    }

    fn decline(&self, version: u32, why: &str) -> Result<Option<Progress>, SearchError> {
        tracing::warn!(
            version,
            why,
            "version {version} of the search index is not taken over: {why}"
        );
        self.folder.forget_wanted()?;
        Ok(Some(Progress::Did(0)))
    }

    async fn take_over(
        &mut self,
        version: u32,
        (writer, was): (SearchWriter, CommitPayload),
        work: &Work,
    ) -> Result<Progress, SearchError> {
        let mut shops = touched_since(&self.parts.log, frontier(&was.checkpoints)).await?;
        shops.extend(&work.shops);
        let shops: Vec<Uuid> = shops.into_iter().collect();
        // Of some shops the queue may know more than it gave: then it covers what it covered.
        let marks = work
            .marks
            .clone()
            .unwrap_or_else(|| marks_of(&was.checkpoints));
        let payload = payload(&marks, was.revision);
        let reader = ShopReader::new(self.reader.pool.clone(), self.reader.clock.clone());
        for some in shops.chunks(SHOPS_MAX) {
            let states = reader.look(some).await?;
            self.note_returns(&states);
            writer.replace(states, payload.clone(), true).await?;
        }
        writer.replace(Vec::new(), payload, true).await?;
        let versions = self.versions.moved_to(version);
        self.folder.serve(versions)?;
        self.folder.forget_wanted()?;
        self.versions = versions;
        self.writer = writer;
        self.reader = reader;
        self.parts.queue.commit_as(marks, was.revision);
        tracing::info!(version, "version {version} of the search index is served");
        self.announce(Applied::Unknown).await?;
        self.tell(&work.covered).await?;
        Ok(Progress::Did(shops.len().max(1)))
    }
}

/// Everything up to here is in an index with these marks, whatever its events came by.
pub(super) fn frontier(checkpoints: &[PartitionMark]) -> Mark {
    let of_store = checkpoints.iter().find(|mark| mark.topic == Origin::STORE);
    of_store.map(|found| found.mark).unwrap_or_default()
}

/// What a payload covers.
pub(super) fn marks_of(checkpoints: &[PartitionMark]) -> Marks {
    let marks = checkpoints.iter().map(|found| {
        let origin = Origin {
            topic: found.topic.clone(),
            partition: found.partition,
        };
        (origin, found.mark)
    });
    marks.collect()
}
