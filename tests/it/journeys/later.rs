//! Orders for later: they wait for their window, their shop is asked in time, and what is not there then is said then.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{Answer, Session, Shop, TestApp, address};

/// A window that begins in so many minutes and lasts for half an hour.
fn window(app: &TestApp, minutes: i64) -> Value {
    let from = app.clock.clock().now() + TimeDelta::minutes(minutes);
    let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    json!({ "from": text(from), "to": text(from + TimeDelta::minutes(30)) })
}

/// A cart with so many bowls, wanted at the door then.
async fn cart(
    app: &TestApp,
    customer: &Session,
    shop: &Shop,
    (bowls, window): (u32, Value),
) -> (String, Answer) {
    let open = json!({ "restaurant_id": shop.id, "channel": "app" });
    let opened = app.post(customer, "/v1/carts", open).await.expect(201);
    let path = format!("/v1/carts/{}", opened.body["cart_id"].as_str().unwrap());
    let line = json!({
        "item": "tonkotsu", "quantity": bowls, "shortage": "refund",
        "options": [{ "group": "firmness", "option": "kata", "quantity": 1 }]
    });
    let added = app.post(customer, &format!("{path}/lines"), line).await;
    assert!(added.status < 300, "{}", added.text);
    let deliver = json!({ "type": "delivery", "address": address(), "window": window });
    let quoted = app
        .put(customer, &format!("{path}/fulfilment"), deliver)
        .await;
    assert!(quoted.status < 300, "{}", quoted.text);
    (path, quoted)
}

/// An order that is paid for and waits.
async fn waiting(
    app: &TestApp,
    customer: &Session,
    shop: &Shop,
    wanted: (u32, Value),
) -> (String, Value) {
    let (cart, quoted) = cart(app, customer, shop, wanted).await;
    let ordered = app.check_out(customer, &cart, &quoted).await.expect(201);
    let order = ordered.body["order_id"].as_str().unwrap().to_owned();
    app.settle().await;
    app.pay(customer, &order, "pm_card_visa").await;
    assert_eq!(app.order(customer, &order).await["state"], "scheduled");
    (order, quoted.body["quote"]["schedule"].clone())
}

async fn noodles(app: &TestApp, shop: &Shop) -> Value {
    let stock = app.get(&shop.owner, &shop.path("/stock")).await.expect(200);
    let rows = stock.body["ingredients"].as_array().unwrap().clone();
    let noodles = rows.into_iter().find(|row| row["ingredient"] == "noodles");
    noodles.unwrap()["free"].clone()
}

async fn kitchen(app: &TestApp, shop: &Shop) -> Value {
    let page = app.get(&shop.owner, &shop.path("/kitchen")).await;
    page.expect(200).body
}

