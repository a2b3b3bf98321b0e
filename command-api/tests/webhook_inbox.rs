//! Webhooks from the wire to our payment, against a real database and the vendor's simulator: believed
//! by their signature, kept once, and never taken at their word.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Body;
use command_api::execute::{Reply, Single};
use command_api::gateways::Outcome;
use command_api::gateways::payment::stripe::{StripeConfig, StripeGateway};
use command_api::gateways::payment::{Call, NewIntent};
use command_api::metadata::Origin;
use command_api::processes::inbox::Inbox;
use command_api::publisher::Notary;
use command_api::{App, Deps, ParkedName, Redrive, RedriveError, Redriven};
use domain::aggregates::Payment;
use domain::decider::Decider as _;
use domain::kernel::ids::{CustomerId, OrderId, PaymentId, RestaurantId};
use domain::kernel::money::{Currency, Money};
use domain::payment::payment::{IntentId, PaymentCommand, PaymentStage};
use http::Request;
use infra::clock::TestClock;
use infra::config::{Config, Secret};
use infra::feed::HeadWatch;
use infra::http::Edge;
use infra::http::logins::{Logins, PgLogins};
use infra::http::token::Tokens;
use infra::lifecycle::{Loop as _, Progress, Tasks};
use infra::postgres::Role;
use infra::testing::TestDatabase;
use infra::vault::Vault;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use uuid::Uuid;

const SECRET: &str = "whsec_inbox";

/// A write side that reaches no views.
struct NoViews;

#[async_trait::async_trait]
impl Redrive for NoViews {
    async fn redrive(&self, _parked: &ParkedName) -> Result<Redriven, RedriveError> {
        Err(RedriveError::NoView)
    }
}

/// The write side with a vendor beside it. The clock stands still unless told.
struct Stand {
    app: App,
    router: Router,
    inbox: Inbox,
    hand: TestClock,
    base: String,
    publishable_key: String,
    http: reqwest::Client,
    stop: CancellationToken,
    /// Kept, so that the test leads to its end.
    #[expect(dead_code, reason = "held, never asked")]
    leader: watch::Sender<Option<i64>>,
    database: TestDatabase,
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Stand {
    async fn start() -> Self {
        let config = Config::read(&|_| Ok(None)).unwrap();
        let database = TestDatabase::create().await;
        let now = chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let (hand, stop) = (TestClock::at(now, 7), CancellationToken::new());
        let clock = hand.clock();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let settings = sandbox::Config::default();
        let stripe = StripeConfig {
            base_url: base.clone(),
            secret_key: Secret::new(settings.secret_key.clone()),
            publishable_key: settings.publishable_key.clone(),
            webhook_secrets: vec![],
            refuse_sandbox: false,
        };
        let publishable_key = settings.publishable_key.clone();
        let tasks = Tasks::new(clock.clone());
        let vendor = sandbox::run(settings, listener, stop.clone());
        drop(tasks.detached(vendor));
        let deps = Deps {
            notary: Arc::new(Notary::new(&config.checkpoints).unwrap()),
            redrive: Arc::new(NoViews),
            pool: database.pool(Role::App),
            options: database.options(),
            vault: Vault::new(database.pool(Role::Vault), &config.vault, clock.clone()).unwrap(),
            clock: clock.clone(),
            payments: Arc::new(StripeGateway::new(stripe, clock.clone()).unwrap()),
            webhook_secrets: vec![Secret::new(SECRET.to_owned())],
            head: HeadWatch::default(),
        };
        let (app, store) = App::new(&deps);
        drop(tasks.detached(store.run(stop.clone())));
        let tokens = Tokens::new(&config.tokens, clock.clone()).unwrap();
        let logins = Logins::new(Arc::new(PgLogins::new(deps.pool.clone())), clock.clone());
        let edge = Arc::new(Edge::new(&config.http, tokens, logins, clock));
        let router = edge.wrap(command_api::http::router(app.clone()).into());
        let (leader, leading) = watch::channel(Some(1));
        let inbox = Inbox::new(app.clone(), leading, tasks);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            app,
            router,
            inbox,
            hand,
            base,
            publishable_key,
            http,
            stop,
            leader,
            database,
        }
    }

