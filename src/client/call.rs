//! One call as it is sent, and what is heard of it: the bytes, and what they mean for the caller.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use reqwest::header::{ETAG, HeaderMap, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::answer::{Answer, CallError, Problem};

/// Names the versions that a write has written, and those that a read is to show.
pub(super) const CONSISTENCY: &str = "X-Consistency-Token";
/// Says that an answer was given before.
const REPLAYED: &str = "Idempotency-Replayed";

/// One call, ready to be sent several times.
#[derive(Debug)]
pub(super) struct Call<'call> {
    /// What its latency is counted under.
    pub(super) name: &'static str,
    /// HTTP method.
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: &'call str,
    /// JSON body.
    pub(super) body: Option<&'call Value>,
    /// For `If-Match`.
    pub(super) version: Option<&'call str>,
    /// Fixed for all times that it is sent, so that a repeat is not a second write.
    pub(super) key: Option<String>,
    /// First part of the request ids; none for reads, which nobody takes down.
    pub(super) id: Option<String>,
    /// How often it was sent.
    pub(super) sent: AtomicU32,
}

/// What came back to one of several requests with the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repeat {
    /// HTTP status.
    pub(crate) status: u16,
    /// Whether it was told that another one is under way.
    pub(crate) is_in_flight: bool,
    /// The body, as it came.
    pub(crate) body: Vec<u8>,
}

impl Call<'_> {
    /// The request id of the next time that it is sent.
    pub(super) fn next_id(&self) -> Option<String> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        self.id.as_ref().map(|id| format!("{id}.{number}"))
    }

    /// Method and path.
    pub(super) fn label(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Hex, equal for calls that ask for the same.
    pub(super) fn fingerprint(&self) -> String {
        let body = self.body.map(Value::to_string).unwrap_or_default();
        sha256(format!("{}\n{body}", self.label()).as_bytes())
    }

    /// What came back to one of several that were sent at once.
    ///
    /// # Errors
    /// [`CallError`] when nothing did.
    pub(super) fn repeat(&self, heard: Result<Heard, Silence>) -> Result<Repeat, CallError> {
        match heard {
            Ok(heard) => Ok(Repeat {
                status: heard.status.as_u16(),
                is_in_flight: heard.is_in_flight(),
                body: heard.bytes,
            }),
            Err(Silence::Broken(source)) => Err(self.unreachable(source)),
            Err(Silence::Cut) => Err(CallError::Unexpected("nobody cuts this".to_owned())),
        }
    }

    /// What that which was heard means for the caller.
    ///
    /// # Errors
    /// [`CallError`] when it is final and no success, or the connection broke.
    pub(super) fn judge(&self, heard: Result<Heard, Silence>) -> Result<Reply, CallError> {
        let heard = match heard {
            Ok(heard) => heard,
            Err(Silence::Cut) => return Ok(Reply::Lost),
            Err(Silence::Broken(source)) => return Err(self.unreachable(source)),
        };
        if heard.status.is_success() {
            return Ok(Reply::Answer(self.answer(&heard)?));
        }
        let wait = header(&heard.headers, RETRY_AFTER.as_str())
            .and_then(|seconds| seconds.parse().ok())
            .map(Duration::from_secs);
        let is_passing = heard.is_in_flight()
            || matches!(
                heard.status,
                StatusCode::TOO_MANY_REQUESTS
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::BAD_GATEWAY
            );
        let fault = self.refusal(&heard);
        if is_passing {
            Ok(Reply::Again(fault, wait))
        } else {
            Err(fault)
        }
    }

    /// The refusal that was heard.
    pub(super) fn refusal(&self, heard: &Heard) -> CallError {
        let document: Value = serde_json::from_slice(&heard.bytes).unwrap_or_default();
        let mut problem: Problem = serde_json::from_value(document.clone()).unwrap_or_default();
        problem.status = heard.status.as_u16();
        problem.document = document;
        CallError::Refused {
            call: self.label(),
            problem: Box::new(problem),
        }
    }

    /// Nobody answered.
    pub(super) fn unreachable(&self, source: reqwest::Error) -> CallError {
        CallError::Unreachable {
            call: self.label(),
            source,
        }
    }

    fn answer(&self, heard: &Heard) -> Result<Answer, CallError> {
        let body = match heard.bytes.as_slice() {
            [] => Value::Null,
            bytes => serde_json::from_slice(bytes).map_err(|fault| {
                CallError::Unexpected(format!("{} answered no JSON: {fault}", self.label()))
            })?,
        };
        Ok(Answer {
            body,
            version: header(&heard.headers, ETAG.as_str()),
            took: Duration::ZERO,
        })
    }
}

/// An answer as it came.
#[derive(Debug)]
pub(super) struct Heard {
    /// HTTP status.
    pub(super) status: StatusCode,
    /// All headers.
    pub(super) headers: HeaderMap,
    /// The whole body.
    pub(super) bytes: Vec<u8>,
}

impl Heard {
    /// Reads an answer to its end.
    ///
    /// # Errors
    /// When the connection breaks before.
    pub(super) async fn read(response: reqwest::Response) -> Result<Self, reqwest::Error> {
        Ok(Self {
            status: response.status(),
            headers: response.headers().clone(),
            bytes: response.bytes().await?.to_vec(),
        })
    }

    /// The consistency token.
    pub(super) fn token(&self) -> Option<String> {
        header(&self.headers, CONSISTENCY)
    }

    /// Whether it was given before.
    pub(super) fn is_replayed(&self) -> bool {
        header(&self.headers, REPLAYED).is_some_and(|text| text == "true")
    }

    /// Whether it says when to come again.
    pub(super) fn says_when(&self) -> bool {
        self.headers.contains_key(RETRY_AFTER)
    }

    /// Whether it says that the same request is being worked on.
    pub(super) fn is_in_flight(&self) -> bool {
        self.status == StatusCode::CONFLICT
            && self.member("code").is_some_and(|code| code == "in_flight")
    }

    /// A text member of the body.
    pub(super) fn member(&self, name: &str) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.bytes).ok()?;
        Some(body.get(name)?.as_str()?.to_owned())
    }

    /// Hex of the hash of the body.
    pub(super) fn body_sha256(&self) -> String {
        sha256(&self.bytes)
    }
}

/// Why nothing was heard.
#[derive(Debug)]
pub(super) enum Silence {
    /// The connection could not be made, or broke.
    Broken(reqwest::Error),
    /// The caller cut it.
    Cut,
}

/// What an answer means for the caller.
#[derive(Debug)]
pub(super) enum Reply {
    /// It is done.
    Answer(Answer),
    /// The server asks to come again, after a time that it may name.
    Again(CallError, Option<Duration>),
    /// No answer came, because the caller had cut the connection.
    Lost,
}

/// A header's text.
fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}
