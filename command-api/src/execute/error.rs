//! Why a command came to no commit: the business says no, or something is out of order.

use domain::decider::{Class, Fault, Rejection};
use infra::event_store::{AppendError, StoreError};
use serde_json::Value;

use super::ATTEMPTS_MAX;

/// The business says no.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Decides the HTTP status.
    pub class: Class,
    /// Stable code.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
    /// Every fault, with its place in the request.
    pub faults: Vec<Fault>,
    /// Further members of the problem, such as the quote that is true now.
    pub extra: serde_json::Map<String, Value>,
}

impl Refusal {
    /// The same with one more member in the problem.
    #[must_use]
    pub fn with(mut self, member: &str, value: Value) -> Self {
        self.extra.insert(member.to_owned(), value);
        self
    }
}

impl<R: Rejection> From<&R> for Refusal {
    fn from(rejection: &R) -> Self {
        Self {
            class: rejection.class(),
            code: rejection.code().to_owned(),
            detail: rejection.to_string(),
            faults: rejection.faults(),
            extra: serde_json::Map::new(),
        }
    }
}

/// Why a command came to no commit.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The business says no. Stored under the key, so that a repeat hears the same.
    #[error("refused: {}", .0.code)]
    Refused(Box<Refusal>),
    /// The thing does not exist, or not for this caller. Nothing is decided, so nothing is stored,
    /// and an answer from when the caller still had access is not repeated.
    #[error("there is nothing here for this caller")]
    NotTheirs,
    /// `If-Match` names another version than there is.
    #[error("the resource is at version {current}")]
    Moved {
        /// The version there is.
        current: i64,
    },
    /// The streams kept moving for all attempts.
    #[error("other changes came first, {ATTEMPTS_MAX} times")]
    Conflict,
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The append was not stored, or nobody knows.
    #[error(transparent)]
    Append(AppendError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something else that the work needs is out of order; worth another try.
    #[error("{0}")]
    Unavailable(String),
}

impl ExecuteError {
    /// Whether it is our own fault.
    pub(super) const fn is_ours(&self) -> bool {
        matches!(
            self,
            Self::Append(_) | Self::Store(_) | Self::Unavailable(_)
        )
    }

    /// In traces and metrics.
    pub(super) const fn outcome(&self) -> &'static str {
        match self {
            Self::Refused(_) | Self::KeyReused => "refused",
            Self::NotTheirs => "not_theirs",
            Self::Moved { .. } | Self::Conflict => "conflict",
            Self::Append(_) | Self::Store(_) | Self::Unavailable(_) => "unavailable",
        }
    }
}

impl From<Refusal> for ExecuteError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}
