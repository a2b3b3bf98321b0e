//! What every request passes, in this order: a name (request id, trace), framing, CORS, credentials, the
//! caller's rate, a place in its class, the handler. And every answer, in turn: the form of its refusal,
//! headers that protect, one log line, metrics. One layer holds it all, so that the order is plain to see.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS,
};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use tracing::Instrument as _;

use super::auth::Credentials;
use super::cors::Cors;
use super::idempotency::InFlight;
use super::logins::Logins;
use super::overload::{Class, Overload};
use super::peer::{Peer, client_address, network_of};
use super::problem::{self, ApiError, Report};
use super::rate::{self, Limiter};
use super::request_id::{REQUEST_ID, RequestScope};
use super::token::Tokens;
use crate::clock::{Clock, Stopwatch};
use crate::config;
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
    /// Keeps classes of requests apart.
    pub overload: Overload,
    pub(super) in_flight: InFlight,
    clock: Clock,
    cors: Cors,
    trusted_hops: usize,
}

impl Edge {
    /// The edge of a process with the usual limits.
    pub fn new(settings: &config::Http, tokens: Tokens, logins: Logins, clock: Clock) -> Self {
        Self {
            tokens,
            logins,
            limiter: Limiter::new(settings.rate_quota, limits::RATE_WINDOW),
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
    let watch = edge.clock.stopwatch();
    let scope = RequestScope::of(request.headers(), &edge.clock);
    let line = Line {
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        route: request.extensions().get::<MatchedPath>().cloned(),
        watch,
    };
    let span = tracing::info_span!(
        "request",
        request.id = &*scope.id,
        trace.id = %scope.trace.trace_id()
    );
    let work = serve(&edge, request, next, line.route()).instrument(span);
    let mut response = scope.clone().serve(work).await;
    name(&scope, response.headers_mut());
    line.write(&scope, &response);
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
        metrics::counter!("ramen_security_refusals_total", "reason" => "rate").increment(1);
        let error = ApiError::quota_exceeded(rate::POLICY, standing.retry_after);
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
    if let Some(principal) = credentials.principal() {
        return rate::Key::Principal(principal.id.uuid());
    }
    let unknown = std::net::IpAddr::from([0, 0, 0, 0]);
    let peer = request
        .extensions()
        .get::<Peer>()
        .map_or(unknown, |peer| peer.0.ip());
    rate::Key::Network(network_of(client_address(
        request.headers(),
        peer,
        edge.trusted_hops,
    )))
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
    let response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => ApiError::internal(Panicked(words_of(&*panic))).into_response(),
    };
    drop(place);
    if is_options && response.status() == StatusCode::METHOD_NOT_ALLOWED {
        // The router has no OPTIONS of its own; it adds `Allow` to this answer on its way out.
        return StatusCode::NO_CONTENT.into_response();
    }
    problem::in_our_form(response)
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
        (REQUEST_ID, scope.id.to_string()),
        ("traceparent", scope.trace.to_string()),
    ];
    for (name, value) in pairs {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// The log line and the metrics of one request.
struct Line {
    method: Method,
    path: String,
    route: Option<MatchedPath>,
    watch: Stopwatch,
}

impl Line {
    fn route(&self) -> &str {
        self.route.as_ref().map_or("(none)", MatchedPath::as_str)
    }

    fn write(&self, scope: &RequestScope, response: &Response) {
        let (status, elapsed) = (response.status(), self.watch.elapsed());
        let method = label_of(&self.method);
        let labels = [
            ("route", self.route().to_owned()),
            ("method", method.to_owned()),
        ];
        metrics::histogram!("ramen_http_request_seconds", &labels).record(elapsed.as_secs_f64());
        metrics::counter!(
            "ramen_http_requests_total",
            "route" => self.route().to_owned(),
            "method" => method,
            "status" => status.as_str().to_owned(),
        )
        .increment(1);
        let report = response.extensions().get::<Report>();
        let code = report.map(|report| report.code.as_str());
        let ms = elapsed.max(Duration::ZERO).as_secs_f64() * 1e3;
        let (id, trace) = (&*scope.id, scope.trace.trace_id());
        if status.is_server_error() {
            let cause = report.and_then(|report| report.source.as_ref()).map(chain);
            tracing::error!(
                http.method = method,
                http.route = self.route(),
                http.path = self.path,
                http.status = status.as_u16(),
                latency_ms = ms,
                request.id = id,
                trace.id = trace,
                error.code = code,
                error.cause = cause,
                "request failed"
            );
        } else {
            tracing::info!(
                http.method = method,
                http.route = self.route(),
                http.path = self.path,
                http.status = status.as_u16(),
                latency_ms = ms,
                request.id = id,
                trace.id = trace,
                error.code = code,
                "request"
            );
        }
    }
}

/// An error and its causes, in one line.
fn chain(error: &Arc<dyn std::error::Error + Send + Sync>) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    words
}

/// Methods are a closed set in metrics, whatever a client sends.
fn label_of(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::clock::TestClock;
    use crate::http::auth::{Caller, Customer, Driver, Ops, RestaurantStaff};
    use crate::http::logins::tests::{Book, login};
    use crate::http::policy::{Role, Scope, action};
    use crate::http::problem::{PROBLEM_JSON, Problem};
    use crate::http::token::tests::{principal, settings};
    use axum::body::Body;
    use axum::routing::{get, post};
    use http::header::ALLOW;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    pub(crate) fn http_settings() -> config::Http {
        let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        config::Http {
            listen: any,
            health_listen: any,
            sandbox_listen: any,
            sandbox_webhooks: None,
            trusted_hops: 0,
            cors_origins: vec!["https://app.example".to_owned()],
            rate_quota: 5,
        }
    }

    /// An edge whose one login has version 4, as `principal` says.
    pub(crate) fn edge() -> (Arc<Edge>, TestClock, Arc<Book>) {
        let hand = TestClock::at(
            chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            1,
        );
        let book = Arc::new(Book::default());
        *book.login.lock().unwrap() = Some(login(4));
        let tokens = Tokens::new(&settings(), hand.clock()).unwrap();
        let logins = Logins::new(book.clone(), hand.clock());
        (
            Arc::new(Edge::new(&http_settings(), tokens, logins, hand.clock())),
            hand,
            book,
        )
    }

    fn routes() -> Router {
        Router::new()
            .route("/open", get(|| async { "open" }))
            .route("/panic", get(planted_panic))
            .route(
                "/foreign",
                get(|| async { (StatusCode::BAD_GATEWAY, "inside: hunter2") }),
            )
            .route(
                "/customer",
                post(|by: Customer<action::OpenCart>| async move { by.id.to_string() }),
            )
            .route(
                "/staff",
                post(|_: RestaurantStaff<action::AcceptOrder>| async {}),
            )
            .route("/driver", post(|_: Driver<action::PickUp>| async {}))
            .route("/ops", post(|_: Ops<action::ReadLag>| async {}))
            .route(
                "/orders",
                get(|by: Caller<action::ListOrders>| async move { scope_word(&by.scope) }),
            )
    }

    async fn planted_panic() -> StatusCode {
        panic!("planted")
    }

    /// Every extractor of ours in one handler, behind a state of its own.
    async fn everything(
        State(_): State<Arc<str>>,
        _: RestaurantStaff<action::AcceptOrder>,
        crate::http::Path(id): crate::http::Path<domain::kernel::ids::OrderId>,
        _: crate::http::conditional::IfMatch,
        _: crate::http::Consistency,
        key: crate::http::Idempotency,
        crate::http::Json(body): crate::http::Json<Vec<u32>>,
    ) -> Result<String, ApiError> {
        let key = key.key();
        Ok(format!("{id} {} {}", body.len(), key.is_some()))
    }

    #[tokio::test]
    async fn a_handler_may_ask_for_everything() {
        let (edge, ..) = edge();
        let request = http::Request::post("/orders/0190b5a0-0000-7000-8000-000000000001/accept")
            .header(HOST, "x")
            .header("authorization", bearer(&edge, Role::Owner))
            .header("idempotency-key", "k")
            .header("content-type", "application/json")
            .body(Body::from("[1,2]"))
            .unwrap();
        let routes = Router::new().route("/orders/{id}/accept", post(everything));
        let routes = routes.with_state(Arc::<str>::from("app"));
        let response = edge.wrap(routes).oneshot(request).await.unwrap();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(bytes, "0190b5a0-0000-7000-8000-000000000001 2 true");
    }

    fn scope_word(scope: &Scope) -> &'static str {
        match scope {
            Scope::Any => "any",
            Scope::Own(_) => "own",
            Scope::Shops(_) => "shops",
            Scope::Assigned(_) => "assigned",
        }
    }

