//! What a command may cost, as equalities, so that a change is seen (performance §5).

use command_api::publisher::{Sequencer, handover};
use domain::decider::Event as _;
use domain::ordering::order::OrderEvent;
use domain::restaurant::inventory::InventoryEvent;
use infra::applied::AppliedHub;
use infra::clock::Clock;
use infra::event_store::EventLog;
use infra::feed::{HeadWatch, StoreFeed};
use infra::http::health::Readiness;
use infra::lifecycle::{Doorbell, Loop as _, Progress, Tasks};
use infra::postgres::Role;
use infra::testing::TestDatabase;
use projector::{Announce, Parts, Projector};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

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

/// One statement, and up to four times a second one that asks whether the shop is still as it is cached,
/// which the append does not assert.
fn assert_cart_changed_by(statements: u64) {
    assert!(
        (1..=2).contains(&statements),
        "a change of a cart took {statements}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warm_command_is_one_statement() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let counted = Counted::start(&app).await;
    for customer in [app.customer(1).await, app.customer(2).await] {
        let (cart, quote, changed) = counted.cart(&customer, &shop).await;
        assert_cart_changed_by(changed);
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
async fn promotions_cost_a_checkout_no_statement() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let counted = Counted::start(&app).await;
    let mut given: u32 = 0;
    for (customer, promotions) in [(1, 0), (2, 10), (3, 1_000)] {
        while given < promotions {
            // A book takes twenty that need no code.
            let code = (given >= 20).then(|| format!("code{given}"));
            let terms = json!({
                "issuer": { "type": "shop", "restaurant": shop.id }, "name": { "en": "A yen off" },
                "target": { "type": "order" }, "platform_bp": 0, "code": code,
                "currency": "JPY", "reduction": { "type": "amount", "amount_minor": 1 }
            });
            let path = "/v1/promotions";
            counted.send(&shop.owner, Method::POST, path, &terms).await;
            given += 1;
        }
        let customer = app.customer(customer).await;
        let (cart, quote, changed) = counted.cart(&customer, &shop).await;
        assert_cart_changed_by(changed);
        let path = format!("{cart}/checkout");
        let (_, took) = counted.send(&customer, Method::POST, &path, &quote).await;
        assert_eq!(took, 1, "a checkout, {promotions} promotions");
    }
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

/// A projector whose statements are counted, with all that a lone event meets on its way to it.
struct Folding {
    database: TestDatabase,
    sequencer: Sequencer,
    projector: Projector,
    wire: Wire,
    sequence: i64,
    tasks: Tasks,
}

impl Folding {
    async fn start() -> Self {
        let (database, clock) = (TestDatabase::create().await, Clock::system());
        let tasks = Tasks::new(clock.clone());
        let wire = Wire::to(&database.options(), &tasks).await;
        let (leadership, _handed) = handover(Doorbell::new());
        let head = HeadWatch::default();
        let log = EventLog::new(database.pool(Role::Projector));
        let projector = Projector::new(Parts {
            feed: Box::new(StoreFeed::new(log.clone(), &head)),
            pool: infra::postgres::pool(wire.options(), Role::Projector, 1),
            log,
            hub: AppliedHub::new(),
            announce: Announce::Everywhere,
            clock: clock.clone(),
            index: None,
            readiness: Readiness::new(),
        });
        Self {
            sequencer: Sequencer::new(database.options(), clock, head, leadership),
            database,
            projector,
            wire,
            sequence: 0,
            tasks,
        }
    }

    /// Folds one event, alone; gives how many statements that took.
    async fn fold<E: domain::decider::Event>(&mut self, kind: &str, event: &E) -> u64 {
        self.sequence += 1;
        sqlx::query(
            "INSERT INTO es.events (aggregate_type, aggregate_id, sequence, event_type,
                 event_version, payload, metadata, event_id, recorded_at)
             VALUES ($1, $2, $3, $4, $5, $6::json, '{}', gen_random_uuid(), now())",
        )
        .bind(kind)
        .bind(Uuid::from_u128(1).to_string())
        .bind(self.sequence)
        .bind(event.name())
        .bind(event.version())
        .bind(serde_json::to_string(event).unwrap())
        .execute(&self.database.owner())
        .await
        .unwrap();
        while self.sequencer.step().await.unwrap() != Progress::Idle {}
        let before = self.wire.statements();
        assert_eq!(self.projector.advance().await.unwrap(), Progress::DidAll(1));
        self.wire.statements() - before
    }

    async fn end(self) {
        self.tasks.shut_down().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lone_event_is_folded_with_one_statement_a_view_and_three() {
    let samples = OrderEvent::samples();
    let accepted = samples
        .iter()
        .find(|event| event.name() == "accepted")
        .unwrap();
    let mut orders = Folding::start().await;
    orders.fold("ordering.order", &samples[0]).await;
    orders.fold("ordering.order", accepted).await;
    // Begin, three views, checkpoints and announcement together, commit; no row is read.
    assert_eq!(orders.fold("ordering.order", accepted).await, 6);
    orders.end().await;
    let samples = InventoryEvent::samples();
    let mut stock = Folding::start().await;
    stock.fold("restaurant.inventory", &samples[0]).await;
    assert_eq!(stock.fold("restaurant.inventory", &samples[1]).await, 4);
    stock.end().await;
}
