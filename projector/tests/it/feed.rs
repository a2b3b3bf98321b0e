//! A feed over a list, and records made of events.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::aggregates::AnyEvent;
use infra::event_store::{ChainHash, Mark};
use infra::feed::{Checkpoints, Feed, FeedError, FeedRecord, Origin};
use uuid::Uuid;

/// Batches that the test puts in and the projector takes out.
#[derive(Clone, Default)]
pub(crate) struct ListFeed {
    inner: Arc<Mutex<List>>,
}

#[derive(Default)]
struct List {
    batches: VecDeque<Vec<FeedRecord>>,
    frontier: Mark,
    started: Vec<Checkpoints>,
}

impl ListFeed {
    /// The next batch, handed out whole.
    pub(crate) fn put(&self, batch: Vec<FeedRecord>) {
        self.inner.lock().unwrap().batches.push_back(batch);
    }

    /// Where a projector asked to begin, each time it did.
    pub(crate) fn started(&self) -> Vec<Checkpoints> {
        self.inner.lock().unwrap().started.clone()
    }
}

#[async_trait]
impl Feed for ListFeed {
    async fn start(&mut self, from: Checkpoints) -> Result<(), FeedError> {
        self.inner.lock().unwrap().started.push(from);
        Ok(())
    }

    async fn poll(&mut self, _max: usize) -> Result<Vec<FeedRecord>, FeedError> {
        let mut list = self.inner.lock().unwrap();
        let batch = list.batches.pop_front().unwrap_or_default();
        let reached = batch.iter().map(FeedRecord::mark).max().unwrap_or_default();
        list.frontier = list.frontier.max(reached);
        Ok(batch)
    }

    fn frontier(&self) -> Mark {
        self.inner.lock().unwrap().frontier
    }

    async fn wait(&mut self) {}
}

/// When everything in these tests happens: late in a day, with microseconds.
pub(crate) fn at(position: i64) -> DateTime<Utc> {
    let base: DateTime<Utc> = "2026-11-22T12:00:00.000001Z".parse().unwrap();
    base + chrono::TimeDelta::seconds(position)
}

/// The chain's hash at a position, in these tests.
pub(crate) fn hash(position: i64) -> ChainHash {
    let mut bytes = vec![0; 32];
    bytes[24..].copy_from_slice(&position.to_be_bytes());
    ChainHash::try_from(bytes).unwrap()
}

/// The record of an event as the store feed would give it.
pub(crate) fn record(event: &AnyEvent, stream: Uuid, sequence: i64, position: i64) -> FeedRecord {
    FeedRecord {
        kind: event.kind(),
        stream,
        sequence,
        position,
        hash: hash(position),
        event_id: Uuid::from_u128(u128::try_from(position).unwrap()),
        event_type: event.name().to_owned(),
        event_version: event.version().to_owned(),
        payload: event.to_json().unwrap(),
        metadata: "{}".to_owned(),
        recorded_at: at(position),
        origin: Origin::store(),
    }
}
