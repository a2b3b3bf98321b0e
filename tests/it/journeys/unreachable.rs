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

/// The tablet's heartbeat.
async fn beat(app: &TestApp, shop: &Shop, tablet: &str) -> Answer {
    let path = shop.path(&format!("/devices/{tablet}/heartbeat"));
    app.post(&shop.owner, &path, json!({})).await
}

/// How often devices were heard and missed.
async fn signs(app: &TestApp) -> (i64, i64) {
    sqlx::query_as(
        "SELECT count(*) FILTER (WHERE event_type = 'device_heard'),
                count(*) FILTER (WHERE event_type = 'device_missed')
         FROM es.events WHERE aggregate_type = 'restaurant.restaurant'",
    )
    .fetch_one(&app.database.owner())
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tablet_that_goes_on_beating_keeps_its_shop_selling_and_writes_nothing() {
    let (app, shop, mei) = world().await;
    let id = "00000000-0000-0000-0000-0000000000d1";
    let unknown = beat(&app, &shop, id).await;
    assert_eq!(unknown.problem(404), "device_unknown");
    let tablet = json!({ "id": id, "name": "Counter tablet" });
    let added = app.post(&shop.owner, &shop.path("/devices"), tablet).await;
    assert!(added.status < 300, "{}", added.text);
    let line = async || {
        let staff = app.get(&shop.owner, &shop.path("/staff")).await.expect(200);
        staff.body["devices"][0].clone()
    };
    app.settle().await;
    assert_eq!(line().await["here"], false);
    assert_eq!(line().await["heard_at"], Value::Null);

    for minute in 0..4 {
        if minute == 2 {
            app.placed_order(&mei, &shop).await;
        }
        let heard = beat(&app, &shop, id).await;
        assert!(heard.status < 300, "{}", heard.text);
        assert_eq!(pause(&app, &shop).await, Value::Null, "minute {minute}");
        app.advance(Duration::from_mins(1)).await;
    }
    assert_eq!(signs(&app).await, (1, 0), "one event for four heartbeats");
    assert_eq!(line().await["here"], true);

    // The last was heard a minute ago, and an order waits unseen for two: two more minutes are silence.
    app.advance(Duration::from_secs(119)).await;
    assert_eq!(pause(&app, &shop).await, Value::Null);
    assert_eq!(signs(&app).await, (1, 0));
    app.advance(Duration::from_secs(1)).await;
    app.settle().await;
    assert_eq!(signs(&app).await, (1, 1));
    assert_eq!(pause(&app, &shop).await, "unreachable");
    assert_eq!(line().await["here"], false);

    beat(&app, &shop, id).await;
    assert_eq!(pause(&app, &shop).await, Value::Null);
    assert_eq!((signs(&app).await, pauses(&app).await), ((2, 1), (1, 1)));
    let stranger = app.open_shop(2, 1).await;
    let path = shop.path(&format!("/devices/{id}/heartbeat"));
    let denied = app.post(&stranger.owner, &path, json!({})).await;
    assert_eq!(denied.status, 404, "{}", denied.text);
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
