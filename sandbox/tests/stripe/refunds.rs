//! Refunds: in parts, never too much, pending, and failing late.

use serde_json::json;

use crate::support::Sandbox;

#[tokio::test]
async fn refunds_add_up_to_what_was_captured_and_no_more() {
    let (sandbox, mut hooks) = Sandbox::with_receiver().await;
    let payment = sandbox.captured("a", "pm_card_visa").await.id();
    hooks.kinds(5).await;
    let part = [
        ("payment_intent", &*payment),
        ("amount", "1000"),
        ("metadata[line]", "2"),
    ];
    let refund = sandbox.post("/v1/refunds", "r1", &part).await;
    assert_eq!(
        (refund.status, &refund.body["status"]),
        (200, &json!("succeeded"))
    );
    assert_eq!(hooks.kinds(2).await, ["charge.refunded", "refund.created"]);
    let much = [("payment_intent", &*payment), ("amount", "1501")];
    let refused = sandbox.post("/v1/refunds", "r2", &much).await;
    assert_eq!(refused.status, 400);
    let rest = sandbox
        .post("/v1/refunds", "r3", &[("payment_intent", &*payment)])
        .await;
    assert_eq!(rest.body["amount"], 1500);
    let none = sandbox
        .post("/v1/refunds", "r4", &[("payment_intent", &*payment)])
        .await;
    assert_eq!(none.error("code"), "charge_already_refunded");
    let read = sandbox.get(&format!("/v1/refunds/{}", refund.id())).await;
    assert_eq!(read.body["metadata"]["line"], "2");
    let list = sandbox
        .get(&format!("/v1/refunds?payment_intent={payment}"))
        .await
        .body;
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    let path = format!("/v1/payment_intents/{payment}?expand[]=latest_charge");
    let intent = sandbox.get(&path).await.body;
    assert_eq!(
        intent["status"], "succeeded",
        "refunds leave the payment as it is"
    );
    assert_eq!(intent["latest_charge"]["refunded"], true);
    let shown = &sandbox.sim(&format!("/_sim/ledger?of={payment}")).await["intents"][0];
    assert_eq!(shown["amount_refunded"], 2500);
    assert_eq!(shown["refunds"][0]["idempotency_key"], "r1");
}

#[tokio::test]
async fn what_was_not_captured_cannot_be_refunded() {
    let sandbox = Sandbox::start().await;
    let payment = sandbox.authorised("a", "pm_card_visa").await.id();
    let reply = sandbox
        .post("/v1/refunds", "r", &[("payment_intent", &payment)])
        .await;
    assert_eq!(reply.error("code"), "payment_intent_unexpected_state");
    let none = sandbox
        .post("/v1/refunds", "s", &[("payment_intent", "pi_none")])
        .await;
    assert_eq!(none.error("code"), "resource_missing");
    let empty = sandbox.post("/v1/refunds", "t", &[]).await;
    assert_eq!(empty.status, 400);
}

#[tokio::test]
async fn a_pending_refund_succeeds_later() {
    let (sandbox, mut hooks) = Sandbox::with_receiver().await;
    let payment = sandbox.captured("a", "pm_card_pendingRefund").await.id();
    hooks.kinds(5).await;
    let refund = sandbox
        .post("/v1/refunds", "r", &[("payment_intent", &payment)])
        .await;
    assert_eq!(refund.body["status"], "pending");
    sandbox.advance(10).await;
    let updated = hooks.next_of("refund.updated").await;
    assert_eq!(updated.body["data"]["object"]["status"], "succeeded");
    assert_eq!(
        updated.body["data"]["previous_attributes"]["status"],
        "pending"
    );
}

#[tokio::test]
async fn a_refund_fails_days_after_it_succeeded() {
    let (sandbox, mut hooks) = Sandbox::with_receiver().await;
    let payment = sandbox.captured("a", "pm_card_visa").await.id();
    let refund = sandbox
        .post("/v1/refunds", "r", &[("payment_intent", &payment)])
        .await;
    sandbox.advance(3 * 86_400).await;
    sandbox
        .control("/_sim/act/fail_refund", json!({"refund": refund.id()}))
        .await;
    let failed = hooks.next_of("refund.failed").await;
    assert_eq!(
        failed.body["data"]["object"]["failure_reason"],
        "lost_or_stolen_card"
    );
    let again = sandbox
        .post("/v1/refunds", "s", &[("payment_intent", &payment)])
        .await;
    assert_eq!(
        again.body["status"], "succeeded",
        "the money came back, so it can go again"
    );
}

#[tokio::test]
async fn the_failing_card_fails_its_refund() {
    let (sandbox, mut hooks) = Sandbox::with_receiver().await;
    let payment = sandbox.captured("a", "pm_card_refundFail").await.id();
    let refund = sandbox
        .post("/v1/refunds", "r", &[("payment_intent", &payment)])
        .await;
    assert_eq!(refund.body["status"], "succeeded");
    sandbox.advance(10).await;
    hooks.next_of("refund.failed").await;
}
