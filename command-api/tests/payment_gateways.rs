//! The contract of the payment gateways: one suite of plain async functions, run against the vendors'
//! simulators. What it asks for is in integrations §1 and §3, reliability §4.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::future::Future;

use command_api::gateways::Outcome;
use command_api::gateways::payment::stripe::{StripeConfig, StripeGateway};
use command_api::gateways::payment::{
    Call, Intent, NewIntent, NewRefund, PaymentGateway, Refund, RefundState,
};
use domain::kernel::ids::{OrderId, PaymentId};
use domain::kernel::money::{Currency, Money};
use domain::payment::payment::{IntentId, PaymentCommand};
use domain::payment::vendor::IntentState;
use infra::clock::Clock;
use infra::config::Secret;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A simulator with a gateway in front of it.
struct Vendor {
    gateway: StripeGateway,
    base: String,
    publishable_key: String,
    http: reqwest::Client,
    stop: CancellationToken,
    clock: Clock,
}

impl Drop for Vendor {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Vendor {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut StripeConfig)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let settings = sandbox::Config::default();
        let publishable_key = settings.publishable_key.clone();
        let mut config = StripeConfig {
            base_url: base.clone(),
            secret_key: Secret::new(settings.secret_key.clone()),
            publishable_key: publishable_key.clone(),
            webhook_secrets: vec![],
            refuse_sandbox: false,
        };
        change(&mut config);
        let (stop, clock) = (CancellationToken::new(), Clock::system());
        spawn(sandbox::run(settings, listener, stop.clone()));
        let gateway = StripeGateway::new(config, clock.clone()).unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            gateway,
            base,
            publishable_key,
            http,
            stop,
            clock,
        }
    }

    fn key(&self) -> Call {
        Call::first(self.clock.fresh_id())
    }

    fn wanted(&self) -> NewIntent {
        let [payment, order] = [self.clock.fresh_id(), self.clock.fresh_id()];
        let (payment, order) = (PaymentId::new(payment), OrderId::new(order));
        NewIntent {
            payment,
            order,
            amount: yen(1_480),
            attempt: 1,
        }
    }

    async fn created(&self) -> (NewIntent, IntentId) {
        let new = self.wanted();
        let intent = done(self.gateway.create_intent(&self.key(), &new).await);
        (new, intent.vendor.intent)
    }

    /// A payment that is reserved, taken when `capture` says so.
    async fn paid(&self, capture: bool) -> (NewIntent, IntentId) {
        let (new, intent) = self.created().await;
        self.confirm(&intent, "pm_card_visa").await;
        if capture {
            done(self.gateway.capture(&self.key(), &intent, new.amount).await);
        }
        (new, intent)
    }

    /// What the customer's browser does.
    async fn confirm(&self, intent: &IntentId, method: &str) -> u16 {
        let secret = done(self.gateway.client_secret(intent).await);
        let form = [
            ("client_secret", secret.expose().as_str()),
            ("payment_method", method),
        ];
        let url = format!("{}v1/payment_intents/{intent}/confirm", self.base);
        let request = self
            .http
            .post(url)
            .bearer_auth(&self.publishable_key)
            .form(&form);
        request.send().await.unwrap().status().as_u16()
    }

    async fn state(&self, intent: &IntentId) -> IntentState {
        done(self.gateway.read_intent(intent).await).vendor.state
    }

    async fn fault(&self, path: &str, fault: Value, times: u32) {
        let rule = json!({
            "match": {"method": "POST", "path": path}, "fault": fault, "times": times
        });
        let url = format!("{}_sim/faults", self.base);
        let answer = self.http.post(url).json(&rule).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }

    /// How many intents the vendor's books have for the order.
    async fn intents_of(&self, order: OrderId) -> usize {
        let url = format!("{}_sim/ledger?of={order}", self.base);
        let ledger: Value = self
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        ledger["intents"].as_array().unwrap().len()
    }

    fn refund_of(&self, new: &NewIntent, intent: &IntentId, amount: i64) -> NewRefund {
        NewRefund {
            refund: self.clock.fresh_id(),
            payment: new.payment,
            intent: intent.clone(),
            amount: yen(amount),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the simulator outlives no test")]
fn spawn(work: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
    tokio::spawn(work);
}

fn yen(amount: i64) -> Money {
    Money::new(amount, Currency::parse("JPY").unwrap())
}

#[track_caller]
fn done<T: std::fmt::Debug>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Done(value) => value,
        other @ (Outcome::Rejected(_) | Outcome::NotDone { .. } | Outcome::Unknown { .. }) => {
            panic!("not done: {other:?}")
        }
    }
}

