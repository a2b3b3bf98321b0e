//! The vendor's records and the one way to change them: a transaction that also emits events.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::Job;
use super::model::{Cause, Charge, Dispute, Event, Intent, Mark, PaymentMethod, Refund, Subject};
use crate::world::{self, World};

/// How long events can be listed, in seconds: 30 days.
const EVENTS_KEPT_SECONDS: i64 = 30 * 86_400;

/// Letters and digits after the prefix of an id.
const ID_LENGTH: usize = 24;

/// Objects of one kind, found by id and listed in order of creation.
#[derive(Debug)]
pub(crate) struct Table<T> {
    rows: BTreeMap<u64, Arc<T>>,
    numbers: HashMap<String, u64>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<T> Table<T> {
    pub(crate) fn get(&self, id: &str) -> Option<&Arc<T>> {
        self.rows.get(self.numbers.get(id)?)
    }

    /// The position of `id` in the order of creation.
    pub(crate) fn number(&self, id: &str) -> Option<u64> {
        self.numbers.get(id).copied()
    }

    pub(crate) fn put(&mut self, id: &str, number: u64, row: Arc<T>) {
        if !self.numbers.contains_key(id) {
            self.numbers.insert(id.to_owned(), number);
        }
        self.rows.insert(number, row);
    }

    /// Rows with their positions, oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, &Arc<T>)> {
        self.rows.iter().map(|(number, row)| (*number, row))
    }

    /// Drops the oldest rows for as long as `old` holds.
    fn drop_while(&mut self, id: impl Fn(&T) -> &str, old: impl Fn(&T) -> bool) {
        while let Some(first) = self.rows.first_entry()
            && old(first.get())
        {
            self.numbers.remove(id(&first.remove()));
        }
    }
}

/// Everything Stripe knows.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) intents: Table<Intent>,
    pub(crate) charges: Table<Charge>,
    pub(crate) refunds: Table<Refund>,
    pub(crate) events: Table<Event>,
    pub(crate) methods: HashMap<String, Arc<PaymentMethod>>,
    pub(crate) disputes: HashMap<String, Arc<Dispute>>,
    pub(crate) reviews: HashMap<String, Arc<Mark>>,
    pub(crate) fraud_warnings: HashMap<String, Arc<Mark>>,
    /// The payment made for each (order, attempt) of the metadata, to notice a second one.
    pub(crate) attempts: HashMap<(String, String), String>,
    /// How many coming confirmations are answered `processing`, and for how many seconds.
    pub(crate) slow_approvals: (u32, f64),
    pub(crate) numbered: u64,
    /// The time of the call in hand, in Unix seconds.
    pub(crate) now: i64,
}

/// A change in hand.
#[derive(Debug)]
pub(crate) struct Tx<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) world: &'a World,
    /// The time of the change.
    pub(crate) at: DateTime<Utc>,
    /// Where the pages of the simulator are.
    pub(crate) base_url: &'a str,
    pub(crate) cause: Option<Cause>,
    pub(crate) events: Vec<Arc<Event>>,
}

impl Tx<'_> {
    /// The time of the change in Unix seconds.
    pub(crate) fn now(&self) -> i64 {
        self.at.timestamp()
    }

    /// A fresh id.
    pub(crate) fn id(&self, prefix: &str) -> String {
        self.world.random.id(prefix, ID_LENGTH)
    }

    /// The next position in the order of creation.
    pub(crate) fn number(&mut self) -> u64 {
        self.state.numbered += 1;
        self.state.numbered
    }

    /// The idempotency key of the call, if it has one.
    pub(crate) fn key(&self) -> Option<String> {
        self.cause.as_ref()?.idempotency_key.clone()
    }

    /// Stores a payment, noting the key that changed it.
    pub(crate) fn put_intent(&mut self, mut intent: Intent) -> Arc<Intent> {
        if intent.number == 0 {
            intent.number = self.number();
        }
        if let Some(key) = self.key()
            && !intent.keys.contains(&key)
        {
            intent.keys.push(key);
        }
        let intent = Arc::new(intent);
        self.world.journal.note("intent", &intent);
        self.state
            .intents
            .put(&intent.id, intent.number, intent.clone());
        intent
    }

    pub(crate) fn put_charge(&mut self, mut charge: Charge) -> Arc<Charge> {
        if charge.number == 0 {
            charge.number = self.number();
        }
        let charge = Arc::new(charge);
        self.world.journal.note("charge", &charge);
        self.state
            .charges
            .put(&charge.id, charge.number, charge.clone());
        charge
    }

    pub(crate) fn put_refund(&mut self, mut refund: Refund) -> Arc<Refund> {
        if refund.number == 0 {
            refund.number = self.number();
        }
        let refund = Arc::new(refund);
        self.world.journal.note("refund", &refund);
        self.state
            .refunds
            .put(&refund.id, refund.number, refund.clone());
        refund
    }

    pub(crate) fn put_method(&mut self, method: PaymentMethod) -> Arc<PaymentMethod> {
        let method = Arc::new(method);
        self.note_and_map("method", &method);
        self.state.methods.insert(method.id.clone(), method.clone());
        method
    }

    pub(crate) fn put_dispute(&mut self, dispute: Dispute) -> Arc<Dispute> {
        let dispute = Arc::new(dispute);
        self.note_and_map("dispute", &dispute);
        self.state
            .disputes
            .insert(dispute.id.clone(), dispute.clone());
        dispute
    }

    pub(crate) fn put_review(&mut self, review: Mark) -> Arc<Mark> {
        let review = Arc::new(review);
        self.note_and_map("review", &review);
        self.state.reviews.insert(review.id.clone(), review.clone());
        review
    }

    pub(crate) fn put_fraud_warning(&mut self, warning: Mark) -> Arc<Mark> {
        let warning = Arc::new(warning);
        self.note_and_map("fraud_warning", &warning);
        self.state
            .fraud_warnings
            .insert(warning.id.clone(), warning.clone());
        warning
    }

    fn note_and_map<T: Serialize>(&self, kind: &str, value: &Arc<T>) {
        self.world.journal.note(kind, value);
    }

    /// Says that something happened to an object, as it is now.
    pub(crate) fn emit(&mut self, kind: &str, subject: Subject) {
        self.emit_changed(kind, subject, None);
    }

    /// Says that something changed, with the former values of the changed fields.
    pub(crate) fn emit_changed(&mut self, kind: &str, subject: Subject, previous: Option<Value>) {
        let event = Arc::new(Event {
            id: self.id("evt_"),
            number: self.number(),
            kind: kind.to_owned(),
            created: self.now(),
            subject,
            previous,
            pending_webhooks: self.world.webhooks.endpoints(),
            request: self.cause.clone(),
        });
        self.world.journal.note("event", &event);
        self.state.keep_event(event.clone());
        self.events.push(event);
    }

    /// Puts something in line that happens `seconds` (simulated) after this change.
    pub(crate) fn later(&self, seconds: f64, job: Job) {
        let due = self.at + crate::faults::rules::simulated(seconds);
        self.world.timers.add(due, world::Job::Stripe(job));
    }
}

impl State {
    /// Keeps an event, and forgets those that can no longer be listed.
    pub(crate) fn keep_event(&mut self, event: Arc<Event>) {
        let oldest_kept = event.created - EVENTS_KEPT_SECONDS;
        self.events
            .drop_while(|event| &event.id, |event| event.created < oldest_kept);
        let (id, number) = (event.id.clone(), event.number);
        self.events.put(&id, number, event);
    }
}
