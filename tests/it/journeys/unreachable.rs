//! A shop that nobody answers for: it is paused by itself, once, and takes orders again when somebody answers.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, Session, Shop, TestApp};

async fn world() -> (TestApp, Shop, Session) {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 20).await;
    let mei = app.customer(1).await;
    (app, shop, mei)
}

/// Why the shop is paused; nothing while it takes orders.
async fn pause(app: &TestApp, shop: &Shop) -> Value {
    app.settle().await;
    let page = app.get(&shop.owner, &shop.path("")).await.expect(200).body;
    page["pause_kind"].clone()
}

/// How often the shop was paused and resumed.
async fn pauses(app: &TestApp) -> (i64, i64) {
    sqlx::query_as(
        "SELECT count(*) FILTER (WHERE event_type = 'paused'), count(*) FILTER (WHERE event_type = 'resumed')
         FROM es.events WHERE aggregate_type = 'restaurant.restaurant'",
    )
    .fetch_one(&app.database.owner())
    .await
    .unwrap()
}

async fn shown_by(app: &TestApp, shop: &Shop, order: &str, device: &str) -> Answer {
    let path = format!("/v1/orders/{order}/acknowledge");
    app.post(&shop.owner, &path, json!({ "device": device }))
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_pauses_a_shop_until_one_of_its_devices_answers() {
    let (app, shop, mei) = world().await;
    let tablet = json!({ "id": "00000000-0000-0000-0000-0000000000d1", "name": "Counter tablet" });
    let added = app.post(&shop.owner, &shop.path("/devices"), tablet).await;
    assert!(added.status < 300, "{}", added.text);
    let order = app.placed_order(&mei, &shop).await;
    app.advance(Duration::from_secs(179)).await;
    assert_eq!(pause(&app, &shop).await, Value::Null);
    app.advance(Duration::from_secs(1)).await;
    assert_eq!(pause(&app, &shop).await, "unreachable");
    let kitchen = app
        .get(&shop.owner, &shop.path("/kitchen"))
        .await
        .expect(200)
        .body;
    assert_eq!(
        kitchen["orders"][0]["order_id"], order,
        "what was placed is still to be decided"
    );

    let stranger = shown_by(&app, &shop, &order, "Kitchen tablet").await;
    assert_eq!(stranger.problem(422), "device_unknown");
    assert_eq!(stranger.pointers(), ["/device"]);
    assert!(!stranger.text.contains("Counter"), "{}", stranger.text);
    assert_eq!(pause(&app, &shop).await, "unreachable");

    let known = shown_by(&app, &shop, &order, "Counter tablet").await;
    assert!(known.status < 300, "{}", known.text);
    assert_eq!(pause(&app, &shop).await, Value::Null);
    assert_eq!(pauses(&app).await, (1, 1));
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_orders_in_a_row_that_nobody_takes_pause_a_shop_until_its_owner_resumes() {
    let (app, shop, mei) = world().await;
    for number in 0..2 {
        assert_eq!(pause(&app, &shop).await, Value::Null);
        let order = app.placed_order(&mei, &shop).await;
        // A tablet shows it, but there is nobody in front of it.
        let shown = format!("/v1/orders/{order}/acknowledge");
        app.post(&shop.owner, &shown, json!({})).await;
        app.advance(Duration::from_mins(5)).await;
        app.settle().await;
        assert_eq!(
            app.order(&mei, &order).await["state"],
            "rejected",
            "order {number}"
        );
    }
    assert_eq!(pause(&app, &shop).await, "unreachable");
    let resumed = app
        .post(&shop.owner, &shop.path("/resume"), json!({}))
        .await;
    assert!(resumed.status < 300, "{}", resumed.text);
    assert_eq!(pause(&app, &shop).await, Value::Null);
    assert_eq!(pauses(&app).await, (1, 1));
    app.check_books().await;
    app.end().await;
}
