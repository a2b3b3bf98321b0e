//! What every request passes, in this order: a name (request id, trace), framing, CORS, credentials, the
//! caller's rate, a place in its class, the handler. And every answer, in turn: the form of its refusal,
//! headers that protect, one log line, metrics. One layer holds it all, so that the order is plain to see.

mod line;
#[cfg(test)]
pub(crate) mod tests;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS,
};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use tracing::Instrument as _;

use line::Line;

use super::auth::Credentials;
use super::cors::Cors;
use super::idempotency::InFlight;
use super::logins::Logins;
use super::overload::{Class, Overload};
use super::peer::{Peer, client_address, network_of};
use super::problem::{self, ApiError, Unavailable};
use super::rate::{self, Limiter};
use super::request_id::{REQUEST_ID, RequestScope};
use super::security;
use super::token::Tokens;
use crate::clock::Clock;
use crate::config;
use crate::fault;
use crate::limits;

/// What the routes of a process share at its edge.
#[derive(Debug)]
pub struct Edge {
    /// Reads and issues access tokens.
    pub tokens: Tokens,
    /// Knows which logins hold.
    pub logins: Logins,
    /// Counts callers.
    pub limiter: Limiter,
    /// Counts who asks for tokens.
    pub(super) sign_ins: Limiter,
    /// Keeps classes of requests apart.
    pub overload: Overload,
    pub(super) in_flight: InFlight,
    pub(super) clock: Clock,
    cors: Cors,
    trusted_hops: usize,
}

impl Edge {
    /// The edge of a process with the usual limits.
    pub fn new(settings: &config::Http, tokens: Tokens, logins: Logins, clock: Clock) -> Self {
        Self {
            tokens,
            logins,
            limiter: Limiter::new("burst", settings.rate_quota, limits::RATE_WINDOW),
            sign_ins: Limiter::new("sign-in", limits::SIGN_IN_QUOTA, limits::RATE_WINDOW),
            overload: Overload::default(),
            in_flight: InFlight::default(),
            clock,
            cors: Cors::new(settings.cors_origins.clone()),
            trusted_hops: settings.trusted_hops,
        }
    }

    /// Puts the routes of a service behind this edge. The one 404 of the service is here.
    pub fn wrap(self: Arc<Self>, routes: Router) -> Router {
        routes
            .fallback(|| async { ApiError::not_found() })
            .layer(middleware::from_fn_with_state(self, around))
    }

    /// The network that a request comes from, as a caller to be counted.
    pub(super) fn network(&self, headers: &HeaderMap, extensions: &Extensions) -> rate::Key {
        let unknown = std::net::IpAddr::from([0, 0, 0, 0]);
        let peer = extensions.get::<Peer>().map_or(unknown, |peer| peer.0.ip());
        rate::Key::Network(network_of(client_address(headers, peer, self.trusted_hops)))
    }

