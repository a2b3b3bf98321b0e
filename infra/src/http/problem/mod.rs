//! How an answer says no: problem details (RFC 9457) for every 4xx and 5xx, from one type.
//!
//! A handler returns [`ApiError`]. It is made from a domain rejection, a store failure or one of the
//! constructors below; nothing of a lower layer's text reaches the client of a 5xx. The conversion logs
//! nothing: the source rides in the answer's extensions and the request's log line prints it, once.

mod answer;
mod refused;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::decider::{Class, Fault, Rejection};
use http::header::{ETAG, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::conditional::Etag;
use super::request_id::RequestScope;
use super::security;
pub(super) use answer::in_our_form;
pub use refused::{Refused, Unavailable};

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The body of every refusal (RFC 9457).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Names the sort of problem. Stable; `/problems/<code>` unless a registered one fits.
    #[serde(rename = "type")]
    pub kind: String,
    /// A few words on the sort of problem, the same each time.
    pub title: String,
    /// The status, as in the status line.
    pub status: u16,
    /// What was wrong this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The id of the request.
    pub instance: String,
    /// What a program compares.
    pub code: String,
    /// Every single fault, with its place in the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
    /// The limits that were hit, as named in `RateLimit-Policy`.
    #[serde(
        default,
        rename = "violated-policies",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub violated_policies: Vec<String>,
    /// What belongs to this code alone, for instance the quote that is now valid.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub extensions: serde_json::Map<String, serde_json::Value>,
}

/// A refusal on its way out.
#[derive(Clone)]
pub struct ApiError(Box<Inner>);

#[derive(Clone)]
struct Inner {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: Option<String>,
    faults: Vec<Fault>,
    violated: Vec<&'static str>,
    retry_after: Option<Duration>,
    headers: Vec<(HeaderName, HeaderValue)>,
    extensions: serde_json::Map<String, serde_json::Value>,
    source: Option<Source>,
}

type Source = Arc<dyn Error + Send + Sync>;

