//! What a command may cost, as equalities, so that a change is seen (performance §5).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Session, Shop, TestApp, Wire, address};

/// A writer whose statements are counted. Logins are read elsewhere.
struct Counted<'a> {
    app: &'a TestApp,
    wire: Wire,
    base: String,
}

impl<'a> Counted<'a> {
    async fn start(app: &'a TestApp) -> Self {
        let wire = Wire::to(&app.database.options(), &app.tasks).await;
        let base = app.second_writer_over(wire.options()).await;
        Self { app, wire, base }
    }

    /// A write, and how many statements it took.
    async fn send(&self, by: &Session, method: Method, path: &str, body: &Value) -> (Answer, u64) {
        let before = self.wire.statements();
        let answer = self.app.send_to(&self.base, by, method, path, body).await;
        assert!(answer.status < 300, "{path}: {}", answer.text);
        (answer, self.wire.statements() - before)
    }

    /// A cart to be checked out: its path and quote, and what its last change took.
    async fn cart(&self, by: &Session, shop: &Shop) -> (String, Value, u64) {
        let open = json!({ "restaurant_id": shop.id, "channel": "app" });
        let (opened, _) = self.send(by, Method::POST, "/v1/carts", &open).await;
        let path = format!("/v1/carts/{}", opened.body["cart_id"].as_str().unwrap());
        let line = json!({
            "item": "tonkotsu", "quantity": 1, "shortage": "refund",
            "options": [{ "group": "firmness", "option": "kata", "quantity": 1 }]
        });
        self.send(by, Method::POST, &format!("{path}/lines"), &line)
            .await;
        let door = json!({ "type": "delivery", "address": address() });
        self.send(by, Method::PUT, &format!("{path}/fulfilment"), &door)
            .await;
        let tip = json!({ "amount_minor": 50 });
        let (quoted, took) = self
            .send(by, Method::PUT, &format!("{path}/tip"), &tip)
            .await;
        (
            path,
            json!({ "quote_id": quoted.body["quote"]["quote_id"] }),
            took,
        )
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warm_command_is_one_statement() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let counted = Counted::start(&app).await;
    for customer in [app.customer(1).await, app.customer(2).await] {
        let (cart, quote, changed) = counted.cart(&customer, &shop).await;
        // One asks whether the shop is still as it is cached, which the append does not assert.
        assert_eq!(changed, 2, "a change of a cart");
        let path = format!("{cart}/checkout");
        let (_, took) = counted.send(&customer, Method::POST, &path, &quote).await;
        assert_eq!(took, 1, "a checkout");
    }
    let (path, rest) = (shop.path("/pause"), json!({ "reason": "rest" }));
    let (_, took) = counted.send(&shop.owner, Method::POST, &path, &rest).await;
    assert_eq!(took, 1, "a command on one aggregate");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cold_command_is_two_statements() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let counted = Counted::start(&app).await;
    // The connections are opened and what is prepared is prepared, by a command on another shop.
    let other = app.open_shop(2, 10).await;
    let rest = json!({ "reason": "rest" });
    counted
        .send(&other.owner, Method::POST, &other.path("/pause"), &rest)
        .await;
    let (_, took) = counted
        .send(&shop.owner, Method::POST, &shop.path("/pause"), &rest)
        .await;
    assert_eq!(took, 2);
    app.end().await;
}
