//! Everything that talks to a vendor: a folder for each capability, in it one for each vendor.
//!
//! A gateway answers with one of four outcomes and nothing else; what the runner of effects does with
//! each is in [`Outcome`]. How often, how long and how many at once is decided by `policy`, the same
//! for all of them. Nothing here decides business questions or opens a transaction.
//!
//! To add a vendor: a folder beside `stripe`, a variant in its capability's `Vendor`, its rows in
//! [`policy::POLICIES`], a simulator in `sandbox`. To add a capability: a folder with a trait and a
//! `Vendor`, and an effect in `domain::processes`.

mod breaker;
mod budget;
pub mod payment;
pub mod policy;

use std::borrow::Cow;
use std::time::Duration;

/// What came of a call to a vendor.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<T> {
    /// It happened; the runner records it.
    Done(T),
    /// The vendor refused, and would again: the runner compensates or tells the user.
    Rejected(Refusal),
    /// Refused before anything ran. The runner repeats it with the same key, not before `after`.
    NotDone {
        /// How long to wait.
        after: Duration,
        /// Why, for the log.
        why: Cow<'static, str>,
    },
    /// Sent, and nobody knows what came of it. The runner repeats it with the *same* key.
    Unknown {
        /// What went wrong, for the log.
        why: Cow<'static, str>,
    },
}

/// Why a vendor will not do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The vendor's word, or ours where it has none; never a sentence.
    pub code: String,
    /// Whether somebody of ours must look: credentials, a key used twice for different things.
    pub alarm: bool,
}

impl Refusal {
    /// A refusal that is part of business.
    pub fn new(code: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            alarm: false,
        }
    }

    /// A refusal that should never happen.
    pub fn alarming(code: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            alarm: true,
        }
    }
}

impl<T> Outcome<T> {
    /// Turns what was done into something else.
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> Outcome<U> {
        self.done()
            .map_or_else(|undone| undone, |value| Outcome::Done(with(value)))
    }

    /// What was done, or whichever other outcome it was.
    ///
    /// # Errors
    /// The outcome, when it is not `Done`.
    pub fn done<U>(self) -> Result<T, Outcome<U>> {
        match self {
            Self::Done(value) => Ok(value),
            Self::Rejected(refusal) => Err(Outcome::Rejected(refusal)),
            Self::NotDone { after, why } => Err(Outcome::NotDone { after, why }),
            Self::Unknown { why } => Err(Outcome::Unknown { why }),
        }
    }

    /// The same, unless it is a refusal: then it is `refusal`, of which this was only the echo.
    #[must_use]
    pub fn or_refused(self, refusal: Refusal) -> Self {
        match self {
            Self::Rejected(_) => Self::Rejected(refusal),
            Self::Done(_) | Self::NotDone { .. } | Self::Unknown { .. } => self,
        }
    }

    /// The name of the outcome, for metrics and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Rejected(_) => "rejected",
            Self::NotDone { .. } => "not_done",
            Self::Unknown { .. } => "unknown",
        }
    }
}