    async fn call(
        edge: &Arc<Edge>,
        request: http::request::Builder,
    ) -> (http::response::Parts, String) {
        let request = request.header(HOST, "x").body(Body::empty()).unwrap();
        let response = Arc::clone(edge)
            .wrap(routes())
            .oneshot(request)
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (parts, String::from_utf8(bytes.to_vec()).unwrap())
    }

    fn bearer(edge: &Edge, role: Role) -> String {
        format!("Bearer {}", edge.tokens.issue(&principal(role)))
    }

    #[tokio::test]
    async fn every_refusal_is_a_problem_named_by_its_request() {
        let (edge, ..) = edge();
        for (request, status) in [
            (http::Request::get("/nothing"), 404),
            (http::Request::delete("/open"), 405),
            (http::Request::get("/panic"), 500),
            (http::Request::get("/foreign"), 502),
            (http::Request::post("/customer"), 401),
        ] {
            let (parts, body) = call(&edge, request.header(REQUEST_ID, "r-1")).await;
            assert_eq!(parts.status.as_u16(), status);
            assert_eq!(parts.headers["content-type"], PROBLEM_JSON);
            let problem: Problem = serde_json::from_str(&body).unwrap();
            assert_eq!((problem.status, problem.instance.as_str()), (status, "r-1"));
            assert!(!body.contains("planted") && !body.contains("hunter2"));
        }
    }

