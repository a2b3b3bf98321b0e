//! Stripe on loopback: payments (its `PaymentIntent`), charges, refunds and events over the real
//! wire protocol.
//!
//! Reading order: `model` (the objects), `store` (the records and the transaction), `calls` (what
//! the API can do), `render` (the objects as JSON), `desk` (who may call what, and idempotency),
//! `routes`. Not here: Connect, transfers, dispute evidence, customers. Sources:
//! docs.stripe.com/api, /testing, /webhooks, /payments/paymentintents/lifecycle.

mod acts;
mod balance;
mod calls;
mod desk;
mod error;
mod idempotency;
mod methods;
mod model;
mod page;
mod params;
mod render;
mod restore;
mod routes;
pub(crate) mod signature;
mod store;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use http::StatusCode;
use serde_json::{Value, json};

use crate::call::{Answer, Call};
use crate::journal::Line;
use crate::webhooks::{Outgoing, Twist};
use crate::world::{self, Done, Vendor, World};
use calls::{cancel, confirm, refunds, risk};
use desk::Work;
use error::ApiError;
use idempotency::Keys;
use model::{Cause, Event, Subject};
use store::{State, Tx};

/// The version whose objects are sent; async-stripe 1.0.0-rc.10 pins the same.
pub(crate) const API_VERSION: &str = "2026-09-30.endive";

/// What happens on Stripe's side after a while.
#[derive(Debug, Clone)]
pub(crate) enum Job {
    /// An authorisation lapses.
    Lapse { intent: String },
    /// The issuer answers for a payment that was processing.
    Decide { intent: String, authenticated: bool },
    /// A pending refund reaches the customer.
    SettleRefund { refund: String },
    /// A refund fails after it had succeeded.
    FailRefund { refund: String },
    /// The customer disputes.
    Dispute {
        charge: String,
        reason: String,
        status: String,
    },
    /// The issuer warns of fraud.
    WarnOfFraud { charge: String },
}

/// The simulator. One short lock guards all records; nothing waits inside it.
#[derive(Debug)]
pub(crate) struct Stripe {
    world: Arc<World>,
    base_url: String,
    publishable_key: String,
    secret_key: RwLock<String>,
    keys: Keys,
    state: Mutex<State>,
}

impl Stripe {
    /// A Stripe with the records of an earlier run, if there are any. `base_url` is where its
    /// pages can be reached.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub(crate) fn new(
        world: Arc<World>,
        base_url: String,
        secret_key: String,
        publishable_key: String,
        records: Vec<Line<Value>>,
    ) -> anyhow::Result<Self> {
        let stripe = Self {
            world,
            base_url,
            publishable_key,
            secret_key: RwLock::new(secret_key),
            keys: Keys::default(),
            state: Mutex::new(State::default()),
        };
        stripe.restore(records)?;
        Ok(stripe)
    }

    /// Runs `work` as one change at `at`, and puts its events in line; returns the deliveries
    /// that must be made before an answer.
    fn transact<T>(
        &self,
        at: DateTime<Utc>,
        cause: Option<Cause>,
        work: impl FnOnce(&mut Tx<'_>) -> T,
    ) -> (T, Vec<u64>) {
        let mut state = self.lock();
        state.now = at.timestamp();
        let mut tx = Tx {
            state: &mut state,
            world: &self.world,
            at,
            base_url: &self.base_url,
            cause,
            events: Vec::new(),
        };
        let result = work(&mut tx);
        let events = tx.events;
        drop(state);
        let events: Vec<Arc<dyn Outgoing>> = events
            .into_iter()
            .map(|event| event as Arc<dyn Outgoing>)
            .collect();
        (result, self.world.webhooks.enqueue(&self.world, &events))
    }

    /// A change on the vendor's side, now.
    fn change<T>(&self, work: impl FnOnce(&mut Tx<'_>) -> T) -> T {
        self.change_at(self.world.clock.now(), work)
    }

    fn change_at<T>(&self, at: DateTime<Utc>, work: impl FnOnce(&mut Tx<'_>) -> T) -> T {
        let (result, first) = self.transact(at, None, work);
        for delivery in first {
            self.world.timers.add(at, world::Job::Deliver(delivery));
        }
        result
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        let mut state = self.lock();
        state.now = self.world.clock.now().timestamp();
        look(&state)
    }

    /// Replaces the secret API key; the old one is refused from now on.
    fn rotate(&self, secret_key: String) {
        *self
            .secret_key
            .write()
            .unwrap_or_else(PoisonError::into_inner) = secret_key;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vendor for Stripe {
    type Work = Work;

    fn admit(&self, call: &Call) -> Result<Work, Box<Answer>> {
        desk::admit(self, call)
    }

    fn work(&self, work: Work, saved: Option<&Answer>) -> Done {
        desk::work(self, work, saved)
    }

    fn error(&self, status: StatusCode) -> Answer {
        let request_id = self.world.random.id("req_", 14);
        let body = ApiError::injected(status).body(false);
        Answer::json(status, &body).with("request-id", &request_id)
    }

    fn fire(&self, job: world::Job, due: DateTime<Utc>) {
        let world::Job::Stripe(job) = job else { return };
        self.change_at(due, |tx| match job {
            Job::Lapse { intent } => cancel::lapse(tx, &intent),
            Job::Decide {
                intent,
                authenticated,
            } => {
                confirm::decide_processing(tx, &intent, authenticated);
            }
            Job::SettleRefund { refund } => {
                refunds::settle(tx, &refund);
            }
            Job::FailRefund { refund } => {
                refunds::fail(tx, &refund, "expired_or_canceled_card");
            }
            Job::Dispute {
                charge,
                reason,
                status,
            } => {
                risk::dispute(tx, &charge, reason, status);
            }
            Job::WarnOfFraud { charge } => {
                risk::warn_of_fraud(tx, &charge);
            }
        });
    }

    fn ledger(&self, of: Option<&str>) -> Value {
        let now = self.world.clock.now();
        self.read(|state| view::ledger(state, of, now))
    }

    fn act(&self, name: &str, body: &Value) -> Result<Value, String> {
        acts::act(self, name, body)
    }

    fn page(&self, call: &Call, segments: &[&str]) -> Option<Answer> {
        page::answer(self, call, segments)
    }
}

impl Outgoing for Event {
    fn id(&self) -> &str {
        &self.id
    }

    fn kind(&self) -> &str {
        &self.kind
    }

    fn subject(&self) -> &str {
        match &self.subject {
            Subject::Intent(intent) => &intent.id,
            Subject::Charge(charge) => &charge.intent,
            Subject::Refund(refund) => &refund.intent,
            Subject::Dispute(dispute) => &dispute.intent,
            Subject::Review(mark) | Subject::FraudWarning(mark) => &mark.intent,
        }
    }

    fn ends_subject(&self) -> bool {
        matches!(&self.subject, Subject::Intent(intent) if intent.status.is_end())
    }

    fn body(&self, twist: &Twist) -> Vec<u8> {
        let mut body = render::event(self);
        if let Some(id) = &twist.id {
            body["id"] = json!(id);
        }
        if let Some(kind) = twist.kind {
            body["type"] = json!(kind);
        }
        body["livemode"] = json!(twist.wrong_livemode);
        format!("{body:#}").into_bytes()
    }
}