/// Goes to the instant at which the shop is asked.
async fn release(app: &TestApp, schedule: &Value) {
    let at: DateTime<Utc> = schedule["release_at"].as_str().unwrap().parse().unwrap();
    let left = (at - app.clock.clock().now()).to_std().unwrap();
    app.advance(left + Duration::from_secs(1)).await;
    app.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_for_later_waits_is_released_and_keeps_its_window() {
    let app = TestApp::start().await;
    let (shop, mei) = (app.open_shop(1, 10).await, app.customer(1).await);
    let wanted = window(&app, 180);
    let (order, schedule) = waiting(&app, &mei, &shop, (2, wanted.clone())).await;
    assert_eq!(schedule["window"], wanted);
    let seen = app.order(&mei, &order).await;
    assert_eq!(seen["promise_earliest"], wanted["from"]);
    assert_eq!(seen["first_promise_latest"], wanted["to"]);
    assert_eq!(seen["release_at"], schedule["release_at"]);
    assert_eq!(noodles(&app, &shop).await, 1_200, "it holds no stock");
    let page = kitchen(&app, &shop).await;
    assert_eq!(page["orders"], json!([]));
    assert_eq!(page["later"][0]["order_id"], json!(order));
    assert_eq!(page["later"][0]["release_at"], schedule["release_at"]);
    let too_early = format!("/v1/orders/{order}/accept");
    let refused = app
        .post(&shop.owner, &too_early, json!({ "prep_minutes": 10 }))
        .await;
    assert_eq!(refused.problem(409), "not_allowed");

    release(&app, &schedule).await;
    assert_eq!(app.order(&mei, &order).await["state"], "placed");
    assert_eq!(noodles(&app, &shop).await, 1_200 - 240);
    let page = kitchen(&app, &shop).await;
    assert_eq!(page["orders"][0]["order_id"], json!(order));
    assert_eq!(page["later"], json!([]));
    let accepted = app
        .post(&shop.owner, &too_early, json!({ "prep_minutes": 12 }))
        .await;
    assert!(accepted.status < 300, "{}", accepted.text);
    app.settle().await;
    let seen = app.order(&mei, &order).await;
    assert_eq!(
        (&seen["promise_earliest"], &seen["promise_latest"]),
        (&wanted["from"], &wanted["to"])
    );
    assert_eq!(app.ledger().await["intents"][0]["status"], "succeeded");
    assert_eq!(app.breaches().await["breaches"], json!([]));
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_when_its_time_has_come_is_left_out_or_ends_it() {
    let app = TestApp::start().await;
    let (shop, mei, lin) = (
        app.open_shop(1, 10).await,
        app.customer(1).await,
        app.customer(2).await,
    );
    let (part, schedule) = waiting(&app, &mei, &shop, (3, window(&app, 120))).await;
    let (none, _) = waiting(&app, &lin, &shop, (1, window(&app, 121))).await;
    let counts = json!({ "counts": [{ "ingredient": "noodles", "counted": 130 }] });
    let counted = app.put(&shop.owner, &shop.path("/stock"), counts).await;
    assert!(counted.status < 300, "{}", counted.text);
    let before = app.order(&mei, &part).await["total_minor"].clone();
    release(&app, &schedule).await;
    app.advance(Duration::from_mins(1)).await;
    app.settle().await;
    let left = app.order(&mei, &part).await;
    assert_eq!(
        (&left["state"], &left["lines"][0]["quantity"]),
        (&json!("placed"), &json!(1))
    );
    assert!(left["total_minor"].as_i64() < before.as_i64());
    let over = app.order(&lin, &none).await;
    assert_eq!(
        (&over["state"], &over["end_reason"], &over["end_fault"]),
        (&json!("cancelled"), &json!("sold_out"), &json!("shop"))
    );
    let intents = app.ledger().await["intents"].clone();
    let of_lin = intents.as_array().unwrap().iter();
    assert_eq!(
        of_lin
            .filter(|intent| intent["status"] == "canceled")
            .count(),
        1
    );
    assert_eq!(noodles(&app, &shop).await, 10);
    assert_eq!(app.breaches().await["breaches"], json!([]));
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_waits_gets_another_window_and_its_shop_may_give_it_up() {
    let app = TestApp::start().await;
    let (shop, mei) = (app.open_shop(1, 10).await, app.customer(1).await);
    let (order, schedule) = waiting(&app, &mei, &shop, (2, window(&app, 180))).await;
    let amend = format!("/v1/orders/{order}/amend");
    let later = window(&app, 240);
    let mut wish = json!({ "window": later, "lines": [{ "line": 1, "quantity": 1 }] });
    let quoted = app.post(&mei, &amend, wish.clone()).await.expect(200);
    wish["quote_id"] = quoted.body["quote"]["quote_id"].clone();
    app.post(&mei, &amend, wish).await.expect(200);
    app.settle().await;
    let seen = app.order(&mei, &order).await;
    assert_eq!(seen["promise_earliest"], later["from"]);
    assert_eq!(seen["wanted_to"], later["to"]);
    // The first timers have moved: it is neither released then nor said to be overdue a while later.
    release(&app, &schedule).await;
    app.advance(Duration::from_mins(12)).await;
    app.settle().await;
    assert_eq!(app.order(&mei, &order).await["state"], "scheduled");
    let path = format!("/v1/orders/{order}/timeline");
    let timeline = app.get(&mei, &path).await.expect(200);
    assert!(!timeline.text.contains("stalled"), "{}", timeline.text);
    let cancel = json!({ "reason": "the stove is broken" });
    let path = format!("/v1/orders/{order}/cancel");
    let cancelled = app.post(&shop.owner, &path, cancel).await;
    assert!(cancelled.status < 300, "{}", cancelled.text);
    app.settle().await;
    let over = app.order(&mei, &order).await;
    assert_eq!(
        (&over["state"], &over["end_fault"]),
        (&json!("cancelled"), &json!("shop"))
    );
    assert_eq!(app.ledger().await["intents"][0]["status"], "canceled");
    app.advance(Duration::from_hours(3)).await;
    app.settle().await;
    assert_eq!(app.order(&mei, &order).await["state"], "cancelled");
    assert_eq!(app.breaches().await["breaches"], json!([]));
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_are_refused_with_their_reasons_and_change_nothing() {
    let app = TestApp::start().await;
    let (shop, mei) = (app.open_shop(1, 10).await, app.customer(1).await);
    let (cart, quoted) = cart(&app, &mei, &shop, (1, window(&app, 180))).await;
    let path = format!("{cart}/fulfilment");
    let version = quoted.header("etag").map(str::to_owned);
    for (window, pointers) in [
        (
            json!({ "from": "soon" }),
            vec!["/window/from", "/window/to"],
        ),
        (json!("tonight"), vec!["/window"]),
        (
            json!({ "from": "2026-11-20T12:00:00Z", "to": "2026-11-20T12:05:00Z" }),
            vec!["/window"],
        ),
    ] {
        let body = json!({ "type": "pickup", "window": window });
        let refused = app.put(&mei, &path, body).await;
        refused.problem(422);
        assert_eq!(refused.pointers(), pointers);
    }
    app.settle().await;
    let read = app.get(&mei, &cart).await.expect(200);
    assert_eq!(read.header("etag").map(str::to_owned), version);
    for (minutes, code) in [(5, "window_too_soon"), (7 * 24 * 60, "window_too_far")] {
        let body = json!({ "type": "pickup", "window": window(&app, minutes) });
        let set = app.put(&mei, &path, body).await;
        assert!(set.status < 300, "{}", set.text);
        let refusal = &set.body["refusals"][0];
        assert_eq!(refusal["code"], code);
        assert_eq!(refusal["pointer"], "/fulfilment/window");
    }
    app.check_books().await;
    app.end().await;
}
