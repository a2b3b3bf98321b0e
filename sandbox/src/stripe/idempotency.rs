//! Idempotency keys as Stripe keeps them (Stripe's API reference, "Idempotent requests"): the first
//! call's status and body, 500 included, for 24 hours; other parameters are refused, and so is a
//! second call while the first is running.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::error::ApiError;

/// How long a key is kept, in hours: Stripe may remove it after this time.
const KEPT_HOURS: i64 = 24;

/// Longest key, in characters.
pub(crate) const KEY_MAX: usize = 255;

/// An answer kept for a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: String,
    pub(crate) request_id: String,
}

/// A kept key, as the journal holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) key: String,
    pub(crate) path: String,
    pub(crate) fingerprint: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) answer: Stored,
}

/// The keys in use or kept.
#[derive(Debug, Default)]
pub(crate) struct Keys(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<String, Entry>,
    oldest: VecDeque<(DateTime<Utc>, String)>,
}

#[derive(Debug)]
struct Entry {
    path: String,
    fingerprint: String,
    answer: Option<Stored>,
}

impl Keys {
    /// Claims `key` for a call, or returns the answer kept for it.
    ///
    /// # Errors
    /// `idempotency_error` for other parameters or another address, `idempotency_key_in_use`
    /// while the first call is running.
    pub(crate) fn begin(
        &self,
        key: &str,
        path: &str,
        fingerprint: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Stored>, ApiError> {
        let mut inner = self.lock();
        inner.forget_old(now);
        let Some(entry) = inner.entries.get(key) else {
            let (path, fingerprint) = (path.to_owned(), fingerprint.to_owned());
            inner.entries.insert(
                key.to_owned(),
                Entry {
                    path,
                    fingerprint,
                    answer: None,
                },
            );
            return Ok(None);
        };
        if entry.path != path {
            return Err(ApiError::key_reused(format!(
                "Keys for idempotent requests can only be used for the same endpoint they were \
                 first used for ('{path}' vs '{}'). Try using a key other than '{key}' if you \
                 meant to execute a different request.",
                entry.path
            )));
        }
        if entry.fingerprint != fingerprint {
            return Err(ApiError::key_reused(format!(
                "Keys for idempotent requests can only be used with the same parameters they were \
                 first used with. Try using a key other than '{key}' if you meant to execute a \
                 different request."
            )));
        }
        entry
            .answer
            .clone()
            .map_or_else(|| Err(ApiError::key_in_use(key)), |kept| Ok(Some(kept)))
    }

    /// Keeps the answer of a call that was begun; returns the record for the journal.
    pub(crate) fn keep(&self, key: &str, answer: Stored, now: DateTime<Utc>) -> Option<Kept> {
        let mut inner = self.lock();
        let entry = inner.entries.get_mut(key)?;
        entry.answer = Some(answer.clone());
        let (path, fingerprint) = (entry.path.clone(), entry.fingerprint.clone());
        inner.oldest.push_back((now, key.to_owned()));
        Some(Kept {
            key: key.to_owned(),
            path,
            fingerprint,
            at: now,
            answer,
        })
    }

    /// Frees the key of a call that was refused before it began.
    pub(crate) fn free(&self, key: &str) {
        self.lock().entries.remove(key);
    }

    /// Puts back a key from the journal.
    pub(crate) fn restore(&self, kept: Kept) {
        let Kept {
            key,
            path,
            fingerprint,
            at,
            answer,
        } = kept;
        let mut inner = self.lock();
        inner.entries.insert(
            key.clone(),
            Entry {
                path,
                fingerprint,
                answer: Some(answer),
            },
        );
        inner.oldest.push_back((at, key));
    }

    /// The keys with their answers that are not too old at `now`, oldest first.
    pub(crate) fn kept(&self, now: DateTime<Utc>) -> Vec<Kept> {
        let mut inner = self.lock();
        inner.forget_old(now);
        let with_answer = |(at, key): &(DateTime<Utc>, String)| {
            let Entry {
                path,
                fingerprint,
                answer,
            } = inner.entries.get(key)?;
            let (path, fingerprint) = (path.clone(), fingerprint.clone());
            Some(Kept {
                key: key.clone(),
                path,
                fingerprint,
                at: *at,
                answer: answer.clone()?,
            })
        };
        inner.oldest.iter().filter_map(with_answer).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn forget_old(&mut self, now: DateTime<Utc>) {
        while self
            .oldest
            .front()
            .is_some_and(|(at, _)| now - at >= TimeDelta::hours(KEPT_HOURS))
        {
            if let Some((_, key)) = self.oldest.pop_front() {
                self.entries.remove(&key);
            }
        }
    }
}
