//! What the sandbox saw of us: recent requests, and every breach of a vendor's contract.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::Serialize;

/// Requests kept; older ones are dropped, so that a day of orders does not fill the memory.
const REQUESTS_MAX: usize = 5_000;

/// Breaches kept whole; beyond this they are only counted.
const BREACHES_MAX: usize = 1_000;

/// A request and what became of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Seen {
    pub(crate) number: u64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) method: String,
    pub(crate) path: String,
    /// Query and body as sent; client secrets are part of the simulated world and stay in.
    pub(crate) parameters: String,
    pub(crate) idempotency_key: Option<String>,
    /// Status sent, or nothing when a fault kept the answer back.
    pub(crate) status: Option<u16>,
    pub(crate) request_id: Option<String>,
    pub(crate) replayed: bool,
    pub(crate) fault: Option<String>,
    pub(crate) took_us: u64,
}

/// Something we did that the vendor's contract forbids.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Breach {
    pub(crate) at: DateTime<Utc>,
    /// What sort of breach, such as `authentication` or `idempotency_mismatch`.
    pub(crate) class: &'static str,
    pub(crate) detail: String,
    pub(crate) request: String,
}

/// The record; cheap to share.
#[derive(Debug, Default)]
pub(crate) struct Record {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    requests: VecDeque<Seen>,
    requests_seen: u64,
    breaches: Vec<Breach>,
    breaches_by_class: BTreeMap<&'static str, u64>,
}

impl Record {
    /// Takes the next request number, from 1.
    pub(crate) fn next_number(&self) -> u64 {
        let mut kept = self.lock();
        kept.requests_seen += 1;
        kept.requests_seen
    }

    /// Remembers a request.
    pub(crate) fn saw(&self, seen: Seen) {
        let mut kept = self.lock();
        if kept.requests.len() == REQUESTS_MAX {
            kept.requests.pop_front();
        }
        kept.requests.push_back(seen);
    }

    /// Remembers a breach and logs it.
    pub(crate) fn breach(&self, breach: Breach) {
        tracing::warn!(
            breach.class,
            breach.detail,
            breach.request,
            "vendor contract breached"
        );
        let mut kept = self.lock();
        *kept.breaches_by_class.entry(breach.class).or_default() += 1;
        if kept.breaches.len() < BREACHES_MAX {
            kept.breaches.push(breach);
        }
    }

    /// The last `limit` requests whose path starts with `path`, oldest first.
    pub(crate) fn requests(&self, path: &str, limit: usize) -> Vec<Seen> {
        let kept = self.lock();
        let fitting = kept
            .requests
            .iter()
            .rev()
            .filter(|seen| seen.path.starts_with(path));
        let mut found: Vec<Seen> = fitting.take(limit).cloned().collect();
        found.reverse();
        found
    }

    /// How many requests there were, dropped ones included.
    pub(crate) fn requests_seen(&self) -> u64 {
        self.lock().requests_seen
    }

    /// The breaches kept, and the count of all by class.
    pub(crate) fn breaches(&self) -> (Vec<Breach>, BTreeMap<&'static str, u64>) {
        let kept = self.lock();
        (kept.breaches.clone(), kept.breaches_by_class.clone())
    }

    /// Forgets the breaches; for tests that provoke one on purpose.
    pub(crate) fn clear_breaches(&self) {
        let mut kept = self.lock();
        kept.breaches.clear();
        kept.breaches_by_class.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
