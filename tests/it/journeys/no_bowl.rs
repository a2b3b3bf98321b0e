//! Orders that end without a bowl: rejected, cancelled, expired, never paid for. Money and stock go
//! back where they came from.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Session, Shop, TestApp};

/// What is left of an ingredient, as the shop sees it.
async fn free(app: &TestApp, shop: &Shop, ingredient: &str) -> Value {
    let stock = app
        .get(&shop.owner, &shop.path("/stock"))
        .await
        .expect(200)
        .body;
    let rows = stock["ingredients"].as_array().unwrap().clone();
    rows.into_iter()
        .find(|row| row["ingredient"] == ingredient)
        .unwrap()["free"]
        .clone()
}

async fn world() -> (TestApp, Shop, Session) {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let mei = app.customer(1).await;
    (app, shop, mei)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_order_frees_the_stock_and_voids_the_authorisation() {
    let (app, shop, mei) = world().await;
    let order = app.placed_order(&mei, &shop).await;
    assert_eq!(free(&app, &shop, "noodles").await, 1_080);
    let path = format!("/v1/orders/{order}/reject");
    let rejected = app
        .post(&shop.owner, &path, json!({ "reason": "too_busy" }))
        .await;
    assert!(rejected.status < 300, "{}", rejected.text);
    app.settle().await;
    assert_eq!(app.order(&mei, &order).await["state"], "rejected");
    assert_eq!(app.ledger().await["intents"][0]["status"], "canceled");
    assert_eq!(free(&app, &shop, "noodles").await, 1_200);
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_nobody_accepts_is_rejected_for_the_shop() {
    let (app, shop, mei) = world().await;
    let order = app.placed_order(&mei, &shop).await;
    app.advance(Duration::from_mins(6)).await;
    app.settle().await;
    let seen = app.order(&mei, &order).await;
    assert_eq!(seen["state"], "rejected");
    assert_eq!(app.ledger().await["intents"][0]["status"], "canceled");
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_is_not_paid_expires_and_late_money_is_not_kept() {
    let (app, shop, mei) = world().await;
    let (cart, quoted) = app.cart(&mei, &shop).await;
    let ordered = app.check_out(&mei, &cart, &quoted).await.expect(201);
    let order = ordered.body["order_id"].as_str().unwrap();
    app.settle().await;
    app.advance(Duration::from_mins(16)).await;
    app.settle().await;
    assert_eq!(app.order(&mei, order).await["state"], "expired");
    assert_eq!(free(&app, &shop, "noodles").await, 1_200);
    let statuses = app.ledger().await;
    assert_eq!(statuses["intents"][0]["status"], "canceled");
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_order_after_capture_is_refunded() {
    let (app, shop, mei) = world().await;
    let order = app.placed_order(&mei, &shop).await;
    let at = |rest: &str| format!("/v1/orders/{order}/{rest}");
    let accepted = app
        .post(&shop.owner, &at("accept"), json!({ "prep_minutes": 10 }))
        .await;
    assert!(accepted.status < 300, "{}", accepted.text);
    app.settle().await;
    let ops = app.ops().await;
    let cancel = json!({ "reason": "the shop has no power", "fault": "shop" });
    let cancelled = app.post(&ops, &at("cancel"), cancel).await;
    assert!(cancelled.status < 300, "{}", cancelled.text);
    app.settle().await;
    let intent = app.ledger().await["intents"][0].clone();
    assert_eq!(intent["amount_refunded"], intent["amount_received"]);
    assert_eq!(free(&app, &shop, "noodles").await, 1_200);
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declined_card_leaves_the_order_waiting_for_another() {
    let (app, shop, mei) = world().await;
    let (cart, quoted) = app.cart(&mei, &shop).await;
    let ordered = app.check_out(&mei, &cart, &quoted).await.expect(201);
    let order = ordered.body["order_id"].as_str().unwrap();
    app.settle().await;
    app.pay(&mei, order, "pm_card_visa_chargeDeclined").await;
    assert_eq!(app.order(&mei, order).await["state"], "awaiting_payment");
    app.pay(&mei, order, "pm_card_visa").await;
    assert_eq!(app.order(&mei, order).await["state"], "placed");
    app.check_books().await;
    app.end().await;
}
