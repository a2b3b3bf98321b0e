//! Bowls that are cooked again before they leave, and made again after they came: the stock says what that took, the
//! first order keeps its money, and the second costs its customer nothing.

use serde_json::{Value, json};

use crate::support::{Session, Shop, TestApp};

async fn asked(app: &TestApp, by: &Session, order: &str, what: &str, body: Value) -> Value {
    let path = format!("/v1/orders/{order}/{what}");
    let answer = app.post(by, &path, body).await;
    assert!(answer.status < 300, "{what}: {}", answer.text);
    app.settle().await;
    answer.body
}

/// From accepted to packed.
async fn cook(app: &TestApp, shop: &Shop, order: &str) {
    for step in ["lines/1/bowls/1/boiled", "lines/1/bowls/1/sealed", "ready"] {
        asked(app, &shop.owner, order, step, json!({})).await;
    }
}

async fn fire(app: &TestApp, shop: &Shop, order: &str) {
    let prep = json!({ "prep_minutes": 10 });
    asked(app, &shop.owner, order, "accept", prep).await;
    asked(app, &shop.owner, order, "fire", json!({})).await;
}

async fn noodles(app: &TestApp, shop: &Shop) -> Value {
    let stock = app.get(&shop.owner, &shop.path("/stock")).await.expect(200);
    stock.body["ingredients"]
        .as_array()
        .unwrap()
        .iter()
        .find(|ingredient| ingredient["ingredient"] == "noodles")
        .unwrap()
        .clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bowl_that_waited_too_long_is_cooked_again_twice_at_most() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let mei = app.customer(1).await;
    let order = app.placed_order(&mei, &shop).await;
    fire(&app, &shop, &order).await;
    let refire = json!({ "reason": "the courier is late", "fault": "courier" });
    let path = format!("/v1/orders/{order}/refire");
    let early = app.post(&shop.owner, &path, refire.clone()).await;
    assert_eq!(early.problem(422), "no_bowls");
    let before = noodles(&app, &shop).await;
    for _ in 0..2 {
        cook(&app, &shop, &order).await;
        asked(&app, &shop.owner, &order, "refire", refire.clone()).await;
        let again = app.order(&mei, &order).await;
        assert_eq!(
            (&again["state"], &again["ready_at"]),
            (&json!("cooking"), &Value::Null)
        );
    }
    cook(&app, &shop, &order).await;
    let third = app.post(&shop.owner, &path, refire).await;
    assert_eq!(third.problem(409), "refired_enough");
    let after = noodles(&app, &shop).await;
    let taken = before["free"].as_i64().unwrap() - after["free"].as_i64().unwrap();
    assert!(
        taken > 0 && taken == after["wasted"].as_i64().unwrap(),
        "{after}"
    );
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spilled_bowl_is_made_again_for_nothing_once_the_customer_says_so() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let (mei, ops) = (app.customer(1).await, app.ops().await);
    let order = app.placed_order(&mei, &shop).await;
    fire(&app, &shop, &order).await;
    cook(&app, &shop, &order).await;
    let spilled = json!({
        "bowls": [{ "line": 1, "bowl": 1 }], "reason": "spilled", "fault": "courier", "ask": true
    });
    asked(&app, &ops, &order, "remake", spilled.clone()).await;
    let yes = format!("/v1/orders/{order}/remake/accept");
    let stranger = app.customer(2).await;
    assert_eq!(app.post(&stranger, &yes, json!({})).await.status, 404);
    let made = app.post(&mei, &yes, json!({})).await.expect(201);
    let again = app.post(&mei, &yes, json!({})).await.expect(201);
    assert_eq!(made.body["order_id"], again.body["order_id"]);
    app.settle().await;

    let second = made.body["order_id"].as_str().unwrap().to_owned();
    let remake = app.order(&mei, &second).await;
    assert_eq!(remake["remake_of"], json!(order));
    assert_eq!(
        (&remake["total_minor"], &remake["state"]),
        (&json!(0), &json!("placed"))
    );
    let off = remake["quote"].as_array().unwrap();
    assert!(
        off.iter()
            .any(|line| line["payer"] == "courier" && line["kind"] == "discount")
    );
    fire(&app, &shop, &second).await;
    cook(&app, &shop, &second).await;
    let kitchen = app
        .get(&shop.owner, &shop.path("/kitchen"))
        .await
        .expect(200);
    let queue = kitchen.body["orders"].as_array().unwrap();
    assert!(queue.iter().any(|one| one["remake_of"] == json!(order)));

    let path = format!("/v1/orders/{order}/remake");
    let twice = app.post(&ops, &path, spilled).await;
    assert_eq!(twice.problem(409), "already_remade");
    let theirs = json!({ "bowls": [{ "line": 1, "bowl": 1 }], "reason": "x", "fault": "customer" });
    let refused = app.post(&ops, &path, theirs).await;
    assert_eq!(refused.pointers(), ["/fault"]);
    let first = app.order(&mei, &order).await;
    let changes = first["changes"].as_array().unwrap();
    let names: Vec<_> = changes
        .iter()
        .map(|change| change["event"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["accepted", "remake_offered", "remade"]);
    app.check_books().await;
    app.end().await;
}
