//! A bowl of ramen from cart to door, and to be picked up.

use serde_json::{Value, json};

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bowl_goes_from_cart_to_door() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let (mei, ops, driver) = (app.customer(1).await, app.ops().await, app.driver(1).await);
    let order = app.placed_order(&mei, &shop).await;
    assert_eq!(app.order(&mei, &order).await["state"], "placed");
    assert_eq!(
        app.ledger().await["intents"][0]["status"],
        "requires_capture"
    );

    let at = |rest: &str| format!("/v1/orders/{order}/{rest}");
    let step = async |rest: &str, body: Value| {
        let answer = app.post(&shop.owner, &at(rest), body).await;
        assert!(answer.status < 300, "{rest}: {}", answer.text);
        app.settle().await;
    };
    step("acknowledge", json!({})).await;
    step("accept", json!({ "prep_minutes": 12 })).await;
    assert_eq!(app.ledger().await["intents"][0]["status"], "succeeded");
    step("fire", json!({})).await;
    step("lines/1/bowls/1/boiled", json!({})).await;
    step("lines/1/bowls/1/sealed", json!({})).await;
    step("ready", json!({})).await;

    let hire = json!({ "name": "Chen Wei", "phone": "+886987654321", "vehicle": "scooter" });
    let hired = app.post(&driver, "/v1/drivers", hire).await;
    assert!(hired.status < 300, "{}", hired.text);
    let approve = format!("/v1/drivers/{}/approve", driver.id);
    assert!(app.post(&ops, &approve, json!({})).await.status < 300);
    let requested = app.post(&ops, &at("delivery"), json!({})).await.expect(201);
    let delivery = format!(
        "/v1/deliveries/{}",
        requested.body["delivery_id"].as_str().unwrap()
    );
    let assigned = app
        .post(
            &ops,
            &format!("{delivery}/assign"),
            json!({ "driver_id": driver.id }),
        )
        .await;
    assert!(assigned.status < 300, "{}", assigned.text);
    app.settle().await;

    let pin = app.order(&mei, &order).await["delivery"]["pin"]
        .as_str()
        .unwrap()
        .to_owned();
    let checks = json!({ "seal": true, "upright": true, "hot_bag": true, "cold_separate": true,
                         "toppings_dry": true });
    for (rest, body) in [
        ("arrive", json!({ "at": "pickup" })),
        ("pickup-verification", json!({ "checks": checks })),
        ("pick-up", json!({})),
        ("depart", json!({})),
        ("arrive", json!({ "at": "dropoff" })),
        ("proof", json!({ "method": "pin", "pin": pin })),
    ] {
        let answer = app.post(&driver, &format!("{delivery}/{rest}"), body).await;
        assert!(answer.status < 300, "{rest}: {}", answer.text);
        app.settle().await;
    }
    assert_eq!(app.order(&mei, &order).await["state"], "delivered");

    app.advance(std::time::Duration::from_hours(49)).await;
    app.settle().await;
    let mei = app.customer(1).await;
    assert_eq!(app.order(&mei, &order).await["state"], "completed");
    let told: Vec<String> = app.get(&mei, &at("timeline")).await.expect(200).body["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["event"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        told,
        [
            "checked_out",
            "promise_made",
            "placed",
            "acknowledged",
            "accepted",
            "fired",
            "bowl_boiled",
            "bowl_sealed",
            "ready",
            "courier_requested",
            "picked_up",
            "delivered",
            "completed"
        ]
    );
    assert_eq!(app.breaches().await["breaches"], json!([]));
    app.check_books().await;
    app.end().await;
}
