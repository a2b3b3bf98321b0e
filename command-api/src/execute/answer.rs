//! What a piece of work answers, what its request hears, and how that is kept under a key.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use infra::event_store::{CommandRecord, StreamId};
use serde_json::Value;

use super::unit::Unit;

/// Where a request's answer is kept, when it carries an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// SHA-256 over principal, method, route and key.
    pub hash: [u8; 32],
    /// SHA-256 over path parameters and body in sorted-key form.
    pub fingerprint: [u8; 32],
}

/// What a piece of work answers when it is committed.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// JSON body; `Null` is an empty one.
    pub body: Value,
    /// The stream whose new version is the `ETag`.
    pub etag: Option<StreamId>,
    /// Other headers, such as `Location`.
    pub headers: Vec<(String, String)>,
}

impl Reply {
    /// 200 with `body`.
    pub fn ok(body: Value) -> Self {
        Self {
            status: 200,
            body,
            ..Self::default()
        }
    }

    /// 201 with `body`, at `location`.
    pub fn created(body: Value, location: String) -> Self {
        let headers = vec![("location".to_owned(), location)];
        Self {
            status: 201,
            body,
            headers,
            ..Self::default()
        }
    }

    /// 204.
    pub fn done() -> Self {
        Self {
            status: 204,
            ..Self::default()
        }
    }

    /// The same with the version of `stream` as `ETag`.
    #[must_use]
    pub fn tagged(self, stream: StreamId) -> Self {
        Self {
            etag: Some(stream),
            ..self
        }
    }
}

/// What a request hears, now or again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers that belong to the stored answer.
    pub headers: BTreeMap<String, String>,
    /// Body, byte for byte.
    pub body: String,
    /// Whether it was decided by an earlier request.
    pub replayed: bool,
}

impl Answer {
    /// The answer that `reply` is once `unit` is committed.
    pub(super) fn of(unit: &Unit<'_>, reply: Reply) -> Self {
        let mut headers: BTreeMap<String, String> = reply.headers.into_iter().collect();
        if let Some(stream) = reply.etag {
            let version = unit.version_after(stream);
            headers.insert("etag".to_owned(), format!("\"{version}\""));
        }
        let written = unit.written();
        if !written.is_empty() {
            let token = infra::http::consistency::encode(&written);
            headers.insert("x-consistency-token".to_owned(), token);
        }
        let body = if reply.body.is_null() {
            String::new()
        } else {
            headers.insert("content-type".to_owned(), "application/json".to_owned());
            reply.body.to_string()
        };
        Self {
            status: reply.status,
            headers,
            body,
            replayed: false,
        }
    }

    /// An answer that was kept.
    pub(super) fn again(record: CommandRecord) -> Self {
        Self {
            status: record.status,
            headers: serde_json::from_str(&record.headers).unwrap_or_default(),
            body: record.body,
            replayed: true,
        }
    }

    /// What is kept of it under `key`.
    pub(super) fn record(&self, key: &Key, created_at: DateTime<Utc>) -> CommandRecord {
        CommandRecord {
            key_hash: key.hash,
            fingerprint: key.fingerprint,
            status: self.status,
            headers: serde_json::to_string(&self.headers).unwrap_or_else(|_| "{}".to_owned()),
            body: self.body.clone(),
            created_at,
        }
    }
}