#[track_caller]
fn rejected<T: std::fmt::Debug>(outcome: Outcome<T>) -> (String, bool) {
    match outcome {
        Outcome::Rejected(refusal) => (refusal.code, refusal.alarm),
        other @ (Outcome::Done(_) | Outcome::NotDone { .. } | Outcome::Unknown { .. }) => {
            panic!("not rejected: {other:?}")
        }
    }
}

#[tokio::test]
async fn money_is_reserved_then_taken_once() {
    let vendor = Vendor::start().await;
    let (new, intent) = vendor.created().await;
    assert_eq!(vendor.state(&intent).await, IntentState::Open);
    assert_eq!(vendor.confirm(&intent, "pm_card_visa").await, 200);

    let found = done(vendor.gateway.read_intent(&intent).await);
    assert_eq!(
        (found.payment, found.order),
        (Some(new.payment), Some(new.order))
    );
    assert_eq!(
        (found.asked, found.vendor.amount, found.live),
        (new.amount, new.amount, false)
    );
    let IntentState::Reserved {
        capture_before: Some(before),
    } = found.vendor.state
    else {
        panic!("not reserved: {found:?}");
    };
    assert!(before > vendor.clock.now());

    let key = vendor.key();
    for _ in 0..2 {
        let taken = done(vendor.gateway.capture(&key, &intent, new.amount).await);
        let news = taken.vendor.news();
        let (intent, amount) = (intent.clone(), new.amount);
        assert_eq!(news, PaymentCommand::RecordCaptured { intent, amount });
    }
    // Another effect that wants the same finds it done.
    let again = done(
        vendor
            .gateway
            .capture(&vendor.key(), &intent, new.amount)
            .await,
    );
    assert_eq!(again.vendor.state, IntentState::Taken);
}

#[tokio::test]
async fn a_part_can_be_taken_and_the_rest_is_free() {
    let vendor = Vendor::start().await;
    let (_, intent) = vendor.paid(false).await;
    let taken = done(
        vendor
            .gateway
            .capture(&vendor.key(), &intent, yen(1_000))
            .await,
    );
    assert_eq!((taken.vendor.amount, taken.asked), (yen(1_000), yen(1_480)));
}

#[tokio::test]
async fn a_refused_card_is_told_in_words_that_may_be_shown() {
    let vendor = Vendor::start().await;
    for (method, word) in [
        (
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "insufficient_funds",
        ),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined"),
    ] {
        let (_, intent) = vendor.created().await;
        assert_eq!(vendor.confirm(&intent, method).await, 402);
        let IntentState::Declined { code } = vendor.state(&intent).await else {
            panic!("not declined");
        };
        assert_eq!(code.as_str(), word);
        // Another means on the same intent is possible.
        assert_eq!(vendor.confirm(&intent, "pm_card_mastercard").await, 200);
        assert!(matches!(
            vendor.state(&intent).await,
            IntentState::Reserved { .. }
        ));
    }
}

#[tokio::test]
async fn a_challenge_waits_for_the_customer() {
    let vendor = Vendor::start().await;
    let (_, intent) = vendor.created().await;
    vendor
        .confirm(&intent, "pm_card_authenticationRequired")
        .await;
    assert_eq!(vendor.state(&intent).await, IntentState::NeedsAction);
}

#[tokio::test]
async fn void_and_capture_find_what_the_other_has_done() {
    let vendor = Vendor::start().await;
    let (new, intent) = vendor.paid(false).await;
    let gone = done(vendor.gateway.void(&vendor.key(), &intent).await);
    assert_eq!(gone.vendor.state, IntentState::Gone);
    let late = done(
        vendor
            .gateway
            .capture(&vendor.key(), &intent, new.amount)
            .await,
    );
    assert_eq!(late.vendor.state, IntentState::Gone);

    let (_, intent) = vendor.paid(true).await;
    let late = done(vendor.gateway.void(&vendor.key(), &intent).await);
    assert_eq!(late.vendor.state, IntentState::Taken);
}

