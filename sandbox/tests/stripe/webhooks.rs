//! Webhooks: signatures, secrets, retries, and everything that can go wrong with one.

use http::StatusCode;
use sandbox::{Config, WebhookHabits};
use serde_json::{Value, json};

use crate::support::{Hook, Receiver, SECRET, Sandbox};

async fn with_effect(effect: Value) -> (Sandbox, Receiver) {
    let (sandbox, hooks) = Sandbox::with_receiver().await;
    let mut fault = effect;
    fault["name"] = json!("webhook");
    let rule = json!({"match": {"event": "payment_intent.created"}, "fault": fault, "times": 1});
    sandbox.fault(rule).await;
    (sandbox, hooks)
}

async fn first_under(effect: Value) -> (Hook, i64) {
    let (sandbox, mut hooks) = with_effect(effect).await;
    let created = sandbox.payment("a").await.body["created"].as_i64().unwrap();
    (hooks.next().await, created)
}

#[tokio::test]
async fn a_webhook_is_signed_with_the_whole_secret() {
    let (sandbox, mut hooks) = Sandbox::with_receiver().await;
    let payment = sandbox.payment("key-1").await;
    let hook = hooks.next().await;
    assert_eq!(hook.verified_by(SECRET), 1);
    assert_eq!(hook.verified_by("test_secret"), 0);
    let created = payment.body["created"].as_i64().unwrap();
    assert!((hook.signed_at() - created).abs() <= 60);
    assert_eq!(hook.body["object"], "event");
    assert_eq!(hook.body["livemode"], false);
    assert_eq!(hook.body["data"]["object"], payment.body);
    assert_eq!(hook.body["request"]["idempotency_key"], "key-1");
    assert_eq!(
        hook.body["request"]["id"].as_str(),
        payment.header("request-id")
    );
    let event = hook.body["id"].as_str().unwrap();
    assert_eq!(
        sandbox.get(&format!("/v1/events/{event}")).await.body,
        hook.body
    );
}

#[tokio::test]
async fn both_secrets_sign_while_one_is_rolled() {
    let (sandbox, mut hooks) = Sandbox::with_receiver().await;
    let body = json!({"url": hooks.endpoint().url, "secret": "whsec_new", "old_seconds": 3600.0});
    sandbox.control("/_sim/endpoints/roll", body).await;
    sandbox.payment("a").await;
    let hook = hooks.next().await;
    assert_eq!(
        (hook.verified_by(SECRET), hook.verified_by("whsec_new")),
        (1, 1)
    );
    sandbox.advance(3601).await;
    sandbox.payment("b").await;
    let hook = hooks.next().await;
    assert_eq!(
        (hook.verified_by(SECRET), hook.verified_by("whsec_new")),
        (0, 1)
    );
}

#[tokio::test]
async fn an_endpoint_that_fails_is_tried_again() {
    let (sandbox, mut hooks) = Sandbox::with_receiver().await;
    hooks.answer([StatusCode::INTERNAL_SERVER_ERROR, StatusCode::FOUND]);
    sandbox.payment("a").await;
    let first = hooks.next().await;
    sandbox.control("/_sim/webhooks/flush", json!({})).await;
    sandbox.advance(11).await;
    let second = hooks.next().await;
    assert_eq!(first.body["id"], second.body["id"]);
    assert!(
        second.signed_at() >= first.signed_at() + 10,
        "each attempt is signed anew"
    );
}

#[tokio::test]
async fn a_delivery_is_sent_again_on_request() {
    let (sandbox, mut hooks) = Sandbox::with_receiver().await;
    sandbox.payment("a").await;
    let first = hooks.next().await;
    sandbox.control("/_sim/webhooks/1/resend", json!({})).await;
    assert_eq!(hooks.next().await.body["id"], first.body["id"]);
}

#[tokio::test]
async fn the_default_habits_delay_every_webhook() {
    let mut hooks = Receiver::start().await;
    let config = Config {
        webhooks: WebhookHabits {
            duplicates_bp: 0,
            reorders_bp: 0,
            ..WebhookHabits::default()
        },
        webhook_endpoints: vec![hooks.endpoint()],
        // Slow enough that no real wait brings the webhook out.
        speed: 0.001,
        ..Config::default()
    };
    let sandbox = Sandbox::with(config).await;
    sandbox.payment("a").await;
    let listed = sandbox.sim("/_sim/webhooks").await;
    assert_eq!(listed["deliveries"][0]["state"], "waiting");
    assert!(hooks.waiting().is_none());
    sandbox.advance(2).await;
    assert_eq!(hooks.next().await.kind(), "payment_intent.created");
}

