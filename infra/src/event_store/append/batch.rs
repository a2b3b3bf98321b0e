//! The commands of one statement: no two of them may touch what one of them writes.

use std::collections::HashSet;

use super::queue::Job;
use crate::event_store::StreamId;

/// Events in one statement: the knee of the measured curve (performance §4, "share commits").
pub(super) const BATCH_EVENTS_MAX: usize = 128;

/// A batch that is being gathered.
#[derive(Default)]
pub(super) struct Batch {
    jobs: Vec<Job>,
    written: HashSet<StreamId>,
    events: usize,
}

impl Batch {
    /// Whether `job` read or writes a stream that the batch writes.
    pub(super) fn collides(&self, job: &Job) -> bool {
        let mut streams = job.append.streams.iter();
        streams.any(|part| self.written.contains(&part.stream))
    }

    pub(super) fn add(&mut self, job: Job) {
        for part in &job.append.streams {
            if !part.events.is_empty() {
                self.written.insert(part.stream);
                self.events += part.events.len();
            }
        }
        self.jobs.push(job);
    }

    pub(super) fn is_full(&self) -> bool {
        self.events >= BATCH_EVENTS_MAX
    }

    pub(super) fn into_jobs(self) -> Vec<Job> {
        self.jobs
    }
}
