//! All that was sent under one key, and what it was answered (I13).

use chrono::{DateTime, Utc};

use super::super::report::{Invariant, Report};
use super::line::{Line, Scope};

/// What was sent under one key.
#[derive(Debug)]
pub(super) struct Asked {
    /// What the key is a key of, when the history says so.
    pub(super) scope: Option<Scope>,
    /// The answer that later ones are compared with.
    pub(super) answer: Option<Answered>,
    /// When it was sent first.
    pub(super) since: Option<DateTime<Utc>>,
    /// Whether each time that it was sent has a name of its own.
    pub(super) is_traced: bool,
    /// The times that it was sent that wrote events, by name.
    pub(super) wrote: Vec<String>,
}

/// A decided answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    /// HTTP status.
    pub(super) status: u16,
    /// Hash of the body, in hex.
    pub(super) body: Option<String>,
    code: Option<String>,
    fingerprint: Option<String>,
    /// Whether it is certain that it was kept to be repeated. A refusal may also be one of the wire,
    /// which looks alike and keeps nothing.
    pub(super) is_kept: bool,
}

impl Asked {
    /// Nothing yet, under a key.
    pub(super) fn under(scope: Option<Scope>) -> Self {
        Self {
            scope,
            answer: None,
            since: None,
            is_traced: true,
            wrote: Vec::new(),
        }
    }

    /// Takes a line and compares its answer with the one before.
    pub(super) fn take(&mut self, number: u64, line: Line, report: &mut Report) {
        self.is_traced &= line.request_id.is_some();
        self.since = match (self.since, line.at) {
            (Some(before), Some(now)) => Some(before.min(now)),
            (before, now) => before.or(now),
        };
        let Some(status) = line.status.filter(|_| line.replayed || !line.is_open()) else {
            return;
        };
        let now = Answered {
            status,
            is_kept: line.replayed || line.is_success(),
            body: line.body_sha256,
            code: line.code,
            fingerprint: line.fingerprint,
        };
        match &self.answer {
            Some(before) => {
                now.compare(
                    number,
                    before,
                    line.key.as_deref().unwrap_or_default(),
                    report,
                );
                if now.is_kept && !before.is_kept {
                    self.answer = Some(now);
                }
            }
            None => self.answer = Some(now),
        }
    }
}

impl Answered {
    fn compare(&self, number: u64, before: &Self, key: &str, report: &mut Report) {
        let are_both_kept = self.is_kept && before.is_kept;
        let look_alike = self.status == before.status
            && self.code == before.code
            && self.fingerprint == before.fingerprint;
        let one_is_kept = self.is_kept || before.is_kept;
        if are_both_kept || (one_is_kept && look_alike) {
            let is_same = look_alike && self.body == before.body;
            report.expect(Invariant::I13, is_same, || {
                format!("line {number}: key {key} was answered {before} before and {self} now")
            });
        }
    }
}

impl std::fmt::Display for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, body, .. } = self;
        let body = body.as_deref().unwrap_or("unknown");
        write!(f, "{status} with the body {body}")?;
        match &self.fingerprint {
            Some(fingerprint) => write!(f, " to {fingerprint}"),
            None => Ok(()),
        }
    }
}