#[tokio::test]
async fn refunds_are_made_once_and_never_beyond_what_was_taken() {
    let vendor = Vendor::start().await;
    let (new, intent) = vendor.paid(true).await;
    let (key, part) = (vendor.key(), vendor.refund_of(&new, &intent, 480));
    let first: Refund = done(vendor.gateway.refund(&key, &part).await);
    let again = done(vendor.gateway.refund(&key, &part).await);
    assert_eq!(
        (first.id.clone(), first.refund),
        (again.id, Some(part.refund))
    );
    assert_eq!(
        (first.payment, first.intent),
        (Some(new.payment), Some(intent.clone()))
    );

    let more = vendor.refund_of(&new, &intent, 1_001);
    let (_, alarm) = rejected(vendor.gateway.refund(&vendor.key(), &more).await);
    assert!(!alarm);
    let rest = vendor.refund_of(&new, &intent, 1_000);
    let rest = done(vendor.gateway.refund(&vendor.key(), &rest).await);
    let read = done(vendor.gateway.read_refund(&rest.id).await);
    assert_eq!(read.amount, yen(1_000));
    assert!(matches!(
        read.state,
        RefundState::Pending | RefundState::Succeeded
    ));
}

#[tokio::test]
async fn a_key_names_one_intent_and_one_set_of_parameters() {
    let vendor = Vendor::start().await;
    let (key, new) = (vendor.key(), vendor.wanted());
    let first: Intent = done(vendor.gateway.create_intent(&key, &new).await);
    let again = done(vendor.gateway.create_intent(&key, &new).await);
    assert_eq!(first, again);
    let other = NewIntent {
        amount: yen(1),
        ..new
    };
    let (_, alarm) = rejected(vendor.gateway.create_intent(&key, &other).await);
    assert!(alarm, "a key used for two things is our own error");
}

