//! Idempotency keys: replay, mismatch, a call in flight, what is kept and for how long.

use serde_json::json;

use crate::support::{Sandbox, read};

const INTENTS: &str = "/v1/payment_intents";
const FORM: [(&str, &str); 2] = [("amount", "2500"), ("currency", "usd")];

#[tokio::test]
async fn a_repeat_is_replayed() {
    let sandbox = Sandbox::start().await;
    let first = sandbox.post(INTENTS, "k", &FORM).await;
    assert_eq!(first.header("idempotent-replayed"), None);
    let swapped = [FORM[1], FORM[0]];
    let again = sandbox.post(INTENTS, "k", &swapped).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("original-request"), first.header("request-id"));
    assert_ne!(again.header("request-id"), first.header("request-id"));
    assert_eq!((again.status, again.body), (200, first.body));
    assert_eq!(
        sandbox.sim("/_sim/ledger").await["counts"]["intents"]["requires_payment_method"],
        1
    );
}

#[tokio::test]
async fn other_parameters_or_another_address_are_refused() {
    let sandbox = Sandbox::start().await;
    let first = sandbox.post(INTENTS, "k", &FORM).await;
    let other = sandbox
        .post(INTENTS, "k", &[("amount", "2600"), ("currency", "usd")])
        .await;
    assert_eq!(
        (other.status, other.error("type")),
        (400, "idempotency_error")
    );
    let path = format!("{INTENTS}/{}/cancel", first.id());
    let elsewhere = sandbox.post(&path, "k", &FORM).await;
    assert_eq!(
        (elsewhere.status, elsewhere.error("type")),
        (400, "idempotency_error")
    );
    assert_eq!(
        sandbox.breaches().await,
        ["idempotency_mismatch", "idempotency_mismatch"]
    );
}

#[tokio::test]
async fn a_failed_validation_is_not_kept() {
    let sandbox = Sandbox::start().await;
    let bad = sandbox.post(INTENTS, "k", &[("amount", "2500")]).await;
    assert_eq!(bad.status, 400);
    let good = sandbox.post(INTENTS, "k", &FORM).await;
    assert_eq!(
        (good.status, good.header("idempotent-replayed")),
        (200, None)
    );
}

#[tokio::test]
async fn a_decline_is_kept() {
    let sandbox = Sandbox::start().await;
    let payment = sandbox.payment("a").await;
    let path = format!("{INTENTS}/{}/confirm", payment.id());
    let form = [("payment_method", "pm_card_chargeDeclined")];
    let first = sandbox.post(&path, "k", &form).await;
    let again = sandbox.post(&path, "k", &form).await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (402, Some("true"))
    );
    assert_eq!(first.body, again.body);
}

#[tokio::test]
async fn a_second_call_in_flight_is_refused() {
    let sandbox = Sandbox::start().await;
    let slow = json!({"match": {"path": INTENTS}, "times": 1,
                      "fault": {"name": "slow_work", "seconds": 60.0}});
    sandbox.fault(slow).await;
    let one = Box::pin(sandbox.posting(INTENTS, "k", &FORM).send());
    let other = Box::pin(sandbox.posting(INTENTS, "k", &FORM).send());
    // Whichever arrives first is held, so the one that answers first is the second.
    let (refused, held) = match futures::future::select(one, other).await {
        futures::future::Either::Left(answered) => answered,
        futures::future::Either::Right((refused, held)) => (refused, held),
    };
    let refused = read(refused.unwrap()).await;
    assert_eq!(
        (refused.status, refused.error("code")),
        (409, "idempotency_key_in_use")
    );
    assert_eq!(refused.header("stripe-should-retry"), Some("true"));
    sandbox.advance(61).await;
    let held = read(held.await.unwrap()).await;
    assert_eq!(held.status, 200);
    let replay = sandbox.post(INTENTS, "k", &FORM).await;
    assert_eq!((replay.body, replay.status), (held.body, 200));
}

#[tokio::test]
async fn a_500_after_the_work_is_kept_for_its_key() {
    let sandbox = Sandbox::start().await;
    let burst = json!({"match": {"method": "POST", "path": INTENTS}, "times": 1,
                       "fault": {"name": "status_burst", "status": 500, "executed": true}});
    sandbox.fault(burst).await;
    let first = sandbox.post(INTENTS, "k", &FORM).await;
    assert_eq!((first.status, first.error("type")), (500, "api_error"));
    let again = sandbox.post(INTENTS, "k", &FORM).await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (500, Some("true"))
    );
    let made = sandbox.get(INTENTS).await.body;
    assert_eq!(
        made["data"].as_array().unwrap().len(),
        1,
        "the work was done"
    );
}

#[tokio::test]
async fn keys_are_forgotten_after_a_day() {
    let sandbox = Sandbox::start().await;
    let first = sandbox.post(INTENTS, "k", &FORM).await;
    sandbox.advance(24 * 3600 + 1).await;
    let fresh = sandbox.post(INTENTS, "k", &FORM).await;
    assert_eq!(
        (fresh.status, fresh.header("idempotent-replayed")),
        (200, None)
    );
    assert_ne!(fresh.id(), first.id());
}

#[tokio::test]
async fn a_key_that_is_too_long_or_missing_is_noted() {
    let sandbox = Sandbox::start().await;
    let long = sandbox.post(INTENTS, &"k".repeat(256), &FORM).await;
    assert_eq!(long.status, 400);
    let none = sandbox.request(reqwest::Method::POST, INTENTS).form(&FORM);
    let none = none
        .bearer_auth("sk_test_ramen_sandbox")
        .send()
        .await
        .unwrap();
    assert_eq!(none.status(), 200, "Stripe does not insist");
    assert_eq!(
        sandbox.breaches().await,
        ["invalid_request", "missing_idempotency_key"]
    );
}
