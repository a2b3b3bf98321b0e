//! The records of an earlier run, put back with what was still to happen.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::model::{
    Charge, Dispute, Event, Intent, IntentStatus, Mark, PaymentMethod, Refund, RefundStatus,
};
use super::store::State;
use super::{Job, Stripe};
use crate::journal::{Journal, Line};
use crate::webhooks::Outgoing;
use crate::world;

/// Undelivered events older than this are not sent again: Stripe gives up after three days.
const RETRIED_SECONDS: i64 = 3 * 86_400;

impl Stripe {
    /// Puts back `records`, in their order.
    ///
    /// # Errors
    /// When a record is not of the kind it says.
    pub(super) fn restore(&self, records: Vec<Line<Value>>) -> anyhow::Result<()> {
        let mut undelivered: HashMap<String, Arc<Event>> = HashMap::new();
        let mut state = self.lock();
        for (at, Line { kind, value }) in records.into_iter().enumerate() {
            let place = || format!("record {} ({kind})", at + 1);
            match kind.as_str() {
                // The machinery's own: how often the sandbox has run.
                "runs" => {}
                "key" => self.keys.restore(read(value).with_context(place)?),
                "event" => {
                    let event: Arc<Event> = Arc::new(read(value).with_context(place)?);
                    state.counted(event.number);
                    state.keep_event(event.clone());
                    undelivered.insert(event.id.clone(), event);
                }
                "delivered" => {
                    let id: String = read(value).with_context(place)?;
                    undelivered.remove(&id);
                }
                _ => state.put_back(&kind, value).with_context(place)?,
            }
        }
        let jobs = state.open_jobs();
        state.note_all(&self.world.journal);
        drop(state);
        for kept in self.keys.kept(self.world.clock.now()) {
            self.world.journal.note("key", &kept);
        }
        for (due, job) in jobs {
            self.world.timers.add(due, world::Job::Stripe(job));
        }
        self.resend(undelivered.into_values().collect());
        Ok(())
    }

    fn resend(&self, mut events: Vec<Arc<Event>>) {
        let oldest = self.world.clock.now().timestamp() - RETRIED_SECONDS;
        events.retain(|event| event.created >= oldest);
        events.sort_by_key(|event| event.number);
        for event in &events {
            self.world.journal.note("event", event);
        }
        let events: Vec<Arc<dyn Outgoing>> = events
            .into_iter()
            .map(|event| event as Arc<dyn Outgoing>)
            .collect();
        for delivery in self.world.webhooks.enqueue(&self.world, &events) {
            self.world
                .timers
                .add(self.world.clock.now(), world::Job::Deliver(delivery));
        }
    }
}

impl State {
    fn counted(&mut self, number: u64) {
        self.numbered = self.numbered.max(number);
    }

    fn put_back(&mut self, kind: &str, value: Value) -> anyhow::Result<()> {
        match kind {
            "intent" => {
                let row: Arc<Intent> = Arc::new(read(value)?);
                self.counted(row.number);
                let metadata = &row.about.metadata;
                if let (Some(order), Some(attempt)) =
                    (metadata.get("order_id"), metadata.get("attempt"))
                {
                    self.attempts
                        .insert((order.clone(), attempt.clone()), row.id.clone());
                }
                self.intents.put(&row.id, row.number, row.clone());
            }
            "charge" => {
                let row: Arc<Charge> = Arc::new(read(value)?);
                self.counted(row.number);
                self.charges.put(&row.id, row.number, row.clone());
            }
            "refund" => {
                let row: Arc<Refund> = Arc::new(read(value)?);
                self.counted(row.number);
                self.refunds.put(&row.id, row.number, row.clone());
            }
            "method" => {
                let row: PaymentMethod = read(value)?;
                self.methods.insert(row.id.clone(), Arc::new(row));
            }
            "dispute" => {
                let row: Dispute = read(value)?;
                self.disputes.insert(row.id.clone(), Arc::new(row));
            }
            "review" => {
                let row: Mark = read(value)?;
                self.reviews.insert(row.id.clone(), Arc::new(row));
            }
            "fraud_warning" => {
                let row: Mark = read(value)?;
                self.fraud_warnings.insert(row.id.clone(), Arc::new(row));
            }
            other => anyhow::bail!("no record is called {other}"),
        }
        Ok(())
    }

    /// Notes every object, as the beginning of a new journal. Events that were delivered are left
    /// out: nobody has to hear of them again.
    fn note_all(&self, journal: &Journal) {
        self.methods
            .values()
            .for_each(|row| journal.note("method", row));
        self.intents
            .iter()
            .for_each(|(_, row)| journal.note("intent", row));
        self.charges
            .iter()
            .for_each(|(_, row)| journal.note("charge", row));
        self.refunds
            .iter()
            .for_each(|(_, row)| journal.note("refund", row));
        self.disputes
            .values()
            .for_each(|row| journal.note("dispute", row));
        self.reviews
            .values()
            .for_each(|row| journal.note("review", row));
        self.fraud_warnings
            .values()
            .for_each(|row| journal.note("fraud_warning", row));
    }

    /// What was still to happen to payments and refunds.
    fn open_jobs(&self) -> Vec<(DateTime<Utc>, Job)> {
        let mut jobs = Vec::new();
        for (_, intent) in self.intents.iter() {
            let id = intent.id.clone();
            match intent.status {
                IntentStatus::RequiresCapture => {
                    let charge = intent
                        .latest_charge
                        .as_ref()
                        .and_then(|id| self.charges.get(id));
                    let due = charge.and_then(|charge| charge.capture_before);
                    jobs.extend(due.and_then(at).map(|due| (due, Job::Lapse { intent: id })));
                }
                IntentStatus::Processing => {
                    let job = Job::Decide {
                        intent: id,
                        authenticated: false,
                    };
                    jobs.extend(at(intent.created).map(|due| (due, job)));
                }
                IntentStatus::RequiresPaymentMethod
                | IntentStatus::RequiresConfirmation
                | IntentStatus::RequiresAction
                | IntentStatus::Succeeded
                | IntentStatus::Canceled => {}
            }
        }
        for (_, refund) in self.refunds.iter() {
            if refund.status == RefundStatus::Pending {
                let job = Job::SettleRefund {
                    refund: refund.id.clone(),
                };
                jobs.extend(at(refund.created).map(|due| (due, job)));
            }
        }
        jobs
    }
}

fn at(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0)
}

fn read<T: DeserializeOwned>(value: Value) -> serde_json::Result<T> {
    serde_json::from_value(value)
}
