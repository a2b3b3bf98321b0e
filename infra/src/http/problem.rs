//! How an answer says no: problem details (RFC 9457) for every 4xx and 5xx, from one type.
//!
//! A handler returns [`ApiError`]. It is made from a domain rejection, a store failure or one of the
//! constructors below; nothing of a lower layer's text reaches the client of a 5xx. The conversion logs
//! nothing: the source rides in the answer's extensions and the request's log line prints it, once.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use domain::decider::{Class, Fault, Rejection};
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, ETAG, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::conditional::Etag;
use super::request_id::RequestScope;

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
        metrics::counter!("ramen_security_refusals_total", "reason" => reason).increment(1);
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
        metrics::counter!("ramen_security_refusals_total", "reason" => "forbidden").increment(1);
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

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.problem()).expect("a problem has text keys only");
        let mut response = (self.0.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.0.status == StatusCode::PAYLOAD_TOO_LARGE {
            // The rest of the body is not read, so nothing can follow on this connection; a client
            // that is not told would send its next request into the close.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(after) = self.0.retry_after {
            headers.insert(RETRY_AFTER, retry_after_header(after));
        }
        for (name, value) in &self.0.headers {
            headers.append(name, value.clone());
        }
        let report = Report {
            code: self.0.code.to_string(),
            source: self.0.source,
        };
        response.extensions_mut().insert(report);
        response
    }
}

fn retry_after_header(after: Duration) -> HeaderValue {
    let spread = RequestScope::current().map_or(0.0, |scope| scope.spread);
    let spread = after.mul_f64(1.0 + 0.2 * spread);
    let seconds = spread.as_secs() + u64::from(spread.subsec_nanos() > 0);
    HeaderValue::from(seconds.max(1))
}

/// Gives a refusal that did not come from us (the router's 404 and 405, a library's 4xx) the form of
/// ours, keeping the headers that belong to its status.
pub(super) fn in_our_form(response: Response) -> Response {
    let status = response.status();
    let is_refusal = status.is_client_error() || status.is_server_error();
    let ours = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value == PROBLEM_JSON);
    if !is_refusal || ours {
        return response;
    }
    let mut error = ApiError::new(status, code_of(status));
    for name in [ALLOW, RETRY_AFTER, WWW_AUTHENTICATE] {
        for value in response.headers().get_all(&name) {
            error = error.with_header(name.clone(), value.clone());
        }
    }
    error.into_response()
}

fn code_of(status: StatusCode) -> Cow<'static, str> {
    match status.canonical_reason() {
        Some(reason) => reason
            .to_ascii_lowercase()
            .replace([' ', '-', '\''], "_")
            .into(),
        None => "refused".into(),
    }
}

/// Why a command was not carried out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refused<R> {
    /// The business says no.
    #[error(transparent)]
    Rejected(R),
    /// Others were faster, also after fresh attempts.
    #[error("the streams were changed at the same time")]
    Conflict,
    /// The store could not do its work.
    #[error(transparent)]
    Store(Unavailable),
}

impl<R> Refused<R> {
    /// A failure of the store.
    pub fn store(error: impl Into<Unavailable>) -> Self {
        Self::Store(error.into())
    }
}

impl<R: Rejection> From<Refused<R>> for ApiError {
    fn from(refused: Refused<R>) -> Self {
        match refused {
            Refused::Rejected(rejection) => Self::rejected(&rejection),
            Refused::Conflict => Self::conflict(),
            Refused::Store(unavailable) => unavailable.into(),
        }
    }
}