    #[tokio::test]
    async fn unused_methods_are_told_what_there_is() {
        let (edge, ..) = edge();
        let (parts, _) = call(&edge, http::Request::delete("/open")).await;
        assert_eq!(parts.headers[ALLOW], "GET,HEAD");
        let (parts, _) = call(&edge, http::Request::options("/open")).await;
        assert_eq!(
            (
                parts.status.as_u16(),
                parts.headers[ALLOW].to_str().unwrap()
            ),
            (204, "GET,HEAD")
        );
        let (parts, body) = call(&edge, http::Request::head("/open")).await;
        assert_eq!((parts.status.as_u16(), body.as_str()), (200, ""));
    }

    #[tokio::test]
    async fn every_answer_has_a_name_and_protective_headers() {
        let (edge, ..) = edge();
        let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let (parts, _) = call(
            &edge,
            http::Request::get("/open").header("traceparent", traceparent),
        )
        .await;
        assert_eq!(parts.headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(parts.headers[CACHE_CONTROL], "no-store");
        assert!(parts.headers.contains_key(REQUEST_ID));
        let trace = parts.headers["traceparent"].to_str().unwrap();
        assert!(
            trace.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && trace.ends_with("-00")
        );
    }

    #[tokio::test]
    async fn asking_for_a_role_is_the_check() {
        for role in Role::ALL {
            let (edge, ..) = edge();
            for (path, allowed) in [
                ("/customer", role == Role::Customer),
                ("/staff", role == Role::Owner),
                ("/driver", role == Role::Driver),
                ("/ops", matches!(role, Role::Ops | Role::Service)),
            ] {
                let request =
                    http::Request::post(path).header("authorization", bearer(&edge, role));
                let (parts, _) = call(&edge, request).await;
                assert_eq!(
                    parts.status.as_u16(),
                    if allowed { 200 } else { 403 },
                    "{role:?} {path}"
                );
            }
        }
    }

    #[tokio::test]
    async fn the_relation_becomes_a_scope() {
        let (edge, ..) = edge();
        for (role, word) in [
            (Role::Customer, "own"),
            (Role::Owner, "shops"),
            (Role::Ops, "any"),
        ] {
            let request =
                http::Request::get("/orders").header("authorization", bearer(&edge, role));
            assert_eq!(call(&edge, request).await.1, word);
        }
    }

    #[tokio::test]
    async fn credentials_that_hold_nothing_are_401_with_a_challenge() {
        let (edge, hand, book) = edge();
        let good = bearer(&edge, Role::Customer);
        for value in [
            "",
            "Bearer",
            "Bearer x.y.z",
            "Basic QWxhZGRpbjpvcGVu",
            &format!("{good}x"),
        ] {
            let (parts, _) = call(
                &edge,
                http::Request::post("/customer").header("authorization", value),
            )
            .await;
            assert_eq!(parts.status.as_u16(), 401, "{value}");
            assert!(
                parts.headers["www-authenticate"]
                    .to_str()
                    .unwrap()
                    .starts_with("Bearer")
            );
            hand.advance(Duration::from_mins(1));
        }
        let good = bearer(&edge, Role::Customer);
        let twice = http::Request::post("/customer")
            .header("authorization", &good)
            .header("authorization", &good);
        assert_eq!(call(&edge, twice).await.0.status.as_u16(), 401);
        *book.login.lock().unwrap() = Some(login(5));
        let (parts, _) = call(
            &edge,
            http::Request::post("/customer").header("authorization", &good),
        )
        .await;
        assert_eq!(parts.status.as_u16(), 401);
    }

    #[tokio::test]
    async fn a_caller_who_asks_too_often_is_told_when_to_come_back() {
        let (edge, hand, _) = edge();
        for left in ["4", "3", "2", "1", "0"] {
            let (parts, _) = call(&edge, http::Request::get("/open")).await;
            assert!(
                parts.headers["ratelimit"]
                    .to_str()
                    .unwrap()
                    .contains(&format!("r={left};"))
            );
        }
        let (parts, body) = call(&edge, http::Request::get("/open")).await;
        assert_eq!(parts.status.as_u16(), 429);
        assert!(body.contains("#quota-exceeded") && parts.headers.contains_key("retry-after"));
        let known = http::Request::post("/ops").header("authorization", bearer(&edge, Role::Ops));
        assert_eq!(call(&edge, known).await.0.status.as_u16(), 200);
        hand.advance(Duration::from_secs(12));
        assert_eq!(
            call(&edge, http::Request::get("/open"))
                .await
                .0
                .status
                .as_u16(),
            200
        );
    }

    #[tokio::test]
    async fn a_listed_page_may_ask_and_others_learn_nothing() {
        let (edge, ..) = edge();
        let ask = |origin| {
            http::Request::options("/open")
                .header("origin", origin)
                .header("access-control-request-method", "GET")
        };
        let (parts, _) = call(&edge, ask("https://app.example")).await;
        assert_eq!(parts.status.as_u16(), 204);
        assert_eq!(
            parts.headers["access-control-allow-origin"],
            "https://app.example"
        );
        let (parts, _) = call(&edge, ask("https://evil.example")).await;
        assert!(!parts.headers.contains_key("access-control-allow-origin"));
    }

    #[test]
    fn ambiguous_framing_is_refused() {
        let framed = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, HeaderValue::from_static(value));
            }
            check_framing(Version::HTTP_11, &headers)
        };
        let host = ("host", "x");
        assert!(framed(&[host, ("content-length", "1")]).is_ok());
        for pairs in [
            vec![
                host,
                ("content-length", "1"),
                ("transfer-encoding", "chunked"),
            ],
            vec![host, ("content-length", "1"), ("content-length", "1")],
            vec![host, host],
            vec![],
        ] {
            assert_eq!(framed(&pairs).unwrap_err().status(), 400, "{pairs:?}");
        }
    }
}