/// Why a refusal was given, for the request's log line. Rides in the answer's extensions.
#[derive(Clone, Debug)]
pub struct Report {
    /// The problem's code.
    pub code: String,
    /// What broke, when something did.
    pub source: Option<Arc<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// A refusal with a status and a code of the caller's choosing.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            status,
            code: code.into(),
            detail: None,
            faults: Vec::new(),
            violated: Vec::new(),
            retry_after: None,
            headers: Vec::new(),
            extensions: serde_json::Map::new(),
            source: None,
        }))
    }

    /// 400: the request cannot be read.
    pub fn malformed(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code).with_detail(detail)
    }

    /// 401 with the challenge of RFC 6750. `reason` is for logs: the caller learns nothing from it.
    pub fn unauthorized(reason: &'static str) -> Self {
        security::refused(reason);
        let challenge = match reason {
            "no_token" => "Bearer realm=\"ramen\"",
            _ => "Bearer realm=\"ramen\", error=\"invalid_token\"",
        };
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized")
            .with_header(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
            .with_source(Denied(reason))
    }

    /// 403: the caller is known and may not.
    pub fn forbidden() -> Self {
        security::refused("forbidden");
        Self::new(StatusCode::FORBIDDEN, "forbidden")
    }

    /// 404: there is no such thing, or not for this caller. The two answers are alike.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found")
    }

    /// 409: somebody else was faster, also after fresh attempts.
    pub fn conflict() -> Self {
        Self::new(StatusCode::CONFLICT, "conflict")
            .with_detail("the thing was changed by another request at the same time; try again")
    }

    /// 412: `If-Match` names another version than the current one, which is given back as `ETag`.
    pub fn precondition_failed(current: &Etag) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "version_mismatch")
            .with_header(ETAG, current.header())
    }

    /// 428: this write needs `If-Match`, so that nobody overwrites what they have not seen.
    pub fn precondition_required() -> Self {
        Self::new(StatusCode::PRECONDITION_REQUIRED, "if_match_required")
            .with_detail("send If-Match with the ETag of the version that you have read")
    }

    /// 422: each fault, with its pointer.
    pub fn invalid(faults: Vec<Fault>) -> Self {
        let mut error = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request");
        error.0.faults = faults;
        error
    }

    /// 429, with the limit that was hit.
    pub fn quota_exceeded(policy: &'static str, retry_after: Duration) -> Self {
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, "quota_exceeded");
        error.0.violated.push(policy);
        error.with_retry_after(retry_after)
    }

    /// 503: no room for this class of request now; nothing was begun.
    pub fn overloaded(policy: &'static str, retry_after: Duration) -> Self {
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded");
        error.0.violated.push(policy);
        error.with_retry_after(retry_after)
    }

    /// 500: something that must not happen has happened.
    pub fn internal(source: impl Error + Send + Sync + 'static) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal").with_source(source)
    }

    /// A domain refusal, by its class.
    pub fn rejected<R: Rejection>(rejection: &R) -> Self {
        let status = match rejection.class() {
            Class::NotFound => StatusCode::NOT_FOUND,
            Class::Forbidden => StatusCode::FORBIDDEN,
            Class::Conflict => StatusCode::CONFLICT,
            Class::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let mut error = Self::new(status, rejection.code()).with_detail(rejection.to_string());
        error.0.faults = rejection.faults();
        error
    }

    /// Says what was wrong this time.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Says every single fault, with its place in the request.
    #[must_use]
    pub fn with_faults(mut self, faults: Vec<Fault>) -> Self {
        self.0.faults = faults;
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Adds a member that belongs to this code, for instance the quote that is now valid.
    #[must_use]
    pub fn with_extension(mut self, name: &str, value: serde_json::Value) -> Self {
        self.0.extensions.insert(name.to_owned(), value);
        self
    }

    /// Says when to come back. Written as whole seconds, at least 1, plus 0–20 % by the request.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Keeps what broke, for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The code.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The single faults.
    pub fn faults(&self) -> &[Fault] {
        &self.0.faults
    }

    /// Whether this is a decision of the business that a repeat must get again (reliability §3, 3):
    /// the refusals of the domain, not those of the wire or of a failure.
    pub fn is_decided(&self) -> bool {
        let undecided = matches!(
            self.code(),
            "conflict" | "invalid_request" | "idempotency_key_reused"
        );
        let by_class = matches!(
            self.status(),
            StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY
        );
        by_class && !undecided
    }

    /// The body, under the id of the request being served.
    pub fn problem(&self) -> Problem {
        let inner = &*self.0;
        let server_side = inner.status.is_server_error();
        Problem {
            kind: kind_of(&inner.code),
            title: title_of(&inner.code, inner.status).to_owned(),
            status: inner.status.as_u16(),
            detail: inner
                .detail
                .clone()
                .filter(|_| !server_side || inner.source.is_none()),
            instance: RequestScope::current()
                .map(|scope| scope.id.to_string())
                .unwrap_or_default(),
            code: inner.code.to_string(),
            errors: inner.faults.clone(),
            violated_policies: inner
                .violated
                .iter()
                .map(|policy| (*policy).to_owned())
                .collect(),
            extensions: inner.extensions.clone(),
        }
    }
}

/// The two types of the `RateLimit` draft are registered; ours are relative references, as RFC 9457 §3.1.1
/// allows.
fn kind_of(code: &str) -> String {
    const REGISTERED: &str = "https://iana.org/assignments/http-problem-types#";
    match code {
        "quota_exceeded" => format!("{REGISTERED}quota-exceeded"),
        "overloaded" => format!("{REGISTERED}temporary-reduced-capacity"),
        code => format!("/problems/{code}"),
    }
}

fn title_of(code: &str, status: StatusCode) -> &'static str {
    match code {
        "quota_exceeded" => "too many requests",
        "overloaded" => "no room for this request now",
        "outcome_unknown" => "the outcome is not known yet: repeat with the same idempotency key",
        "invalid_request" => "the request is not valid",
        "quote_changed" => "the price has changed",
        "version_mismatch" => "the thing has changed since you read it",
        "idempotency_key_reused" => "the idempotency key belongs to another request",
        "in_flight" => "the same request is being worked on",
        _ => status.canonical_reason().unwrap_or("request refused"),
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("status", &self.0.status)
            .field("code", &self.0.code)
            .field("faults", &self.0.faults)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.status.as_u16(), self.0.code)
    }
}

impl Error for ApiError {}

/// Why a caller was not believed; never shown to them.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not authorised: {0}")]
struct Denied(&'static str);
