//! Requests through the edge: who is let in, what every answer carries, and in which order.

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
use std::time::Duration;
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

async fn hangs() {
    std::future::pending::<()>().await;
}

fn routes() -> Router {
    Router::new()
        .route("/open", get(|| async { "open" }))
        .route("/panic", get(planted_panic))
        .route("/hangs", get(hangs).post(hangs))
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

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_is_answered_for() {
    let (edge, _, _) = edge();
    let routes = edge.wrap(routes());
    for (method, seconds, code) in [("GET", 10, "unavailable"), ("POST", 25, "outcome_unknown")] {
        let began = tokio::time::Instant::now();
        let request = Request::builder()
            .method(method)
            .uri("/hangs")
            .header(HOST, "test");
        let request = request.body(Body::empty()).unwrap();
        let response = routes.clone().oneshot(request).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), seconds, "{method}");
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key(http::header::RETRY_AFTER));
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(text.contains(code), "{text}");
    }
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
        Scope::Me => "me",
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
        http::Request::get("/open")
            .header("traceparent", traceparent)
            .header("tracestate", "rojo=00f067aa0ba902b7"),
    )
    .await;
    assert_eq!(parts.headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(parts.headers[CACHE_CONTROL], "no-store");
    assert!(parts.headers.contains_key(REQUEST_ID));
    assert_eq!(parts.headers["tracestate"], "rojo=00f067aa0ba902b7");
    let trace = parts.headers["traceparent"].to_str().unwrap();
    assert!(trace.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && trace.ends_with("-00"));
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
            let request = http::Request::post(path).header("authorization", bearer(&edge, role));
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
        let request = http::Request::get("/orders").header("authorization", bearer(&edge, role));
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