    /// A payment of ours that the vendor knows and the customer has confirmed.
    async fn paid(&self, payment: PaymentId, asked: i64) -> (OrderId, IntentId) {
        let order = OrderId::new(self.app.clock.fresh_id());
        let new = NewIntent {
            payment,
            order,
            amount: yen(asked),
            attempt: 1,
        };
        let key = Call::first(self.app.clock.fresh_id());
        let Outcome::Done(made) = self.app.payments.create_intent(&key, &new).await else {
            panic!("no intent");
        };
        let intent = made.vendor.intent;
        let Outcome::Done(secret) = self.app.payments.client_secret(&intent).await else {
            panic!("no secret");
        };
        let form = [
            ("client_secret", secret.expose().as_str()),
            ("payment_method", "pm_card_visa"),
        ];
        let url = format!("{}v1/payment_intents/{intent}/confirm", self.base);
        let request = self
            .http
            .post(url)
            .bearer_auth(&self.publishable_key)
            .form(&form);
        assert_eq!(request.send().await.unwrap().status(), 200);
        (order, intent)
    }

    /// What checkout leaves behind: a payment that is wanted.
    async fn want(&self, payment: PaymentId, order: OrderId, amount: i64) {
        let command = PaymentCommand::Request {
            order,
            customer: CustomerId::new(Uuid::from_u128(2)),
            restaurant: RestaurantId::new(Uuid::from_u128(3)),
            amount: yen(amount),
            attempt: 1,
        };
        let (id, allow) = (payment.uuid(), |_: &Payment| true);
        let work = Single {
            id,
            command,
            expected: None,
            allow,
            reply: Reply::done(),
        };
        self.app
            .executor
            .execute(&Origin::default(), None, &work)
            .await
            .unwrap();
    }

    async fn stage(&self, payment: PaymentId) -> PaymentStage {
        self.app
            .executor
            .store()
            .load::<Payment>(payment.uuid())
            .await
            .unwrap()
            .state
            .stage()
    }

    /// Delivers an event as the vendor does; gives the status of the answer.
    async fn deliver(&self, body: &str, secret: &str) -> u16 {
        let time = self.app.clock.now().timestamp();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signature = hex::encode(hmac::sign(&key, format!("{time}.{body}").as_bytes()));
        let request = Request::post("/v1/webhooks/stripe")
            .header("host", "test")
            .header("stripe-signature", format!("t={time},v1={signature}"))
            .body(Body::from(body.to_owned()))
            .unwrap();
        self.router
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .status()
            .as_u16()
    }

    /// A step of the inbox, and all that it began.
    async fn handle(&mut self) -> Progress {
        let progress = self.inbox.step().await.unwrap();
        self.until_under_way(0).await;
        progress
    }

    /// Waits until no more than so many webhooks are under way.
    async fn until_under_way(&self, count: usize) {
        let in_flight = self.inbox.in_flight();
        while in_flight.count() > count {
            tokio::task::yield_now().await;
        }
    }

    /// All webhooks as the table has them: key, status, tries.
    async fn kept(&self) -> Vec<(String, String, i32)> {
        let sql = "SELECT event_key, status, attempts FROM ops.webhook_inbox ORDER BY event_key";
        sqlx::query_as(sql)
            .fetch_all(&self.database.owner())
            .await
            .unwrap()
    }
}

fn yen(amount: i64) -> Money {
    Money::new(amount, Currency::parse("JPY").unwrap())
}

fn event(id: &str, object: &Value) -> String {
    json!({"id": id, "type": "any.type", "livemode": false, "data": {"object": object}}).to_string()
}

