//! Which shops must be indexed again: handed from the projector, which sees the events, to the indexer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use infra::event_store::{Mark, StreamId};
use infra::feed::{Checkpoints, FeedRecord, Origin};
use infra::lifecycle::Doorbell;
use uuid::Uuid;

use super::{SHOPS_MAX, is_indexed};
use crate::consumer::Reached;

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

    pub(super) fn mark_shops(&self, shops: impl IntoIterator<Item = Uuid>) {
        self.lock().shops.extend(shops);
        self.doorbell.ring();
    }

    pub(super) fn take(&self) -> Work {
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

    pub(super) fn put_back(&self, work: Work) {
        let mut waiting = self.lock();
        waiting.shops.extend(work.shops);
        for (stream, sequence) in work.covered {
            let covered = waiting.covered.entry(stream).or_default();
            *covered = (*covered).max(sequence);
        }
    }

    pub(super) fn commit(&self, marks: BTreeMap<Origin, Mark>) {
        self.lock().committed = Some(marks);
    }

    /// The same for another index, made when rows had been changed apart from the feed so often.
    pub(super) fn commit_as(&self, marks: BTreeMap<Origin, Mark>, revision: i64) {
        let mut waiting = self.lock();
        waiting.committed = Some(marks);
        waiting.revision = revision;
    }

    pub(super) fn begin(&self, committed: Option<BTreeMap<Origin, Mark>>, revision: i64) {
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

    pub(super) fn revision(&self) -> i64 {
        self.lock().revision
    }

    pub(super) fn is_without_index(&self) -> bool {
        self.lock().committed.is_none()
    }

    /// What the last commit covers; nothing while there is no index.
    pub(super) fn committed(&self) -> BTreeMap<Origin, Mark> {
        self.lock().committed.clone().unwrap_or_default()
    }

    /// How far the index lags behind what was handed to it, in positions.
    pub(super) fn payload_lag(&self) -> i64 {
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

/// What waited when it was asked for.
pub(super) struct Work {
    pub(super) shops: BTreeSet<Uuid>,
    pub(super) covered: BTreeMap<StreamId, i64>,
    /// None when shops are left for the next commit.
    pub(super) marks: Option<BTreeMap<Origin, Mark>>,
}
