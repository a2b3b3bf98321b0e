//! What a call gives: a JSON answer with its version, or the reason why there is none.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// A successful answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The JSON body; null when there was none.
    pub(crate) body: Value,
    /// The `ETag`, quotes included, for a later `If-Match`.
    pub(crate) version: Option<String>,
    /// Real time from sending to the last byte, repeats included.
    pub(crate) took: Duration,
}

impl Answer {
    /// The text at a JSON pointer.
    ///
    /// # Errors
    /// [`CallError::Unexpected`] when there is none.
    pub(crate) fn text(&self, pointer: &str) -> Result<&str, CallError> {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .ok_or_else(|| lacks(pointer))
    }

    /// The integer at a JSON pointer.
    ///
    /// # Errors
    /// [`CallError::Unexpected`] when there is none.
    pub(crate) fn integer(&self, pointer: &str) -> Result<i64, CallError> {
        self.body
            .pointer(pointer)
            .and_then(Value::as_i64)
            .ok_or_else(|| lacks(pointer))
    }

    /// The list at a JSON pointer; empty when there is none.
    pub(crate) fn list(&self, pointer: &str) -> &[Value] {
        self.body
            .pointer(pointer)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }
}

fn lacks(pointer: &str) -> CallError {
    CallError::Unexpected(format!("the answer lacks {pointer}"))
}

/// RFC 9457 problem details, as far as we read them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    /// HTTP status.
    pub(crate) status: u16,
    /// Stable code, such as `quote_changed`.
    pub(crate) code: String,
    /// A sentence.
    pub(crate) detail: String,
    /// Each fault with its place.
    pub(crate) errors: Vec<ProblemFault>,
    /// The quote that holds now, with `quote_changed`.
    pub(crate) quote: Value,
    /// The whole document as it came.
    #[serde(skip)]
    pub(crate) document: Value,
}

/// One fault of a refused request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ProblemFault {
    /// Stable code.
    pub(crate) code: String,
    /// JSON pointer into the request.
    pub(crate) pointer: String,
    /// A sentence.
    pub(crate) detail: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.status, self.code)?;
        if !self.detail.is_empty() {
            write!(out, ": {}", self.detail)?;
        }
        for fault in &self.errors {
            write!(out, "; {} {} {}", fault.pointer, fault.code, fault.detail)?;
        }
        Ok(())
    }
}

/// Why a call gave no answer.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The API said no.
    Refused {
        /// Method and path.
        call: String,
        /// What it said.
        problem: Box<Problem>,
    },
    /// Nobody could be reached, or the connection broke, also after repeating.
    Unreachable {
        /// Method and path.
        call: String,
        /// What the connection said.
        source: reqwest::Error,
    },
    /// The answer is not what the API promises.
    Unexpected(String),
}

impl CallError {
    /// The HTTP status, when the API refused.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { problem, .. } => Some(problem.status),
            Self::Unreachable { .. } | Self::Unexpected(_) => None,
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { call, problem } => write!(out, "{call} was refused: {problem}"),
            Self::Unreachable { call, .. } => write!(out, "{call} could not be sent"),
            Self::Unexpected(what) => out.write_str(what),
        }
    }
}

impl std::error::Error for CallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreachable { source, .. } => Some(source),
            Self::Refused { .. } | Self::Unexpected(_) => None,
        }
    }
}
