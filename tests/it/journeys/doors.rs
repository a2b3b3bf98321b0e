//! A customer puts the door right while the bowl is on its way, or has it brought to another one.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Session, Shop, TestApp, address};

/// An order to a door that the shop has taken, and the driver whom our staff gave it to.
struct Going {
    app: TestApp,
    shop: Shop,
    mei: Session,
    ops: Session,
    driver: Session,
    order: String,
    delivery: String,
}

impl Going {
    async fn start() -> Self {
        let app = TestApp::start().await;
        let shop = app.open_shop(1, 10).await;
        let (mei, ops, driver) = (app.customer(1).await, app.ops().await, app.driver(1).await);
        let order = app.placed_order(&mei, &shop).await;
        let going = Self {
            app,
            shop,
            mei,
            ops,
            driver,
            order,
            delivery: String::new(),
        };
        let minutes = json!({ "prep_minutes": 12 });
        going
            .done(&going.shop.owner, &going.at("accept"), minutes)
            .await;
        let hire = json!({ "name": "Chen Wei", "phone": "+886987654321", "vehicle": "scooter" });
        going.done(&going.driver, "/v1/drivers", hire).await;
        let approve = format!("/v1/drivers/{}/approve", going.driver.id);
        going.done(&going.ops, &approve, json!({})).await;
        let path = going.at("delivery");
        let asked = going.done(&going.ops, &path, json!({})).await;
        let delivery = asked.body["delivery_id"].as_str().unwrap().to_owned();
        let assign = format!("/v1/deliveries/{delivery}/assign");
        let whom = json!({ "driver_id": going.driver.id });
        going.done(&going.ops, &assign, whom).await;
        Self { delivery, ..going }
    }

    fn at(&self, rest: &str) -> String {
        format!("/v1/orders/{}/{rest}", self.order)
    }

    async fn done(&self, by: &Session, path: &str, body: Value) -> Answer {
        let answer = self.app.post(by, path, body).await;
        assert!(answer.status < 300, "{path}: {}", answer.text);
        self.app.settle().await;
        answer
    }

    async fn carried(&self, rest: &str, body: Value) {
        let path = format!("/v1/deliveries/{}/{rest}", self.delivery);
        self.done(&self.driver, &path, body).await;
    }

    async fn correct(&self, by: &Session, body: Value) -> Answer {
        let (base, path) = (self.app.base.clone(), self.at("door"));
        let method = Method::PATCH;
        let answer = self.app.send_to(&base, by, method, &path, &body).await;
        self.app.settle().await;
        answer
    }

    /// What the driver reads of a transport.
    async fn read(&self, delivery: &str) -> Value {
        let path = format!("/v1/deliveries/{delivery}");
        let answer = self.app.get(&self.ops, &path).await;
        answer.expect(200).body
    }

    async fn story(&self, event: &str) -> usize {
        let story = self.app.get(&self.ops, &self.at("timeline")).await;
        let name = format!("\"event\":\"{event}\"");
        story.expect(200).text.matches(&name).count()
    }
}

