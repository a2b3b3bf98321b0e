//! Orders that are changed by their customer before they cook, counted short by their shop, taken care of by our staff,
//! or forgotten by everybody.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Session, Shop, TestApp};

async fn asked(app: &TestApp, by: &Session, order: &str, what: &str, body: Value) -> Value {
    let path = format!("/v1/orders/{order}/{what}");
    let answer = app.post(by, &path, body).await;
    assert!(answer.status < 300, "{what}: {}", answer.text);
    app.settle().await;
    answer.body
}

/// A paid order for so many bowls.
async fn placed(app: &TestApp, mei: &Session, shop: &Shop, bowls: u32) -> String {
    let open = json!({ "restaurant_id": shop.id, "channel": "app" });
    let opened = app.post(mei, "/v1/carts", open).await.expect(201);
    let cart = format!("/v1/carts/{}", opened.body["cart_id"].as_str().unwrap());
    let bowl = json!({
        "item": "tonkotsu", "quantity": bowls,
        "options": [{ "group": "firmness", "option": "kata", "quantity": 1 }]
    });
    let added = app.post(mei, &format!("{cart}/lines"), bowl).await;
    assert!(added.status < 300, "{}", added.text);
    let quoted = app
        .put(
            mei,
            &format!("{cart}/fulfilment"),
            json!({ "type": "pickup" }),
        )
        .await;
    let ordered = app.check_out(mei, &cart, &quoted).await.expect(201);
    let order = ordered.body["order_id"].as_str().unwrap().to_owned();
    app.settle().await;
    app.pay(mei, &order, "pm_card_visa").await;
    order
}

