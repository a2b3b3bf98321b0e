//! The feed straight from `es.event_log`: one origin, every kind, in order of position.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::{Checkpoints, Feed, FeedError, FeedRecord, Origin};
use crate::event_store::{EventLog, Mark};
use crate::lifecycle::Doorbell;

/// How often a follower in another process than the sequencer looks, when busy and when idle.
const POLL_MIN: Duration = Duration::from_millis(5);
const POLL_MAX: Duration = Duration::from_millis(250);

/// The last position that this process's sequencer has given; followers wake on it.
#[derive(Clone, Debug)]
pub struct HeadWatch {
    sender: Arc<watch::Sender<i64>>,
    bells: Arc<Mutex<Vec<Doorbell>>>,
}

impl Default for HeadWatch {
    fn default() -> Self {
        Self {
            sender: Arc::new(watch::Sender::new(0)),
            bells: Arc::default(),
        }
    }
}

impl HeadWatch {
    /// Says that the log reaches `position`.
    pub fn advance(&self, position: i64) {
        let moved = self.sender.send_if_modified(|head| {
            let moved = position > *head;
            *head = position.max(*head);
            moved
        });
        if moved {
            self.bells
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .iter()
                .for_each(Doorbell::ring);
        }
    }

    /// Rings `bell` at every later advance: for loops that follow the log.
    pub fn rings(&self, bell: Doorbell) {
        self.bells
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(bell);
    }

    /// The last position said, 0 before the first.
    pub fn position(&self) -> i64 {
        *self.sender.borrow()
    }

    /// A receiver that sees every later [`HeadWatch::advance`].
    pub fn subscribe(&self) -> watch::Receiver<i64> {
        self.sender.subscribe()
    }
}

/// Reads the log itself.
pub struct StoreFeed {
    log: EventLog,
    head: watch::Receiver<i64>,
    mark: Mark,
    idle: Duration,
}

impl StoreFeed {
    /// A feed over `log` that wakes on `head` when the sequencer runs in this process.
    pub fn new(log: EventLog, head: &HeadWatch) -> Self {
        Self {
            log,
            head: head.subscribe(),
            mark: Mark::default(),
            idle: POLL_MIN,
        }
    }
}

#[async_trait]
impl Feed for StoreFeed {
    async fn start(&mut self, from: Checkpoints) -> Result<(), FeedError> {
        self.log.verify(from.values().copied()).await?;
        self.mark = from.get(&Origin::store()).copied().unwrap_or_default();
        Ok(())
    }

    async fn poll(&mut self, max: usize) -> Result<Vec<FeedRecord>, FeedError> {
        self.head.mark_unchanged();
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let rows = self.log.after(self.mark, max).await?;
        if let Some(last) = rows.last() {
            self.mark = last.mark();
            self.idle = POLL_MIN;
        }
        Ok(rows
            .into_iter()
            .map(|row| FeedRecord::from_row(row, Origin::store()))
            .collect())
    }

    fn frontier(&self) -> Mark {
        self.mark
    }

    async fn wait(&mut self) {
        if *self.head.borrow() > self.mark.position {
            return;
        }
        tokio::select! {
            changed = self.head.changed() => if changed.is_err() {
                tokio::time::sleep(self.idle).await;
            },
            () = tokio::time::sleep(self.idle) => {}
        }
        self.idle = (self.idle * 2).min(POLL_MAX);
    }
}
