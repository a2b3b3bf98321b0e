//! Somebody who fills a cart before signing in, and somebody who wants the same again.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Session, Shop, TestApp, address};

/// A guest with a fresh token.
async fn guest(app: &TestApp) -> Session {
    let begun = app
        .send(None, Method::POST, "/v1/auth/guest", &[], None)
        .await
        .expect(201);
    assert_eq!(begun.header("cache-control"), Some("no-store"));
    Session {
        token: begun.body["cart_token"].as_str().unwrap().to_owned(),
        id: Uuid::nil(),
    }
}

/// A cart with one bowl, a note in it, to be brought.
async fn filled(app: &TestApp, by: &Session, shop: &Shop) -> String {
    let open = json!({ "restaurant_id": shop.id, "channel": "app" });
    let opened = app.post(by, "/v1/carts", open).await;
    assert!(opened.status < 300, "{}", opened.text);
    let cart = format!("/v1/carts/{}", opened.body["cart_id"].as_str().unwrap());
    let bowl = json!({
        "item": "tonkotsu", "quantity": 1, "note": "no spoon",
        "options": [{ "group": "firmness", "option": "kata", "quantity": 1 }]
    });
    let added = app.post(by, &format!("{cart}/lines"), bowl).await;
    assert!(added.status < 300, "{}", added.text);
    let deliver = json!({ "type": "delivery", "address": address() });
    app.put(by, &format!("{cart}/fulfilment"), deliver)
        .await
        .expect(200);
    cart
}

async fn claim(app: &TestApp, by: &Session, cart: &str, token: &str) -> Answer {
    let body = json!({ "cart_token": token });
    app.post(by, &format!("{cart}/claim"), body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guests_cart_becomes_an_order_of_who_signs_in() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let (guest, mei) = (guest(&app).await, app.customer(1).await);
    let cart = filled(&app, &guest, &shop).await;
    app.settle().await;
    let seen = app.get(&guest, &cart).await.expect(200).body;
    assert_eq!(seen["lines"][0]["note"], "no spoon");
    assert_eq!(app.get(&mei, &cart).await.status, 404, "it is the guest's");

    let checkout = json!({ "quote_id": Uuid::nil() });
    let refused = app
        .post(&guest, &format!("{cart}/checkout"), checkout)
        .await;
    assert_eq!(refused.status, 403, "a guest orders nothing");
    assert_eq!(app.get(&guest, "/v1/orders").await.status, 403);

    // What Mei has in the basket already stays there.
    let own = filled(&app, &mei, &shop).await;
    let claimed = claim(&app, &mei, &cart, &guest.token).await.expect(200);
    assert_eq!(
        format!("/v1/carts/{}", claimed.body["cart_id"].as_str().unwrap()),
        own
    );
    let amounts = claimed.body["quote"]["lines"].as_array().unwrap();
    let bowls = amounts.iter().filter(|amount| amount["kind"] == "item");
    assert_eq!(bowls.count(), 2, "{}", claimed.text);
    let again = claim(&app, &mei, &cart, &guest.token).await.expect(200);
    assert_eq!(
        again.body["version"], claimed.body["version"],
        "a repeat adds nothing"
    );

    let ordered = app.check_out(&mei, &own, &claimed).await.expect(201);
    let order = ordered.body["order_id"].as_str().unwrap().to_owned();
    app.settle().await;
    app.pay(&mei, &order, "pm_card_visa").await;
    let order = app.order(&mei, &order).await;
    let notes: Vec<&Value> = order["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| &line["note"])
        .collect();
    assert_eq!(notes, ["no spoon", "no spoon"]);
    assert_eq!(
        app.get(&mei, &cart).await.status,
        404,
        "the guest's cart stays the guest's"
    );
    assert_eq!(
        app.get(&guest, &cart).await.expect(200).body["stage"],
        "claimed"
    );
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_has_the_token_takes_a_cart_over_and_only_once() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let (one, other) = (guest(&app).await, guest(&app).await);
    let (mei, kenji) = (app.customer(1).await, app.customer(2).await);
    let cart = filled(&app, &one, &shop).await;
    let line = json!({ "item": "gyoza", "quantity": 1 });
    let strange = app
        .post(&other, &format!("{cart}/lines"), line.clone())
        .await;
    assert_eq!(strange.status, 404);
    assert_eq!(claim(&app, &mei, &cart, &other.token).await.status, 404);
    for token in ["", "x", &mei.token, &one.token[..one.token.len() - 1]] {
        let refused = claim(&app, &mei, &cart, token).await;
        assert_eq!(refused.problem(422), "cart_token_refused");
        assert_eq!(refused.pointers(), ["/cart_token"]);
    }
    assert_eq!(
        claim(&app, &one, &cart, &one.token).await.status,
        403,
        "a guest has not signed in"
    );

    let (hers, his) = tokio::join!(
        claim(&app, &mei, &cart, &one.token),
        claim(&app, &kenji, &cart, &one.token)
    );
    let mut statuses = [hers.status, his.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", hers.text, his.text);
    let late = app.post(&one, &format!("{cart}/lines"), line).await;
    assert_eq!(late.problem(409), "not_allowed");

    let old = filled(&app, &other, &shop).await;
    app.advance(std::time::Duration::from_hours(25)).await;
    let mei = app.customer(1).await;
    let expired = claim(&app, &mei, &old, &other.token).await;
    assert_eq!(expired.problem(422), "cart_token_refused");
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_again_is_a_cart_with_the_same_dishes() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let (mei, kenji) = (app.customer(1).await, app.customer(2).await);
    let order = app.placed_order(&mei, &shop).await;
    let path = format!("/v1/orders/{order}/reorder");
    assert_eq!(app.post(&kenji, &path, json!({})).await.status, 404);
    let keyless = app.send(Some(&mei), Method::POST, &path, &[], None).await;
    assert_eq!(keyless.problem(400), "idempotency_key_missing");
    let before = app.order(&mei, &order).await;
    let again = app.post(&mei, &path, json!({})).await.expect(200);
    app.settle().await;
    let cart = format!("/v1/carts/{}", again.body["cart_id"].as_str().unwrap());
    let cart = app.get(&mei, &cart).await.expect(200).body;
    let dishes = |lines: &Value| -> Vec<(Value, Value)> {
        let lines = lines.as_array().unwrap().iter();
        lines
            .map(|line| (line["item"].clone(), line["quantity"].clone()))
            .collect()
    };
    assert_eq!(dishes(&cart["lines"]), dishes(&before["lines"]));
    app.check_books().await;
    app.end().await;
}
