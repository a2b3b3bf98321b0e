//! Work that falls due on the simulated clock. A queue only: `serve` waits and carries it out.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

/// Jobs by the instant at which they are due, in order of arrival within one instant.
#[derive(Debug)]
pub(crate) struct Timers<J> {
    queue: Mutex<Queue<J>>,
    changed: Notify,
}

#[derive(Debug)]
struct Queue<J> {
    jobs: BTreeMap<(DateTime<Utc>, u64), J>,
    added: u64,
}

impl<J> Timers<J> {
    pub(crate) fn new() -> Self {
        let queue = Queue {
            jobs: BTreeMap::new(),
            added: 0,
        };
        Self {
            queue: Mutex::new(queue),
            changed: Notify::new(),
        }
    }

    /// Puts `job` in line for `due`.
    pub(crate) fn add(&self, due: DateTime<Utc>, job: J) {
        let mut queue = self.lock();
        queue.added += 1;
        let number = queue.added;
        queue.jobs.insert((due, number), job);
        drop(queue);
        self.changed.notify_one();
    }

    /// Takes the first job that is due at `now`, with the instant it was due at.
    pub(crate) fn take_due(&self, now: DateTime<Utc>) -> Option<(DateTime<Utc>, J)> {
        let mut queue = self.lock();
        let first = queue.jobs.first_entry()?;
        let due = first.key().0;
        (due <= now).then(|| (due, first.remove()))
    }

    /// When the next job is due.
    pub(crate) fn next_due(&self) -> Option<DateTime<Utc>> {
        self.lock().jobs.first_key_value().map(|(key, _)| key.0)
    }

    /// How many jobs wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().jobs.len()
    }

    /// Resolves when a job was added or the clock was moved.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Says that the clock was moved.
    pub(crate) fn clock_moved(&self) {
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Queue<J>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_come_out_by_time_and_then_by_arrival() {
        let timers = Timers::new();
        let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("a valid instant");
        timers.add(at(20), "late");
        timers.add(at(10), "first");
        timers.add(at(10), "second");
        let taken: Vec<_> = std::iter::from_fn(|| timers.take_due(at(15)))
            .map(|(_, job)| job)
            .collect();
        assert_eq!(taken, ["first", "second"]);
        assert_eq!(timers.next_due(), Some(at(20)));
    }
}
