//! Faults of the answer and of the connection, each switched on by a rule.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Sandbox;

const INTENTS: &str = "/v1/payment_intents";
const FORM: [(&str, &str); 2] = [("amount", "2500"), ("currency", "usd")];

/// A sandbox whose first POST to `/v1/payment_intents` is struck.
async fn struck_by(fault: Value) -> Sandbox {
    let sandbox = Sandbox::start().await;
    let rule = json!({"match": {"method": "POST", "path": INTENTS}, "fault": fault, "times": 1});
    sandbox.fault(rule).await;
    sandbox
}

async fn payments(sandbox: &Sandbox) -> usize {
    sandbox.get(INTENTS).await.body["data"]
        .as_array()
        .unwrap()
        .len()
}

/// The body of the struck answer as bytes, with its status.
async fn raw_answer(fault: Value) -> (u16, Vec<u8>) {
    let sandbox = struck_by(fault).await;
    let answer = sandbox.posting(INTENTS, "k", &FORM).send().await.unwrap();
    (
        answer.status().as_u16(),
        answer.bytes().await.unwrap().to_vec(),
    )
}

#[tokio::test]
async fn a_timeout_happens_before_or_after_the_work() {
    for (fault, made) in [("timeout_before", 0), ("timeout_after_success", 1)] {
        let sandbox = struck_by(json!(fault)).await;
        let wait = Duration::from_millis(300);
        let lost = sandbox
            .posting(INTENTS, "k", &FORM)
            .timeout(wait)
            .send()
            .await;
        assert!(lost.unwrap_err().is_timeout());
        assert_eq!(payments(&sandbox).await, made, "{fault}");
        // The right repeat, under the same key, ends with one payment.
        assert_eq!(sandbox.post(INTENTS, "k", &FORM).await.status, 200);
        assert_eq!(payments(&sandbox).await, 1);
    }
}

#[tokio::test]
async fn a_reset_happens_before_or_after_the_work() {
    for (fault, made) in [("reset_before", 0), ("reset_after_success", 1)] {
        let sandbox = struck_by(json!(fault)).await;
        let lost = sandbox.posting(INTENTS, "k", &FORM).send().await;
        assert!(lost.unwrap_err().is_request());
        assert_eq!(payments(&sandbox).await, made, "{fault}");
    }
}

#[tokio::test]
async fn a_reset_in_the_body_loses_the_rest() {
    let sandbox = struck_by(json!("reset_mid_body")).await;
    let answer = sandbox.posting(INTENTS, "k", &FORM).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err());
    assert_eq!(payments(&sandbox).await, 1);
}

#[tokio::test]
async fn a_burst_of_statuses_has_the_body_it_is_given() {
    let fault = json!({"name": "status_burst", "status": 503, "body": "html",
                       "headers": {"stripe-should-retry": "true"}});
    let sandbox = struck_by(fault).await;
    let reply = sandbox.post(INTENTS, "k", &FORM).await;
    assert_eq!(
        (reply.status, reply.header("stripe-should-retry")),
        (503, Some("true"))
    );
    assert!(reply.body.as_str().unwrap().starts_with("<html>"));
    assert_eq!(payments(&sandbox).await, 0);
    let (status, body) =
        raw_answer(json!({"name": "status_burst", "status": 502, "body": "empty"})).await;
    assert_eq!((status, body.len()), (502, 0));
}

#[tokio::test]
async fn a_gateway_error_after_the_work_keeps_the_true_answer() {
    let fault = json!({"name": "status_burst", "status": 504, "executed": true});
    let sandbox = struck_by(fault).await;
    assert_eq!(sandbox.post(INTENTS, "k", &FORM).await.status, 504);
    let replay = sandbox.post(INTENTS, "k", &FORM).await;
    assert_eq!(
        (replay.status, replay.header("idempotent-replayed")),
        (200, Some("true"))
    );
}

