//! Effects while something is broken: what waits is neither lost nor in others' way.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;

impl TestApp {
    /// Makes every call to the vendor fail, unexecuted.
    async fn vendor_down(&self) {
        let rule = json!({
            "match": { "path": "/v1/*" }, "fault": { "name": "status_burst", "status": 503 }
        });
        let answer = self
            .client
            .post(format!("{}/_sim/faults", self.vendor))
            .json(&rule);
        assert!(answer.send().await.unwrap().status().is_success());
    }

    async fn vendor_up(&self) {
        let answer = self
            .client
            .request(Method::DELETE, format!("{}/_sim/faults", self.vendor));
        assert!(answer.send().await.unwrap().status().is_success());
    }

    /// Of the effects that are not done: how many are open, how many parked, and the most attempts.
    async fn open_effects(&self) -> (i64, i64, i32) {
        sqlx::query_as(
            "SELECT count(*) FILTER (WHERE status <> 'parked'),
                    count(*) FILTER (WHERE status = 'parked'), coalesce(max(attempts), 0)
             FROM ops.effects WHERE status <> 'done'",
        )
        .fetch_one(&self.database.owner())
        .await
        .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vendor_that_is_away_for_hours_is_paid_out_when_it_is_back() {
    const ORDERS: i64 = 3;
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let mut orders = Vec::new();
    for number in 0..3 {
        orders.push(app.placed_order(&app.customer(number).await, &shop).await);
    }
    app.vendor_down().await;
    for order in &orders {
        let path = format!("/v1/orders/{order}/accept");
        let accepted = app
            .post(&shop.owner, &path, json!({ "prep_minutes": 10 }))
            .await;
        assert!(accepted.status < 300, "{}", accepted.text);
    }
    app.work().await;
    // Two minutes, a second at a time: a pause that did not grow would be 120 attempts each.
    for _ in 0..120 {
        app.advance(Duration::from_secs(1)).await;
        app.work().await;
    }
    let (open, parked, attempts) = app.open_effects().await;
    assert_eq!((open, parked), (ORDERS, 0));
    assert!(attempts < 24, "{attempts} attempts in two minutes");
    for _ in 0..6 {
        app.advance(Duration::from_hours(1)).await;
        app.work().await;
    }
    assert_eq!(app.open_effects().await.1, 0, "{:?}", app.postponed().await);
    app.vendor_up().await;
    for _ in 0..12 {
        app.advance(Duration::from_secs(30)).await;
        app.work().await;
    }
    app.settle().await;
    let ledger = app.ledger().await;
    for intent in ledger["intents"].as_array().unwrap() {
        assert_eq!(intent["status"], "succeeded", "{intent}");
    }
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_effect_that_nobody_understands_stops_no_other() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let mei = app.customer(1).await;
    let order = app.placed_order(&mei, &shop).await;
    for kind in ["command", "payment"] {
        sqlx::query(
            "INSERT INTO ops.effects
                 (effect_id, process, instance, kind, effect, status, due_at, created_at)
             VALUES (gen_random_uuid(), 'planted', gen_random_uuid(), $1,
                     '{\"type\":\"from the future\"}', 'pending', $2, $2)",
        )
        .bind(kind)
        .bind(app.clock.clock().now() - Duration::from_hours(1))
        .execute(&app.database.owner())
        .await
        .unwrap();
    }
    let path = format!("/v1/orders/{order}/accept");
    let accepted = app
        .post(&shop.owner, &path, json!({ "prep_minutes": 10 }))
        .await;
    assert!(accepted.status < 300, "{}", accepted.text);
    app.work().await;
    assert_eq!(app.open_effects().await, (0, 2, 1));
    assert_eq!(app.ledger().await["intents"][0]["status"], "succeeded");
    let seen: Value = app.order(&mei, &order).await;
    assert_eq!(seen["state"], "accepted");
    app.end().await;
}
