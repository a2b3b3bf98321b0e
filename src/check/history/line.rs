//! One line of the history: a request as it was sent once, and what came back.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::super::records::{UNDECIDED, versions_in};
use super::super::store::StreamVersion;

/// Codes of refusals that decide nothing, whatever their status.
const UNDECIDED_CODES: &[&str] = &[
    "conflict",
    "in_flight",
    "invalid_request",
    "idempotency_key_reused",
];

/// One line.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Line {
    pub(super) status: Option<u16>,
    pub(super) code: Option<String>,
    pub(super) replayed: bool,
    pub(super) token: Option<String>,
    pub(super) streams: Vec<Named>,
    pub(super) order_id: Option<String>,
    pub(super) body_sha256: Option<String>,
    pub(super) key: Option<String>,
    pub(super) fingerprint: Option<String>,
    pub(super) principal: Option<Uuid>,
    pub(super) method: Option<String>,
    pub(super) route: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) at: Option<DateTime<Utc>>,
}

/// A version that an answer names.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    kind: String,
    id: String,
    sequence: i64,
}

impl Line {
    /// What the answer says is stored; none when its token is unreadable.
    pub(super) fn promised(&self) -> Option<Vec<StreamVersion>> {
        if !self.is_success() {
            return Some(Vec::new());
        }
        let token = self.token.as_deref();
        let mut versions = token.map_or(Some(Vec::new()), versions_in)?;
        versions.extend(self.streams.iter().map(|named| StreamVersion {
            kind: named.kind.clone(),
            id: named.id.clone(),
            sequence: named.sequence,
        }));
        versions.extend(self.order_id.iter().map(|order| StreamVersion {
            kind: "ordering.order".to_owned(),
            id: order.clone(),
            sequence: 1,
        }));
        Some(versions)
    }

    /// Whether it was done.
    pub(super) fn is_success(&self) -> bool {
        self.status
            .is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether nothing was decided by the answer, so that the next one to the same key may differ.
    pub(super) fn is_open(&self) -> bool {
        let code = self.code.as_deref().unwrap_or_default();
        let status = self.status.and_then(|status| i16::try_from(status).ok());
        status.is_none_or(|status| status >= 500 || UNDECIDED.contains(&status))
            || UNDECIDED_CODES.contains(&code)
    }

    /// What the key is a key of, when the line says so.
    pub(super) fn scope(&self) -> Option<Scope> {
        Some(Scope {
            principal: self.principal?,
            method: self.method.clone()?,
            route: self.route.clone()?,
            key: self.key.clone()?,
        })
    }
}

/// A key and what it is a key of (reliability §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    principal: Uuid,
    method: String,
    route: String,
    key: String,
}

impl Scope {
    /// The key of the command's record: SHA-256 over principal, method, route and key, each behind its
    /// length in 8 bytes.
    pub(super) fn record_key(&self) -> Vec<u8> {
        let parts: [&[u8]; 4] = [
            self.principal.as_bytes(),
            self.method.as_bytes(),
            self.route.as_bytes(),
            self.key.as_bytes(),
        ];
        let mut hash = Context::new(&SHA256);
        for part in parts {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            hash.update(&length.to_be_bytes());
            hash.update(part);
        }
        hash.finish().as_ref().to_vec()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            principal,
            method,
            route,
            key,
        } = self;
        write!(f, "{method} {route} by {principal} under key {key}")
    }
}