#[tokio::test]
async fn a_burst_lasts_for_its_time() {
    let sandbox = Sandbox::start().await;
    sandbox
        .fault(json!({"fault": {"name": "status_burst", "status": 500}, "for": 60.0}))
        .await;
    assert_eq!(sandbox.get(INTENTS).await.status, 500);
    assert_eq!(sandbox.get(INTENTS).await.status, 500);
    sandbox.advance(61).await;
    assert_eq!(sandbox.get(INTENTS).await.status, 200);
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_back() {
    for (how, expected) in [
        ("seconds", Some("1")),
        ("absurd", Some("86400")),
        ("absent", None),
    ] {
        let sandbox = struck_by(json!({"name": "rate_limit", "retry_after": how})).await;
        let reply = sandbox.post(INTENTS, "k", &FORM).await;
        assert_eq!((reply.status, reply.error("code")), (429, "rate_limit"));
        assert_eq!(reply.header("retry-after"), expected);
        assert_eq!(payments(&sandbox).await, 0);
    }
    let sandbox = struck_by(json!({"name": "rate_limit", "retry_after": "date"})).await;
    let reply = sandbox.post(INTENTS, "k", &FORM).await;
    assert!(reply.header("retry-after").unwrap().ends_with("GMT"));
}

#[tokio::test]
async fn bodies_are_broken_in_seven_ways() {
    let malformed = |how: &str| json!({"name": "malformed_body", "how": how});
    let json = |body: &[u8]| serde_json::from_slice::<Value>(body);
    let (status, body) = raw_answer(malformed("truncated")).await;
    assert!(status == 200 && !body.is_empty() && json(&body).is_err());
    let (status, body) = raw_answer(malformed("html")).await;
    assert!(status == 200 && body.starts_with(b"<html>"));
    assert_eq!(raw_answer(malformed("empty")).await, (200, vec![]));
    let (_, body) = raw_answer(malformed("invalid_utf8")).await;
    assert!(std::str::from_utf8(&body).is_err());
    let (_, body) = raw_answer(malformed("field_missing")).await;
    assert!(json(&body).unwrap().get("id").is_none());
    let (_, body) = raw_answer(malformed("number_as_text")).await;
    assert_eq!(json(&body).unwrap()["amount"], "2500");
    let (_, body) = raw_answer(malformed("huge")).await;
    assert!(body.len() > 5 * 1024 * 1024);
}

#[tokio::test]
async fn slow_answers_arrive_whole_in_the_end() {
    for name in ["slow_headers", "slow_body"] {
        let (status, body) = raw_answer(json!({"name": name, "bytes_per_second": 20_000})).await;
        assert_eq!(status, 200);
        assert!(serde_json::from_slice::<Value>(&body).is_ok(), "{name}");
    }
}

#[tokio::test]
async fn credentials_are_refused_until_they_change() {
    let sandbox = Sandbox::start().await;
    let fault = json!({"fault": {"name": "unauthorized", "until_credentials_change": true}});
    sandbox.fault(fault).await;
    assert_eq!(sandbox.get(INTENTS).await.status, 401);
    assert_eq!(sandbox.get(INTENTS).await.status, 401);
    sandbox
        .control(
            "/_sim/act/rotate_secret_key",
            json!({"secret_key": "sk_test_new"}),
        )
        .await;
    let request = sandbox
        .request(reqwest::Method::GET, INTENTS)
        .bearer_auth("sk_test_new");
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn faults_and_requests_are_listed_and_removed() {
    let sandbox = Sandbox::start().await;
    sandbox
        .fault(json!({"fault": "reset_before", "match": {"every": 2}}))
        .await;
    sandbox.payment("a").await;
    let listed = sandbox.sim("/_sim/faults").await;
    assert_eq!(listed["faults"][0]["fitted"], 1);
    let removed = sandbox
        .request(reqwest::Method::DELETE, "/_sim/faults")
        .send()
        .await
        .unwrap();
    assert_eq!(removed.status(), 200);
    let seen = sandbox.sim("/_sim/requests?path=/v1/payment_intents").await;
    assert_eq!(seen["requests"][0]["idempotency_key"], "a");
    assert_eq!(seen["requests"][0]["status"], 200);
    let wrong = sandbox
        .request(reqwest::Method::POST, "/_sim/faults")
        .body("{}");
    assert_eq!(wrong.send().await.unwrap().status(), 422);
}