fn of_intent(id: &str, intent: &IntentId) -> String {
    event(
        id,
        &json!({"id": intent.as_str(), "object": "payment_intent", "status": "canceled"}),
    )
}

#[tokio::test]
async fn news_is_read_back_and_told_to_the_payment_once() {
    let mut stand = Stand::start().await;
    let payment = PaymentId::new(Uuid::from_u128(10));
    let (order, intent) = stand.paid(payment, 980).await;
    stand.want(payment, order, 980).await;
    // The event claims that the intent is cancelled; the vendor, asked, says that it is reserved.
    let body = of_intent("evt_1", &intent);
    assert_eq!(stand.deliver(&body, SECRET).await, 200);
    assert_eq!(stand.deliver(&body, SECRET).await, 200);
    assert_eq!(stand.handle().await, Progress::DidAll(1));
    assert_eq!(stand.handle().await, Progress::Idle);
    assert_eq!(stand.stage(payment).await, PaymentStage::Authorized);
    assert_eq!(
        stand.kept().await,
        [("evt_1".to_owned(), "done".to_owned(), 1)]
    );
}

#[tokio::test]
async fn news_that_comes_before_our_own_commit_waits_for_it() {
    let mut stand = Stand::start().await;
    let payment = PaymentId::new(Uuid::from_u128(11));
    let (order, intent) = stand.paid(payment, 980).await;
    assert_eq!(
        stand.deliver(&of_intent("evt_1", &intent), SECRET).await,
        200
    );
    assert_eq!(stand.handle().await, Progress::DidAll(1));
    assert_eq!(
        stand.kept().await,
        [("evt_1".to_owned(), "pending".to_owned(), 1)]
    );
    stand.want(payment, order, 980).await;
    assert_eq!(stand.handle().await, Progress::Idle);
    stand.hand.advance(Duration::from_secs(1));
    assert_eq!(stand.handle().await, Progress::DidAll(1));
    assert_eq!(stand.stage(payment).await, PaymentStage::Authorized);
}

#[tokio::test]
async fn a_slow_read_from_the_vendor_holds_up_nobody_elses_news() {
    let mut stand = Stand::start().await;
    let payments = [20, 21, 22].map(|id| PaymentId::new(Uuid::from_u128(id)));
    let mut events = Vec::new();
    for (index, payment) in payments.into_iter().enumerate() {
        let (order, intent) = stand.paid(payment, 980).await;
        stand.want(payment, order, 980).await;
        events.push((format!("evt_{index}"), intent));
    }
    let rule = json!({
        "match": { "path": format!("/v1/payment_intents/{}", events[0].1) },
        "fault": { "name": "timeout_before" }
    });
    let faults = stand
        .http
        .post(format!("{}_sim/faults", stand.base))
        .json(&rule);
    assert!(faults.send().await.unwrap().status().is_success());
    for (id, intent) in &events[..2] {
        assert_eq!(stand.deliver(&of_intent(id, intent), SECRET).await, 200);
    }
    assert_eq!(stand.inbox.step().await.unwrap(), Progress::DidAll(2));
    stand.until_under_way(1).await;
    assert_eq!(stand.stage(payments[1]).await, PaymentStage::Authorized);
    // What comes in while the first one waits is taken at once.
    let (id, intent) = &events[2];
    assert_eq!(stand.deliver(&of_intent(id, intent), SECRET).await, 200);
    assert_eq!(stand.inbox.step().await.unwrap(), Progress::DidAll(1));
    stand.until_under_way(1).await;
    assert_eq!(stand.stage(payments[2]).await, PaymentStage::Authorized);
    assert_eq!(
        stand.stage(payments[0]).await,
        PaymentStage::RequiresPayment
    );
    assert_eq!(stand.kept().await[0].1, "pending");
}