/// How something below the domain failed, as far as an answer needs to know. Infrastructure errors
/// convert into it (`impl From<StoreError> for Unavailable`).
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unavailable {
    /// Nothing was done; later it may work. 503 with `Retry-After`.
    #[error("temporarily unavailable")]
    Transient(#[source] Arc<dyn Error + Send + Sync>),
    /// Nothing was done: too much is waiting. 503 with `Retry-After`.
    #[error("too much is waiting")]
    Busy,
    /// It may or may not have been done. 503 `outcome_unknown`: repeat with the same key.
    #[error("outcome unknown")]
    OutcomeUnknown(#[source] Arc<dyn Error + Send + Sync>),
    /// It will not work however often it is tried: 500.
    #[error("broken")]
    Broken(#[source] Arc<dyn Error + Send + Sync>),
}

impl PartialEq for Unavailable {
    /// Two failures are alike when they ask the caller for the same; what broke is not compared.
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl Unavailable {
    /// Nothing was done; later it may work.
    pub fn transient(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Transient(Arc::new(source))
    }

    /// It may or may not have been done.
    pub fn outcome_unknown(source: impl Error + Send + Sync + 'static) -> Self {
        Self::OutcomeUnknown(Arc::new(source))
    }

    /// It will not work however often it is tried.
    pub fn broken(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Broken(Arc::new(source))
    }
}

impl From<sqlx::Error> for Unavailable {
    /// Lost connections, full pools and servers that are starting or stopping pass; anything else of
    /// Postgres' is ours to mend.
    fn from(error: sqlx::Error) -> Self {
        if is_transient(&error) {
            Self::transient(error)
        } else {
            Self::broken(error)
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "sqlx's enum is open and grows"
)]
fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // Classes 08 connection, 53 resources, 57 operator intervention, 40 rollback.
        sqlx::Error::Database(database) => database.code().is_some_and(|code| {
            ["08", "53", "57", "40"]
                .iter()
                .any(|class| code.starts_with(class))
        }),
        _ => false,
    }
}

impl From<Unavailable> for ApiError {
    fn from(unavailable: Unavailable) -> Self {
        let away = |code| Self::new(StatusCode::SERVICE_UNAVAILABLE, code);
        let second = Duration::from_secs(1);
        match &unavailable {
            Unavailable::Transient(_) => away("unavailable")
                .with_retry_after(second)
                .with_source(unavailable),
            Unavailable::Busy => Self::overloaded("appender", second),
            Unavailable::OutcomeUnknown(_) => away("outcome_unknown")
                .with_retry_after(second)
                .with_source(unavailable),
            Unavailable::Broken(_) => Self::internal(unavailable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    #[derive(Clone, Debug, PartialEq, thiserror::Error)]
    enum Sample {
        #[error("the shop is closed")]
        Closed,
        #[error("no such order")]
        Absent,
    }

    impl Rejection for Sample {
        fn code(&self) -> &'static str {
            match self {
                Self::Closed => "shop_closed",
                Self::Absent => "order_absent",
            }
        }

        fn class(&self) -> Class {
            match self {
                Self::Closed => Class::Unprocessable,
                Self::Absent => Class::NotFound,
            }
        }

        fn faults(&self) -> Vec<Fault> {
            vec![Fault {
                code: "shop_closed".to_owned(),
                pointer: "/restaurant_id".to_owned(),
                detail: "closed until 11:00".to_owned(),
            }]
        }
    }

    async fn read(error: ApiError) -> (StatusCode, http::HeaderMap, Problem) {
        let (parts, body) = error.into_response().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (
            parts.status,
            parts.headers,
            serde_json::from_slice(&bytes).unwrap(),
        )
    }

    #[tokio::test]
    async fn a_rejection_keeps_its_code_and_faults() {
        let (status, headers, problem) = read(Refused::Rejected(Sample::Closed).into()).await;
        assert_eq!((status.as_u16(), problem.status), (422, 422));
        assert_eq!(headers[CONTENT_TYPE], PROBLEM_JSON);
        assert_eq!(
            (problem.code.as_str(), problem.kind.as_str()),
            ("shop_closed", "/problems/shop_closed")
        );
        assert_eq!(problem.errors[0].pointer, "/restaurant_id");
        assert_eq!(problem.detail.as_deref(), Some("the shop is closed"));
        assert_eq!(read(Refused::Rejected(Sample::Absent).into()).await.0, 404);
    }

    #[tokio::test]
    async fn a_failure_says_nothing_of_the_inside() {
        let inside = std::io::Error::other("password=hunter2");
        for error in [
            ApiError::internal(inside),
            Unavailable::transient(std::io::Error::other("hunter2")).into(),
            Refused::<Sample>::store(Unavailable::outcome_unknown(std::io::Error::other(
                "hunter2",
            )))
            .into(),
        ] {
            let response = error.into_response();
            assert!(
                response
                    .extensions()
                    .get::<Report>()
                    .unwrap()
                    .source
                    .is_some()
            );
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"));
        }
    }

    #[tokio::test]
    async fn limits_name_their_policy_and_when_to_come_back() {
        let error = ApiError::quota_exceeded("burst", Duration::from_millis(2_300));
        let (status, headers, problem) = read(error).await;
        assert_eq!(status, 429);
        assert_eq!(headers[RETRY_AFTER], "3");
        assert_eq!(problem.violated_policies, ["burst"]);
        assert!(problem.kind.ends_with("#quota-exceeded"));
        let (status, headers, problem) =
            read(Refused::<Sample>::Store(Unavailable::Busy).into()).await;
        assert_eq!(
            (status.as_u16(), &headers[RETRY_AFTER]),
            (503, &HeaderValue::from(1))
        );
        assert!(problem.kind.ends_with("#temporary-reduced-capacity"));
    }

    #[test]
    fn only_decisions_are_kept_for_repeats() {
        assert!(ApiError::rejected(&Sample::Closed).is_decided());
        for error in [
            ApiError::conflict(),
            ApiError::forbidden(),
            ApiError::unauthorized("no_token"),
            ApiError::invalid(vec![]),
            ApiError::precondition_required(),
            ApiError::quota_exceeded("burst", Duration::ZERO),
            Unavailable::Busy.into(),
        ] {
            assert!(!error.is_decided(), "{error}");
        }
    }

    #[tokio::test]
    async fn foreign_refusals_get_our_form_and_keep_allow() {
        let foreign = (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET,HEAD")], "no").into_response();
        let response = in_our_form(foreign);
        assert_eq!(response.headers()[ALLOW], "GET,HEAD");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let problem: Problem = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(
            (problem.status, problem.code.as_str()),
            (405, "method_not_allowed")
        );
        let fine = in_our_form((StatusCode::OK, "yes").into_response());
        assert_eq!(fine.into_body().collect().await.unwrap().to_bytes(), "yes");
    }
}