    /// The edge that a request has passed.
    ///
    /// # Errors
    /// 500 when the route was not put behind one: nothing is allowed by omission.
    pub(super) fn of(extensions: &Extensions) -> Result<Arc<Self>, ApiError> {
        extensions
            .get::<Arc<Self>>()
            .cloned()
            .ok_or_else(|| ApiError::internal(NoEdge))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the route is not behind an edge")]
struct NoEdge;

#[derive(Debug, thiserror::Error)]
#[error("a handler panicked: {0}")]
struct Panicked(String);

async fn around(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let line = Line::of(&request, edge.clock.stopwatch());
    let span = line.span();
    let scope = RequestScope::of(request.headers(), &span, &edge.clock);
    let context = tracing::info_span!(
        "request",
        request.id = &*scope.id,
        trace.id = %scope.trace.trace_id()
    );
    let work = serve(&edge, request, next, line.route());
    let work = work.instrument(span.clone()).instrument(context);
    let mut response = scope.clone().serve(work).await;
    name(&scope, response.headers_mut());
    line.write(&scope, &response);
    line::record(&span, &scope, &response);
    response
}

async fn serve(edge: &Arc<Edge>, request: Request, next: Next, route: &str) -> Response {
    let origin = edge.cors.allowed(request.headers());
    let preflight = Cors::is_preflight(request.method(), request.headers());
    let mut response = match admit(edge, request, route, preflight).await {
        Ok(Admitted::Answered(response)) => response,
        Ok(Admitted::Request { admitted, standing }) => {
            let mut response = run(admitted, next).await;
            edge.limiter.tell(&standing, response.headers_mut());
            response
        }
        Err(refused) => *refused,
    };
    edge.cors
        .tell(origin.as_ref(), preflight, response.headers_mut());
    protect(response.headers_mut());
    response
}

enum Admitted {
    Answered(Response),
    Request {
        admitted: Box<AdmittedRequest>,
        standing: rate::Standing,
    },
}

struct AdmittedRequest {
    request: Request,
    /// Held until the handler has answered.
    place: super::overload::Place,
}

async fn admit(
    edge: &Arc<Edge>,
    mut request: Request,
    route: &str,
    preflight: bool,
) -> Result<Admitted, Box<Response>> {
    let refuse = |error: ApiError| Box::new(error.into_response());
    check_framing(request.version(), request.headers()).map_err(refuse)?;
    if preflight {
        return Ok(Admitted::Answered(StatusCode::NO_CONTENT.into_response()));
    }
    let credentials = Credentials::read(request.headers(), edge);
    let standing = edge.limiter.take(
        rate_key(edge, &credentials, &request),
        edge.clock.monotonic(),
    );
    if !standing.allowed {
        security::refused("rate");
        let error = ApiError::quota_exceeded(edge.limiter.policy(), standing.retry_after);
        let mut response = refuse(error);
        edge.limiter.tell(&standing, response.headers_mut());
        return Err(response);
    }
    let class = Class::of(request.method(), route);
    let place = edge.overload.enter(class).await.map_err(refuse)?;
    request.extensions_mut().insert(credentials);
    request.extensions_mut().insert(Arc::clone(edge));
    Ok(Admitted::Request {
        admitted: Box::new(AdmittedRequest { request, place }),
        standing,
    })
}

fn rate_key(edge: &Edge, credentials: &Credentials, request: &Request) -> rate::Key {
    credentials.principal().map_or_else(
        || edge.network(request.headers(), request.extensions()),
        |principal| rate::Key::Principal(principal.id.uuid()),
    )
}

/// Refuses what two programs could read as two different requests (RFC 9112 §3.2, §6.1).
fn check_framing(version: Version, headers: &HeaderMap) -> Result<(), ApiError> {
    let count = |name: HeaderName| headers.get_all(name).iter().count();
    let malformed = |detail: &str| Err(ApiError::malformed("ambiguous_framing", detail));
    if count(TRANSFER_ENCODING) > 0 && count(CONTENT_LENGTH) > 0 {
        return malformed("both Content-Length and Transfer-Encoding are given");
    }
    if count(CONTENT_LENGTH) > 1 || count(TRANSFER_ENCODING) > 1 {
        return malformed("the length of the body is given twice");
    }
    if version == Version::HTTP_11 && count(HOST) != 1 {
        return malformed("exactly one Host is needed");
    }
    Ok(())
}

async fn run(admitted: Box<AdmittedRequest>, next: Next) -> Response {
    let AdmittedRequest { request, place } = *admitted;
    let is_options = *request.method() == Method::OPTIONS;
    let only_reads = request.method().is_safe();
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind();
    let response = match tokio::time::timeout(patience(only_reads), answered).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => ApiError::internal(Panicked(words_of(&*panic))).into_response(),
        // Something below waits for what does not answer, such as a connection that nobody is behind.
        Err(late) if only_reads => ApiError::from(Unavailable::transient(late)).into_response(),
        Err(late) => ApiError::from(Unavailable::outcome_unknown(late)).into_response(),
    };
    drop(place);
    if is_options && response.status() == StatusCode::METHOD_NOT_ALLOWED {
        // The router has no OPTIONS of its own; it adds `Allow` to this answer on its way out.
        return StatusCode::NO_CONTENT.into_response();
    }
    let response = problem::in_our_form(response);
    if only_reads {
        return response;
    }
    fault::point("reply.before");
    fault::point_amid("reply.half", response)
}

/// How long a handler may take until it has an answer; a stream's frames come after that.
fn patience(only_reads: bool) -> Duration {
    if only_reads {
        limits::REQUEST_DEADLINE
    } else {
        limits::REQUEST_DEADLINE + limits::BODY_TIMEOUT
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic
        .downcast_ref::<&str>()
        .map(|words| (*words).to_owned());
    words
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no words".to_owned())
}

/// Headers that keep browsers from doing more with an answer than reading it. A handler may set its own.
fn protect(headers: &mut HeaderMap) {
    const DEFAULTS: [(HeaderName, HeaderValue); 5] = [
        (
            STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=63072000; includeSubDomains"),
        ),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
        ),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    for (name, value) in DEFAULTS {
        headers.entry(name).or_insert(value);
    }
}

/// Tells the caller what their request is called here.
fn name(scope: &RequestScope, headers: &mut HeaderMap) {
    let pairs = [
        (REQUEST_ID, Some(scope.id.to_string())),
        ("traceparent", Some(scope.trace.to_string())),
        ("tracestate", scope.tracestate.as_deref().map(str::to_owned)),
    ];
    for (name, value) in pairs {
        let Some(value) = value else { continue };
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
