//! One courier at a time: asked for once, called off and asked for again, held at the shop by a check
//! that fails until the shop takes that upon itself.

use serde_json::{Value, json};

use crate::support::{Answer, Session, Shop, TestApp};

/// An order that the shop has taken.
struct Taken {
    app: TestApp,
    shop: Shop,
    mei: Session,
    ops: Session,
    order: String,
}

async fn taken() -> Taken {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let (mei, ops) = (app.customer(1).await, app.ops().await);
    let order = app.placed_order(&mei, &shop).await;
    let accept = format!("/v1/orders/{order}/accept");
    let minutes = json!({ "prep_minutes": 12 });
    app.post(&shop.owner, &accept, minutes).await.expect(200);
    app.settle().await;
    Taken {
        app,
        shop,
        mei,
        ops,
        order,
    }
}

impl Taken {
    async fn request(&self) -> Answer {
        let path = format!("/v1/orders/{}/delivery", self.order);
        self.app.post(&self.ops, &path, json!({})).await
    }

    /// A driver who has this delivery to do.
    async fn driver_for(&self, delivery: &str) -> Session {
        let driver = self.app.driver(1).await;
        let hire = json!({ "name": "Chen Wei", "phone": "+886987654321", "vehicle": "scooter" });
        let hired = self.app.post(&driver, "/v1/drivers", hire).await;
        assert!(hired.status < 300, "{}", hired.text);
        let approve = format!("/v1/drivers/{}/approve", driver.id);
        self.done(&self.ops, &approve, json!({})).await;
        let assign = format!("{delivery}/assign");
        self.done(&self.ops, &assign, json!({ "driver_id": driver.id }))
            .await;
        driver
    }

    async fn done(&self, by: &Session, path: &str, body: Value) {
        let answer = self.app.post(by, path, body).await;
        assert!(answer.status < 300, "{path}: {}", answer.text);
        self.app.settle().await;
    }
}

fn path_of(requested: &Answer) -> String {
    let id = requested.body["delivery_id"].as_str().unwrap();
    format!("/v1/deliveries/{id}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_courier_is_asked_for_only_when_the_first_was_called_off() {
    let taken = taken().await;
    let first = taken.request().await.expect(201);
    let again = taken.request().await.expect(409);
    assert_eq!(again.body["code"], "delivery_already_requested");

    let cancel = format!("{}/cancel", path_of(&first));
    let reason = json!({ "reason": "the scooter broke down" });
    taken.done(&taken.ops, &cancel, reason).await;
    let (one, other) = tokio::join!(taken.request(), taken.request());
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{} {}", one.text, other.text);
    taken.app.settle().await;

    let second = if one.status == 201 { one } else { other };
    let seen = taken.app.order(&taken.mei, &taken.order).await;
    assert_eq!(seen["delivery"]["id"], second.body["delivery_id"]);
    taken.app.check_books().await;
    taken.app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_check_holds_the_bowl_until_the_shop_lets_it_go() {
    let taken = taken().await;
    let delivery = path_of(&taken.request().await.expect(201));
    let driver = taken.driver_for(&delivery).await;
    let at = |rest: &str| format!("{delivery}/{rest}");
    let reason = || json!({ "reason": "the bag is warm enough for three streets" });

    let (owner, let_go) = (&taken.shop.owner, at("pickup-override"));
    let early = taken.app.post(owner, &let_go, reason());
    assert_eq!(early.await.expect(409).body["code"], "not_verified");

    let checks = json!({ "seal": true, "upright": true, "hot_bag": false, "cold_separate": true,
                         "toppings_dry": true });
    let found = json!({ "checks": checks });
    taken.done(&driver, &at("pickup-verification"), found).await;
    let held = taken.app.post(&driver, &at("pick-up"), json!({})).await;
    let fault = &held.expect(409).body["errors"][0];
    assert_eq!(fault["pointer"], "/checks/hot_bag");

    let own = taken.app.post(&driver, &let_go, reason());
    own.await.expect(403);
    let mute = taken.app.post(owner, &let_go, json!({}));
    mute.await.expect(422);
    taken.done(owner, &let_go, reason()).await;
    taken.done(&driver, &at("pick-up"), json!({})).await;
    let seen = taken.app.order(&taken.mei, &taken.order).await;
    assert_eq!(seen["state"], "picked_up");
    assert_eq!(taken.app.breaches().await["breaches"], json!([]));
    taken.app.check_books().await;
    taken.app.end().await;
}