#[tokio::test]
async fn no_more_is_taken_than_there_is_room_for() {
    let mut stand = Stand::start().await;
    let rule = json!({
        "match": { "path": "/v1/payment_intents/*" }, "fault": { "name": "timeout_before" }
    });
    let faults = stand
        .http
        .post(format!("{}_sim/faults", stand.base))
        .json(&rule);
    assert!(faults.send().await.unwrap().status().is_success());
    for number in 0..20 {
        let intent = IntentId::parse(format!("pi_{number}")).unwrap();
        let body = of_intent(&format!("evt_{number}"), &intent);
        assert_eq!(stand.deliver(&body, SECRET).await, 200);
    }
    assert_eq!(stand.inbox.step().await.unwrap(), Progress::Did(16));
    assert_eq!(stand.inbox.step().await.unwrap(), Progress::Idle);
    let tried = stand
        .kept()
        .await
        .iter()
        .filter(|(_, _, tries)| *tries > 0)
        .count();
    assert_eq!(tried, 16);
}

#[tokio::test]
async fn news_about_nothing_of_ours_is_parked_after_a_day() {
    let mut stand = Stand::start().await;
    let stranger = IntentId::parse("pi_of_nobody").unwrap();
    assert_eq!(
        stand.deliver(&of_intent("evt_1", &stranger), SECRET).await,
        200
    );
    let mut tries = 0;
    while stand.kept().await[0].1 == "pending" {
        stand.handle().await;
        stand.hand.advance(Duration::from_hours(1));
        tries += 1;
    }
    assert_eq!((tries, stand.kept().await[0].1.as_str()), (25, "parked"));
}

#[tokio::test]
async fn what_contradicts_our_payment_is_parked_and_changes_nothing() {
    let mut stand = Stand::start().await;
    let payment = PaymentId::new(Uuid::from_u128(12));
    let (order, intent) = stand.paid(payment, 9_800).await;
    stand.want(payment, order, 980).await;
    assert_eq!(
        stand
            .deliver(&of_intent("evt_amount", &intent), SECRET)
            .await,
        200
    );
    let live = of_intent("evt_live", &intent).replace("false", "true");
    assert_eq!(stand.deliver(&live, SECRET).await, 200);
    assert_eq!(stand.deliver("no event at all", SECRET).await, 200);
    stand.handle().await;
    let kept = stand.kept().await;
    assert!(
        kept.iter().all(|(_, status, _)| status == "parked"),
        "{kept:?}"
    );
    assert_eq!(
        (kept.len(), stand.stage(payment).await),
        (3, PaymentStage::RequiresPayment)
    );
}

#[tokio::test]
async fn what_nobody_follows_is_answered_and_done() {
    let mut stand = Stand::start().await;
    let dispute = event("evt_1", &json!({"id": "dp_1", "object": "dispute"}));
    assert_eq!(stand.deliver(&dispute, SECRET).await, 200);
    stand.handle().await;
    assert_eq!(
        stand.kept().await,
        [("evt_1".to_owned(), "done".to_owned(), 1)]
    );
}

#[tokio::test]
async fn a_forged_event_is_refused_and_not_kept() {
    let stand = Stand::start().await;
    let body = event("evt_1", &json!({}));
    assert_eq!(stand.deliver(&body, "whsec_of_somebody_else").await, 401);
    assert_eq!(stand.kept().await, []);
}

#[tokio::test]
async fn what_is_kept_cannot_be_read_in_the_table() {
    let stand = Stand::start().await;
    let body = event(
        "evt_1",
        &json!({"object": "charge", "receipt_email": "a@b.example"}),
    );
    assert_eq!(stand.deliver(&body, SECRET).await, 200);
    let kept: String = sqlx::query_scalar("SELECT body FROM ops.webhook_inbox")
        .fetch_one(&stand.database.owner())
        .await
        .unwrap();
    assert!(
        !kept.contains("a@b.example") && kept.contains("\"c\":"),
        "{kept}"
    );
}
