//! A kitchen fills up, its shop closes for the day, and everybody is told.

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Session, Shop, TestApp};

fn codes(answer: &Answer) -> Vec<&str> {
    let refusals = answer.body["refusals"].as_array();
    refusals
        .into_iter()
        .flatten()
        .map(|fault| fault["code"].as_str().unwrap())
        .collect()
}

fn prep(answer: &Answer) -> u64 {
    answer.body["quote"]["promise"]["prep"].as_u64().unwrap()
}

/// A shop whose boiler takes one order of one bowl in ten minutes.
async fn slow_shop(app: &TestApp) -> Shop {
    let shop = app.open_shop(1, 50).await;
    let capacity =
        json!({ "capacity": { "baskets": 1, "bowls_per_slot": 1, "max_bowls_per_order": 3 } });
    let set = app
        .put(&shop.owner, &shop.path("/capacity"), capacity)
        .await;
    assert!(set.status < 300, "{}", set.text);
    app.settle().await;
    shop
}

async fn ordered(app: &TestApp, customer: &Session, shop: &Shop) -> u64 {
    let (cart, quoted) = app.cart(customer, shop).await;
    let done = app.check_out(customer, &cart, &quoted).await;
    assert_eq!(done.status, 201, "{}", done.text);
    prep(&quoted)
}

async fn promised(app: &TestApp, shop: &Shop) -> Value {
    let path = shop.path("/promise?fulfilment=delivery");
    let read = app.send(None, Method::GET, &path, &[], None).await;
    read.expect(200).body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_order_is_promised_after_those_before_it_until_no_more_are() {
    let app = TestApp::start().await;
    let shop = slow_shop(&app).await;
    let mut last = 0;
    for number in 0..7 {
        let customer = app.customer(number).await;
        let promised = ordered(&app, &customer, &shop).await;
        assert!(promised > last || number == 0, "{promised} after {last}");
        last = promised;
    }
    assert!((60..=75).contains(&last), "{last}");
    let (_, refused) = app.cart(&app.customer(9).await, &shop).await;
    assert_eq!(codes(&refused), ["kitchen_full"]);
    app.settle().await;
    let stock = app.get(&shop.owner, &shop.path("/stock")).await.expect(200);
    let slots = stock.body["kitchen"].as_array().unwrap();
    assert!(slots.iter().all(|slot| slot["bowls"] == 1), "{slots:?}");
    // Nobody pays: the payment timers give every slot back with the stock.
    app.advance(std::time::Duration::from_mins(16)).await;
    app.settle().await;
    let earliest = promised(&app, &shop).await["earliest"].clone();
    assert!(earliest.is_string(), "{earliest}");
    let page = app.get(&shop.owner, &shop.path("/stock")).await.expect(200);
    assert_eq!(page.body["kitchen"], json!([]));
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_that_closes_for_today_opens_with_the_next_date() {
    let app = TestApp::start().await;
    let shop = slow_shop(&app).await;
    let body = json!({ "reason": "out of broth" });
    let closed = app
        .post(&shop.owner, &shop.path("/close-today"), body)
        .await;
    assert!(closed.status < 300, "{}", closed.text);
    app.settle().await;
    let read = app.send(None, Method::GET, &shop.path(""), &[], None).await;
    let page = read.expect(200).body;
    assert_eq!(
        (&page["paused"], &page["pause_kind"]),
        (&json!(true), &json!("closed_today"))
    );
    assert_eq!(page["now"]["open"], false);
    assert_eq!(page["now"]["opens_at"], page["paused_until"]);
    let opens: DateTime<Utc> = page["paused_until"].as_str().unwrap().parse().unwrap();
    assert!(opens > app.clock.clock().now());
    let (_, refused) = app.cart(&app.customer(1).await, &shop).await;
    assert!(codes(&refused).contains(&"shop_paused"), "{}", refused.text);
    let unreachable = json!({ "reason": "nobody answers" });
    let denied = app
        .post(&shop.owner, &shop.path("/unreachable"), unreachable.clone())
        .await;
    assert_eq!(denied.status, 403, "{}", denied.text);
    let marked = app
        .post(&app.ops().await, &shop.path("/unreachable"), unreachable)
        .await;
    assert!(marked.status < 300, "{}", marked.text);
    app.settle().await;
    let read = app.send(None, Method::GET, &shop.path(""), &[], None).await;
    assert_eq!(read.body["pause_kind"], "unreachable");
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_and_devices_are_known_to_their_shop_alone() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 1).await;
    let (cook, tablet) = (uuid::Uuid::from_u128(71), uuid::Uuid::from_u128(72));
    let person = json!({ "id": cook, "name": "Sentinel Sato", "role": "cook" });
    let device = json!({ "id": tablet, "name": "Kitchen tablet" });
    for (part, body) in [("/staff", person), ("/devices", device)] {
        let added = app.post(&shop.owner, &shop.path(part), body).await;
        assert!(added.status < 300, "{}", added.text);
    }
    app.settle().await;
    let read = app.get(&shop.owner, &shop.path("/staff")).await.expect(200);
    assert_eq!(read.body["staff"][0]["name"], "Sentinel Sato");
    assert_eq!(read.body["devices"][0]["name"], "Kitchen tablet");
    let other = app.open_shop(2, 1).await;
    let denied = app.get(&other.owner, &shop.path("/staff")).await;
    assert_eq!(denied.status, 404, "{}", denied.text);
    let kept: Vec<(String,)> =
        sqlx::query_as("SELECT payload::text FROM es.events WHERE event_type = 'staff_added'")
            .fetch_all(&app.database.owner())
            .await
            .unwrap();
    assert!(kept.iter().all(|(text,)| !text.contains("Sato")) && kept.len() == 1);
    let path = shop.path(&format!("/staff/{cook}"));
    let gone = app
        .send(
            Some(&shop.owner),
            Method::DELETE,
            &path,
            &[("idempotency-key", "gone-1234567890")],
            None,
        )
        .await;
    assert!(gone.status < 300, "{}", gone.text);
    app.settle().await;
    let read = app.get(&shop.owner, &shop.path("/staff")).await.expect(200);
    assert_eq!(read.body["staff"], json!([]));
    app.check_books().await;
    app.end().await;
}