#[tokio::test]
async fn whatever_goes_wrong_once_there_is_one_intent() {
    let malformed = |how| json!({"name": "malformed_body", "how": how});
    let burst = |status, executed, body| json!({"name": "status_burst", "status": status, "executed": executed, "body": body});
    let faults = [
        json!("reset_before"),
        json!("reset_after_success"),
        json!("reset_mid_body"),
        malformed("truncated"),
        malformed("html"),
        malformed("empty"),
        malformed("invalid_utf8"),
        malformed("field_missing"),
        malformed("number_as_text"),
        malformed("huge"),
        burst(500, false, "html"),
        burst(502, true, "html"),
        burst(503, true, "empty"),
        burst(504, false, "vendor"),
        json!({"name": "rate_limit", "retry_after": "absent"}),
    ];
    for fault in faults {
        // A vendor for each: all of this on one is what opens a breaker.
        let vendor = Vendor::start().await;
        vendor.fault("/v1/payment_intents", fault.clone(), 1).await;
        let (key, new) = (vendor.key(), vendor.wanted());
        // The runner repeats what is not decided, with the same key.
        let mut outcome = vendor.gateway.create_intent(&key, &new).await;
        for _ in 0..3 {
            match outcome {
                Outcome::Done(_) | Outcome::Rejected(_) => break,
                Outcome::NotDone { .. } | Outcome::Unknown { .. } => {
                    outcome = vendor.gateway.create_intent(&key, &new).await;
                }
            }
        }
        let intent = done(outcome);
        assert_eq!(intent.order, Some(new.order), "{fault}");
        assert_eq!(vendor.intents_of(new.order).await, 1, "{fault}");
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_is_unknown_and_a_repeat_finds_the_intent() {
    let vendor = Vendor::start().await;
    vendor
        .fault("/v1/payment_intents", json!("timeout_after_success"), 1)
        .await;
    let (key, new) = (vendor.key(), vendor.wanted());
    let outcome = vendor.gateway.create_intent(&key, &new).await;
    assert_eq!(outcome.name(), "unknown");
    done(vendor.gateway.create_intent(&key, &new).await);
    assert_eq!(vendor.intents_of(new.order).await, 1);
}

#[tokio::test]
async fn a_stored_failure_is_settled_by_the_object() {
    let vendor = Vendor::start().await;
    let failure = json!({"name": "status_burst", "status": 500, "executed": true});
    let (new, intent) = vendor.paid(false).await;
    let path = format!("/v1/payment_intents/{intent}/capture");
    vendor.fault(&path, failure.clone(), 1).await;
    let taken = done(
        vendor
            .gateway
            .capture(&vendor.key(), &intent, new.amount)
            .await,
    );
    assert_eq!(taken.vendor.state, IntentState::Taken);

    let part = vendor.refund_of(&new, &intent, 480);
    vendor.fault("/v1/refunds", failure.clone(), 1).await;
    let found = done(vendor.gateway.refund(&vendor.key(), &part).await);
    assert_eq!(found.refund, Some(part.refund));

    // An intent that nobody knows by name is given up: nobody can ever pay it.
    vendor.fault("/v1/payment_intents", failure, 1).await;
    rejected(
        vendor
            .gateway
            .create_intent(&vendor.key(), &vendor.wanted())
            .await,
    );
}

#[tokio::test]
async fn a_far_retry_after_is_left_to_the_runner() {
    let vendor = Vendor::start().await;
    let absurd = json!({"name": "rate_limit", "retry_after": "absurd"});
    vendor.fault("/v1/payment_intents", absurd, 1).await;
    let outcome = vendor
        .gateway
        .create_intent(&vendor.key(), &vendor.wanted())
        .await;
    let Outcome::NotDone { after, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(after.as_secs(), 86_400);
}

#[tokio::test]
async fn a_key_that_the_vendor_may_have_forgotten_is_not_trusted() {
    let vendor = Vendor::start().await;
    let (new, intent) = vendor.paid(true).await;
    let day_ago = vendor.clock.now() - chrono::TimeDelta::hours(24);
    let old = || Call {
        first_sent: Some(day_ago),
        ..vendor.key()
    };
    let taken = done(vendor.gateway.capture(&old(), &intent, new.amount).await);
    assert_eq!(taken.vendor.state, IntentState::Taken);

    let part = vendor.refund_of(&new, &intent, 480);
    let first = done(vendor.gateway.refund(&vendor.key(), &part).await);
    let found = done(vendor.gateway.refund(&old(), &part).await);
    assert_eq!(first.id, found.id);

    let (code, _) = rejected(vendor.gateway.create_intent(&old(), &vendor.wanted()).await);
    assert_eq!(code, "key_outlived");
}

#[tokio::test]
async fn what_is_not_there_is_refused() {
    let vendor = Vendor::start().await;
    let nothing = IntentId::parse("pi_nothing").unwrap();
    assert_eq!(
        rejected(vendor.gateway.read_intent(&nothing).await).0,
        "resource_missing"
    );
    let (code, _) = rejected(vendor.gateway.void(&vendor.key(), &nothing).await);
    assert_eq!(code, "resource_missing");
}

#[tokio::test]
async fn wrong_credentials_alarm() {
    let wrong = |config: &mut StripeConfig| {
        config.secret_key = Secret::new("sk_test_of_somebody_else".to_owned());
    };
    let vendor = Vendor::start_with(wrong).await;
    let (_, alarm) = rejected(
        vendor
            .gateway
            .create_intent(&vendor.key(), &vendor.wanted())
            .await,
    );
    assert!(alarm);
}

#[tokio::test]
async fn production_does_not_believe_the_simulator() {
    let vendor = Vendor::start_with(|config| config.refuse_sandbox = true).await;
    let refused = rejected(
        vendor
            .gateway
            .create_intent(&vendor.key(), &vendor.wanted())
            .await,
    );
    assert_eq!(refused, ("sandbox_in_production".to_owned(), true));
}

#[tokio::test]
async fn nobody_there_means_not_done() {
    // Bound and dropped, so that nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let nowhere = |config: &mut StripeConfig| config.base_url = format!("http://{address}/");
    let vendor = Vendor::start_with(nowhere).await;
    let key = Call::first(Uuid::nil());
    let outcome = vendor.gateway.create_intent(&key, &vendor.wanted()).await;
    assert_eq!(outcome.name(), "not_done");
}