async fn kept(app: &TestApp) -> i64 {
    let intent = app.ledger().await["intents"][0].clone();
    let part = |name: &str| intent[name].as_i64().unwrap();
    part("amount_received") - part("amount_refunded")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_changed_at_a_quote_within_what_was_authorised() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let mei = app.customer(1).await;
    let order = placed(&app, &mei, &shop, 2).await;
    let before = app.order(&mei, &order).await;
    let path = format!("/v1/orders/{order}/amend");
    let mut wish = json!({ "lines": [{ "line": 1, "quantity": 1 }],
                           "add": [{ "item": "gyoza", "quantity": 1, "note": "no chives" }] });
    let quoted = asked(&app, &mei, &order, "amend", wish.clone()).await;
    assert_eq!(quoted["amended"], json!(false));
    let total = quoted["quote"]["total_minor"].as_i64().unwrap();
    assert_eq!(total, before["total_minor"].as_i64().unwrap() - 950 + 400);
    wish["quote_id"] = quoted["quote"]["quote_id"].clone();
    let stranger = app.customer(2).await;
    assert_eq!(app.post(&stranger, &path, wish.clone()).await.status, 404);
    asked(&app, &mei, &order, "amend", wish.clone()).await;
    let amended = app.order(&mei, &order).await;
    assert_eq!(amended["total_minor"], json!(total));
    assert_eq!(amended["number"], before["number"]);
    assert_eq!(
        amended["first_promise_latest"],
        before["first_promise_latest"]
    );
    assert_eq!(amended["lines"][1]["item"], "gyoza");
    assert_eq!(amended["lines"][1]["note"], "no chives");
    let stale = app.post(&mei, &path, wish).await;
    assert_eq!(stale.problem(409), "quote_changed");

    let more = json!({ "lines": [{ "line": 1, "quantity": 3 }] });
    let quoted = asked(&app, &mei, &order, "amend", more.clone()).await;
    let mut more = more;
    more["quote_id"] = quoted["quote"]["quote_id"].clone();
    let refused = app.post(&mei, &path, more).await;
    assert_eq!(refused.problem(409), "more_than_authorised");
    asked(
        &app,
        &shop.owner,
        &order,
        "accept",
        json!({ "prep_minutes": 10 }),
    )
    .await;
    assert_eq!(kept(&app).await, total, "less is taken");
    asked(&app, &shop.owner, &order, "fire", json!({})).await;
    let mut late = json!({ "lines": [{ "line": 2, "quantity": 0 }] });
    let quoted = asked(&app, &mei, &order, "amend", late.clone()).await;
    late["quote_id"] = quoted["quote"]["quote_id"].clone();
    let refused = app.post(&mei, &path, late).await;
    assert_eq!(refused.problem(409), "not_allowed", "it cooks");
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_that_is_too_low_runs_out_for_the_newest_orders_once() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let (mei, jun) = (app.customer(1).await, app.customer(2).await);
    let (first, second) = (
        placed(&app, &mei, &shop, 2).await,
        placed(&app, &jun, &shop, 2).await,
    );
    let count = json!({ "counts": [{ "ingredient": "noodles", "counted": 3 * 120 }] });
    let path = shop.path("/stock/recount");
    let counted = app.post(&shop.owner, &path, count).await;
    assert!(counted.status < 300, "{}", counted.text);
    app.settle().await;
    let (older, newer) = (
        app.order(&mei, &first).await,
        app.order(&jun, &second).await,
    );
    assert_eq!(older["lines"][0]["quantity"], 2);
    assert_eq!(newer["lines"][0]["quantity"], 1, "{newer}");
    let names: Vec<_> = newer["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["event"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["short_reported", "short_settled"]);
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_acts_in_the_shops_place_says_why_and_what_stands_still_is_found() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let (mei, ops) = (app.customer(1).await, app.ops().await);
    let order = placed(&app, &mei, &shop, 1).await;
    let path = format!("/v1/orders/{order}/on-behalf");
    let accept = json!({ "type": "accept", "prep_minutes": 10 });
    let silent = app.post(&ops, &path, json!({ "command": accept })).await;
    assert_eq!(silent.pointers(), ["/reason"]);
    let why = json!({ "command": accept, "reason": "their tablet is broken" });
    assert_eq!(app.post(&shop.owner, &path, why.clone()).await.status, 403);
    asked(&app, &ops, &order, "on-behalf", why.clone()).await;
    asked(&app, &ops, &order, "on-behalf", why).await;
    let timeline = format!("/v1/orders/{order}/timeline");
    let story = app.get(&ops, &timeline).await.expect(200);
    assert_eq!(story.text.matches("acted_on_behalf").count(), 1);
    assert!(story.text.contains("their tablet is broken"));
    let short = json!({ "line": 1, "units": 1 });
    let refused = app
        .post(&ops, &format!("/v1/orders/{order}/short"), short)
        .await;
    assert_eq!(refused.pointers(), ["/reason"]);

    app.advance(Duration::from_mins(61)).await;
    app.settle().await;
    let story = app.get(&ops, &timeline).await.expect(200);
    assert_eq!(
        story.text.matches("\"stalled\"").count(),
        1,
        "{}",
        story.text
    );
    let stuck = app.get(&ops, "/v1/ops/orders?stuck=true").await.expect(200);
    let found = &stuck.body["orders"][0];
    assert_eq!(found["id"], json!(order));
    assert_eq!(found["on_behalf"], "their tablet is broken");
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_order_stands_in_the_queue_with_its_waves() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let capacity = json!({ "capacity": { "baskets": 1, "bowls_per_slot": 2 } });
    let set = app
        .put(&shop.owner, &shop.path("/capacity"), capacity)
        .await;
    assert!(set.status < 300, "{}", set.text);
    app.settle().await;
    let mei = app.customer(1).await;
    placed(&app, &mei, &shop, 3).await;
    let kitchen = app
        .get(&shop.owner, &shop.path("/kitchen"))
        .await
        .expect(200);
    let waves = kitchen.body["orders"][0]["waves"].as_array().unwrap();
    let bowls: Vec<_> = waves.iter().map(|wave| &wave["bowls"]).collect();
    assert_eq!(bowls, [2, 1]);
    assert!(waves[0]["starts"].as_str() < waves[1]["starts"].as_str());
    app.check_books().await;
    app.end().await;
}
