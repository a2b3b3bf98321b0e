//! Orders that change on their way: something runs out, the kitchen is late, the customer comes for it.
//! The vendor's ledger always says what the order does.

use serde_json::{Value, json};

use crate::support::{Session, Shop, TestApp, address};

/// A paid order for one bowl, about which the customer is asked, and three plates of gyoza.
async fn placed(app: &TestApp, mei: &Session, shop: &Shop) -> String {
    let open = json!({ "restaurant_id": shop.id, "channel": "app" });
    let opened = app.post(mei, "/v1/carts", open).await.expect(201);
    let cart = format!("/v1/carts/{}", opened.body["cart_id"].as_str().unwrap());
    let bowl = json!({
        "item": "tonkotsu", "quantity": 1, "shortage": "ask",
        "options": [{ "group": "firmness", "option": "kata", "quantity": 1 }]
    });
    let plates = json!({ "item": "gyoza", "quantity": 3, "shortage": "refund", "options": [] });
    for line in [bowl, plates] {
        let added = app.post(mei, &format!("{cart}/lines"), line).await;
        assert!(added.status < 300, "{}", added.text);
    }
    let deliver = json!({ "type": "delivery", "address": address() });
    let quoted = app.put(mei, &format!("{cart}/fulfilment"), deliver).await;
    let ordered = app.check_out(mei, &cart, &quoted).await.expect(201);
    let order = ordered.body["order_id"].as_str().unwrap().to_owned();
    app.settle().await;
    app.pay(mei, &order, "pm_card_visa").await;
    order
}

async fn asked(app: &TestApp, by: &Session, order: &str, what: &str, body: Value) -> Value {
    let path = format!("/v1/orders/{order}/{what}");
    let answer = app.post(by, &path, body).await;
    assert!(answer.status < 300, "{what}: {}", answer.text);
    app.settle().await;
    answer.body
}

/// What the vendor kept of the one payment.
async fn kept(app: &TestApp) -> i64 {
    let intent = app.ledger().await["intents"][0].clone();
    let part = |name: &str| intent[name].as_i64().unwrap();
    part("amount_received") - part("amount_refunded")
}

fn changes(order: &Value) -> Vec<&str> {
    let changes = order["changes"].as_array().unwrap();
    changes
        .iter()
        .map(|change| change["event"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_out_is_left_out_or_replaced_and_only_the_rest_is_paid_for() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let mei = app.customer(1).await;
    let order = placed(&app, &mei, &shop).await;
    let agreed = app.order(&mei, &order).await["total_minor"]
        .as_i64()
        .unwrap();

    let short = json!({ "line": 2, "units": 1 });
    asked(&app, &shop.owner, &order, "short", short.clone()).await;
    let left = app.order(&mei, &order).await;
    assert_eq!(left["total_minor"], agreed - 400);
    assert_eq!(left["lines"][1]["quantity"], 2);

    let prep = json!({ "prep_minutes": 10 });
    asked(&app, &shop.owner, &order, "accept", prep).await;
    assert_eq!(kept(&app).await, agreed - 400, "less is taken");
    asked(&app, &shop.owner, &order, "short", short).await;
    assert_eq!(kept(&app).await, agreed - 800, "the difference goes back");

    let offer = json!({ "line": 1, "units": 1, "substitute": { "item": "gyoza" } });
    let noted = asked(&app, &shop.owner, &order, "short", offer).await;
    let answer = format!("short/{}/answer", noted["short"].as_str().unwrap());
    let instead = json!({ "answer": "substitute" });
    asked(&app, &mei, &order, &answer, instead.clone()).await;
    asked(&app, &mei, &order, &answer, instead).await;
    let replaced = app.order(&mei, &order).await;
    assert_eq!(replaced["lines"][1]["item"], "gyoza");
    assert_eq!(replaced["total_minor"], agreed - 800 - (950 - 400));
    assert_eq!(kept(&app).await, replaced["total_minor"].as_i64().unwrap());
    let expected = [
        "short_reported",
        "short_settled",
        "accepted",
        "short_reported",
        "short_settled",
        "short_reported",
        "short_settled",
    ];
    assert_eq!(changes(&replaced), expected);

    let path = format!("/v1/orders/{order}/short");
    let too_many = json!({ "line": 2, "units": 9 });
    let refused = app.post(&shop.owner, &path, too_many).await;
    assert_eq!(refused.problem(422), "not_so_many_units");
    assert_eq!(refused.pointers(), ["/units"]);
    let unknown = json!({ "line": 2, "units": 1, "substitute": { "item": "pizza" } });
    let refused = app.post(&shop.owner, &path, unknown).await;
    assert_eq!(refused.pointers(), ["/substitute/item"]);
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_kitchen_and_a_customer_who_comes_for_it() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let mei = app.customer(1).await;
    let order = app.placed_order(&mei, &shop).await;
    let before = app.order(&mei, &order).await;
    let fee = before["quote"]
        .as_array()
        .unwrap()
        .iter()
        .find(|line| line["kind"] == "delivery_fee")
        .map_or(0, |line| line["amount_minor"].as_i64().unwrap());
    assert!(fee > 0, "bringing it costs something");

    let prep = json!({ "prep_minutes": 10 });
    asked(&app, &shop.owner, &order, "accept", prep).await;
    let accepted = app.order(&mei, &order).await;
    let later = json!({ "prep_minutes": 25, "reason": "the boiler" });
    asked(&app, &shop.owner, &order, "delay", later).await;
    let delayed = app.order(&mei, &order).await;
    assert_eq!(delayed["prep_minutes"], 25);
    assert!(delayed["promise_latest"].as_str() > accepted["promise_latest"].as_str());
    let earlier = json!({ "prep_minutes": 15, "reason": "it works again" });
    let path = format!("/v1/orders/{order}/delay");
    let refused = app.post(&shop.owner, &path, earlier).await;
    assert_eq!(refused.problem(409), "not_later");

    asked(&app, &mei, &order, "switch-to-pickup", json!({})).await;
    let fetched = app.order(&mei, &order).await;
    assert_eq!(fetched["fulfilment"], "pickup");
    assert_eq!(fetched["address"], Value::Null);
    let total = before["total_minor"].as_i64().unwrap() - fee;
    assert_eq!(fetched["total_minor"], total);
    assert_eq!(kept(&app).await, total);
    for step in [
        "fire",
        "lines/1/bowls/1/boiled",
        "lines/1/bowls/1/sealed",
        "ready",
        "collect",
    ] {
        asked(&app, &shop.owner, &order, step, json!({})).await;
    }
    let eaten = app.order(&mei, &order).await;
    assert_eq!(eaten["state"], "delivered");
    assert_eq!(
        changes(&eaten),
        ["accepted", "promise_moved", "switched_to_pickup"]
    );
    app.check_books().await;
    app.end().await;
}