/// So many micro-degrees north of the agreed pin: 1,000 are 111 m.
fn north(micro: i32) -> Value {
    json!({ "lat": f64::from(25_045_000 + micro) / 1_000_000.0, "lon": 121.5200 })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_door_is_put_right_while_it_cooks_and_the_courier_sees_it() {
    let going = Box::pin(Going::start()).await;
    going
        .done(&going.shop.owner, &going.at("fire"), json!({}))
        .await;
    let before = going.app.order(&going.mei, &going.order).await;
    let right = || json!({ "door_note": "the green door", "pin": north(1_200) });
    let corrected = going.correct(&going.mei, right()).await.expect(200);
    assert_eq!(corrected.body["id"], json!(going.order));

    let path = format!("/v1/deliveries/{}", going.delivery);
    let seen = going.app.get(&going.driver, &path).await.expect(200).body;
    assert_eq!(seen["dropoff"]["door_note"], "the green door");
    assert_eq!(seen["dropoff"]["pin"], north(1_200));
    assert_eq!(seen["dropoff"]["street"], before["address"]["street"]);
    assert!(seen["dropoff_corrected_at"].is_string());
    let after = going.app.order(&going.mei, &going.order).await;
    assert_eq!(after["address"], seen["dropoff"]);
    for same in ["total_minor", "quote", "lines", "promise_latest", "state"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    let change = after["changes"].as_array().unwrap().last().unwrap();
    assert_eq!(change["event"], "door_corrected");
    assert_eq!(change["facts"], json!({ "by": "customer", "moved_m": 133 }));

    // The same again is nothing new, and 400 m is measured from where it was agreed.
    going.correct(&going.mei, right()).await.expect(200);
    assert_eq!(going.story("door_corrected").await, 1);
    let far = json!({ "pin": north(3_600), "door_note": "elsewhere" });
    let refused = going.correct(&going.mei, far).await;
    assert_eq!(refused.problem(422), "pin_too_far");
    assert_eq!(refused.pointers(), ["/pin"]);
    let creeping = json!({ "pin": north(2_400) });
    let refused = going.correct(&going.mei, creeping).await;
    assert_eq!(refused.problem(422), "pin_too_far");
    let nothing = going.correct(&going.mei, json!({})).await;
    assert_eq!(nothing.problem(422), "invalid_request");
    assert_eq!(nothing.body["errors"][0]["code"], "nothing_corrected");
    let stranger = going.app.customer(2).await;
    assert_eq!(going.correct(&stranger, right()).await.status, 404);
    let note = json!({ "door_note": null });
    assert_eq!(going.correct(&going.driver, note.clone()).await.status, 403);
    assert_eq!(
        going.read(&going.delivery).await["version"],
        seen["version"]
    );

    // On the way our staff take the note back; the proof is measured from where the door is.
    going
        .done(
            &going.shop.owner,
            &going.at("lines/1/bowls/1/boiled"),
            json!({}),
        )
        .await;
    let checks = json!({ "seal": true, "upright": true, "hot_bag": true, "cold_separate": true,
                         "toppings_dry": true });
    going
        .carried("pickup-verification", json!({ "checks": checks }))
        .await;
    going.carried("pick-up", json!({})).await;
    going.correct(&going.ops, note.clone()).await.expect(200);
    let seen = going.read(&going.delivery).await;
    assert_eq!(seen["dropoff"]["pin"], north(1_200));
    assert_eq!(seen["dropoff"].get("door_note"), None);
    going.carried("arrive", json!({ "at": "dropoff" })).await;
    let photo = "ab".repeat(32);
    let proof = json!({ "method": "photo", "media_sha256": photo, "place": north(3_500) });
    going.carried("proof", proof).await;
    let late = going.correct(&going.mei, right()).await;
    assert_eq!(late.problem(409), "not_allowed");
    assert_eq!(going.app.breaches().await["breaches"], json!([]));
    going.app.check_books().await;
    going.app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_door_calls_one_courier_off_and_asks_for_another_once() {
    let going = Box::pin(Going::start()).await;
    let mut elsewhere = json!({ "address": address() });
    elsewhere["address"]["street"] = json!("Section 2, Zhongxiao E Rd 40");
    elsewhere["address"]["pin"] = north(9_000);
    let path = going.at("amend");
    let quoted = going.done(&going.mei, &path, elsewhere.clone()).await;
    let before = going.app.order(&going.mei, &going.order).await;
    assert_eq!(before["delivery"]["id"], json!(going.delivery));
    elsewhere["quote_id"] = quoted.body["quote"]["quote_id"].clone();

    // Four at once under one key are one amendment, as is a fifth afterwards, and one without a key.
    let key = [("idempotency-key", "another-door")];
    let send = || {
        let by = Some(&going.mei);
        going
            .app
            .send(by, Method::POST, &path, &key, Some(&elsewhere))
    };
    let (one, two, three, four) = tokio::join!(send(), send(), send(), send());
    for answer in [one, two, three, four] {
        assert!(answer.status == 200 || answer.problem(409) == "in_flight");
    }
    send().await.expect(200);
    let keyless = going.app.post(&going.mei, &path, elsewhere.clone()).await;
    keyless.expect(200);
    going.app.settle().await;

    let after = going.app.order(&going.mei, &going.order).await;
    let new = after["delivery"]["id"].as_str().unwrap();
    assert_ne!(new, going.delivery);
    assert_eq!(after["delivery"]["stage"], "requested");
    assert_ne!(after["delivery"]["pin"], before["delivery"]["pin"]);
    let off = going.read(&going.delivery).await;
    assert_eq!(off["stage"], "cancelled");
    assert_eq!(off["end_reason"], "it goes to another door");
    let asked = going.read(new).await;
    assert_eq!(asked["dropoff"]["pin"], north(9_000));
    assert_eq!(going.story("courier_requested").await, 2);
    assert_eq!(going.story("amended").await, 1);

    // A door that is put right now is the new one's, and so is the pin that it is measured against.
    let right = json!({ "pin": north(10_000) });
    going.correct(&going.mei, right).await.expect(200);
    let asked = going.read(new).await;
    assert_eq!(asked["dropoff"]["pin"], north(10_000));
    assert_eq!(going.app.breaches().await["breaches"], json!([]));
    going.app.check_books().await;
    going.app.end().await;
}