#[tokio::test]
async fn every_webhook_may_be_duplicated_by_habit() {
    let mut hooks = Receiver::start().await;
    let config = Config {
        webhooks: WebhookHabits {
            duplicates_bp: 10_000,
            ..WebhookHabits::prompt()
        },
        webhook_endpoints: vec![hooks.endpoint()],
        ..Config::default()
    };
    let sandbox = Sandbox::with(config).await;
    sandbox.payment("a").await;
    assert_eq!(hooks.next().await.body["id"], hooks.next().await.body["id"]);
}

#[tokio::test]
async fn a_lost_webhook_never_leaves() {
    let (sandbox, mut hooks) = with_effect(json!({"effect": "lost"})).await;
    sandbox.authorised("a", "pm_card_visa").await;
    let expected = [
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
    ];
    assert_eq!(hooks.kinds(2).await, expected);
    assert_eq!(
        sandbox.sim("/_sim/webhooks").await["deliveries"][0]["state"],
        "lost"
    );
}

#[tokio::test]
async fn a_duplicated_webhook_comes_with_the_same_id() {
    let (sandbox, mut hooks) = with_effect(json!({"effect": "duplicated", "copies": 2})).await;
    sandbox.payment("a").await;
    let id = hooks.next().await.body["id"].clone();
    assert_eq!(
        [
            hooks.next().await.body["id"].clone(),
            hooks.next().await.body["id"].clone()
        ],
        [id.clone(), id]
    );
}

#[tokio::test]
async fn a_delayed_webhook_waits_on_the_clock() {
    let (sandbox, mut hooks) = with_effect(json!({"effect": "delayed", "seconds": 500.0})).await;
    sandbox.authorised("a", "pm_card_visa").await;
    hooks.kinds(2).await;
    sandbox.advance(501).await;
    assert_eq!(hooks.next().await.kind(), "payment_intent.created");
}

#[tokio::test]
async fn a_reordered_webhook_follows_a_later_one() {
    let (sandbox, mut hooks) = with_effect(json!({"effect": "reordered"})).await;
    let payment = sandbox.payment("a").await;
    sandbox
        .post(
            &format!("/v1/payment_intents/{}/cancel", payment.id()),
            "b",
            &[],
        )
        .await;
    assert_eq!(hooks.next().await.kind(), "payment_intent.canceled");
    assert_eq!(hooks.next().await.kind(), "payment_intent.created");
}

#[tokio::test]
async fn a_webhook_may_follow_the_end_state() {
    let (sandbox, mut hooks) = with_effect(json!({"effect": "after_end_state"})).await;
    sandbox.captured("a", "pm_card_visa").await;
    let mut kinds = Vec::new();
    for _ in 0..5 {
        kinds.push(hooks.next().await.kind().to_owned());
    }
    let place = |kind: &str| kinds.iter().position(|found| found == kind).unwrap();
    assert!(
        place("payment_intent.created") > place("payment_intent.succeeded"),
        "{kinds:?}"
    );
}

#[tokio::test]
async fn a_webhook_may_come_before_the_response() {
    let (sandbox, mut hooks) = with_effect(json!({"effect": "before_response"})).await;
    let payment = sandbox.payment("a").await;
    let hook = hooks.waiting().expect("it arrived before the answer");
    assert_eq!(hook.body["data"]["object"]["id"], payment.body["id"]);
}

#[tokio::test]
async fn timestamps_and_signatures_can_be_wrong() {
    let (old, created) = first_under(json!({"effect": "old_timestamp"})).await;
    assert!(old.signed_at() <= created - 540 && old.verified_by(SECRET) == 1);
    let (future, created) = first_under(json!({"effect": "future_timestamp"})).await;
    assert!(future.signed_at() >= created + 540 && future.verified_by(SECRET) == 1);
    let (forged, _) = first_under(json!({"effect": "bad_signature"})).await;
    assert_eq!(forged.verified_by(SECRET), 0);
    let (retired, _) = first_under(json!({"effect": "old_secret"})).await;
    assert_eq!(retired.verified_by(SECRET), 0);
}

#[tokio::test]
async fn contents_can_be_strange() {
    let (unknown, _) = first_under(json!({"effect": "unknown_event"})).await;
    assert_eq!(unknown.kind(), "sandbox.unheard_of");
    assert_eq!(unknown.verified_by(SECRET), 1);
    let (live, _) = first_under(json!({"effect": "wrong_livemode"})).await;
    assert_eq!(live.body["livemode"], true);
}

#[tokio::test]
async fn a_flood_is_of_distinct_events() {
    let (sandbox, mut hooks) = with_effect(json!({"effect": "flood"})).await;
    sandbox.payment("a").await;
    let mut ids = std::collections::HashSet::new();
    for _ in 0..1001 {
        ids.insert(hooks.next().await.body["id"].to_string());
    }
    assert_eq!(ids.len(), 1001);
}
