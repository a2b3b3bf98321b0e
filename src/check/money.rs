//! Money (I3): each payment is captured once at most and for what was asked, refunds stay within it, at
//! rest what was captured is what was accepted; and the vendor's own ledger says the same.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use uuid::Uuid;

use super::facts::{Facts, OrderFacts};
use super::report::{Invariant, Report};
use super::store::Event;

/// What matters of a payment, and its own bounds.
#[derive(Debug, Default)]
pub(super) struct PaymentFacts {
    /// Where it is.
    pub(super) state: &'static str,
    /// The order.
    pub(super) order: Option<Uuid>,
    /// The vendor's name for it.
    pub(super) intent: Option<String>,
    /// What is asked, in minor units.
    pub(super) amount_minor: i64,
    /// What the vendor was asked to take, in minor units.
    asked_minor: Option<i64>,
    attempt: i64,
    currency: String,
    captures: u32,
    captured_minor: i64,
    refunds: BTreeMap<String, (i64, RefundState)>,
    /// Whether a definite failure of the capture, or a lapse, left the money where it was.
    lost: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RefundState {
    Asked,
    Done,
    Failed,
}

impl PaymentFacts {
    /// Learns from one event of the payment, and checks it against those before.
    pub(super) fn see(&mut self, event: &Event, report: &mut Report) {
        report.checked(Invariant::I3);
        match event.name.as_str() {
            "requested" => {
                self.order = event.id("order");
                self.attempt = event.number("attempt").unwrap_or_default();
                (self.amount_minor, self.currency) = amount(event);
            }
            "intent_created" => self.intent = event.text("intent").map(str::to_owned),
            "capture_requested" => {
                self.within_amount(event, report);
                self.asked_minor = Some(amount(event).0);
            }
            "captured" => {
                self.within_amount(event, report);
                self.captures = self.captures.saturating_add(1);
                let captured = amount(event).0;
                self.captured_minor = self.captured_minor.saturating_add(captured);
                if self.captures > 1 {
                    report.violated(Invariant::I3, format!("{}: captured again", event.label()));
                }
            }
            "capture_failed" | "expired_by_vendor" => self.lost = true,
            "refund_requested" => self.refund(event, report),
            "refunded" => self.settle(event, RefundState::Done, report),
            "refund_failed" => self.settle(event, RefundState::Failed, report),
            _ => {}
        }
    }

    /// No more is taken than was authorised, and no other sum than was asked for.
    fn within_amount(&self, event: &Event, report: &mut Report) {
        let (minor, currency) = amount(event);
        let other = self.asked_minor.is_some_and(|asked| asked != minor);
        let too_much = !(0..=self.amount_minor).contains(&minor);
        if other || too_much || currency != self.currency {
            let what = format!(
                "{}: {minor} {currency} of {} {}",
                event.label(),
                self.amount_minor,
                self.currency
            );
            report.violated(Invariant::I3, what);
        }
    }

    fn refund(&mut self, event: &Event, report: &mut Report) {
        let (minor, currency) = amount(event);
        let refund = event.text("refund").unwrap_or_default().to_owned();
        let repeated = self
            .refunds
            .insert(refund, (minor, RefundState::Asked))
            .is_some();
        if repeated || minor <= 0 || currency != self.currency {
            let what = format!(
                "{}: {minor} {currency}, repeated: {repeated}",
                event.label()
            );
            report.violated(Invariant::I3, what);
        }
        let sum = self.refunded(|state| state != RefundState::Failed);
        if sum > self.captured_minor {
            let captured = self.captured_minor;
            let what = format!("{}: {sum} refunded of {captured} captured", event.label());
            report.violated(Invariant::I3, what);
        }
    }

    fn settle(&mut self, event: &Event, state: RefundState, report: &mut Report) {
        match event
            .text("refund")
            .and_then(|refund| self.refunds.get_mut(refund))
        {
            Some(refund) => refund.1 = state,
            None => report.violated(Invariant::I3, format!("{}: never asked for", event.label())),
        }
    }

    fn refunded(&self, counted: impl Fn(RefundState) -> bool) -> i64 {
        let counted = self.refunds.values().filter(|(_, state)| counted(*state));
        counted.fold(0, |sum, (minor, _)| sum.saturating_add(*minor))
    }

    /// What it asks for: minor units and currency.
    pub(super) fn asks(&self) -> (i64, String) {
        (self.amount_minor, self.currency.clone())
    }

    /// Which attempt to pay for which order it is.
    pub(super) fn attempt(&self) -> Option<(Uuid, i64)> {
        Some((self.order?, self.attempt))
    }

    /// The same, with where the payment is after its last event.
    pub(super) fn ended(self, state: &'static str) -> Self {
        Self { state, ..self }
    }

    /// Whether a refund is still on its way.
    pub(super) fn is_refunding(&self) -> bool {
        self.refunds
            .values()
            .any(|(_, state)| *state == RefundState::Asked)
    }
}

/// Amount in minor units and currency of an event of a payment.
fn amount(event: &Event) -> (i64, String) {
    let part = |place: &str| event.body.pointer(place);
    let minor = part("/amount/amount_minor")
        .and_then(Value::as_i64)
        .unwrap_or_default();
    let currency = part("/amount/currency")
        .and_then(Value::as_str)
        .unwrap_or_default();
    (minor, currency.to_owned())
}

/// What all payments of one order come to.
#[derive(Debug, Default)]
struct Sums {
    captured: i64,
    /// Sent back, or tried in vain and put before a person.
    given_back: i64,
    lost: bool,
    other_currency: bool,
}

/// Compares orders with their payments, once nothing is under way.
pub(super) fn check_at_rest(facts: &Facts, report: &mut Report) {
    let mut sums: HashMap<Uuid, Sums> = HashMap::new();
    let mut attempts: HashMap<(Uuid, i64), u32> = HashMap::new();
    for (payment, about) in &facts.payments {
        let known = about
            .order
            .and_then(|id| Some((id, facts.orders.get(&id)?)));
        let Some((order, terms)) = known else {
            report.violated(Invariant::I3, format!("payment {payment} is of no order"));
            continue;
        };
        let sum = sums.entry(order).or_default();
        sum.captured = sum.captured.saturating_add(about.captured_minor);
        sum.given_back = sum.given_back.saturating_add(about.refunded(|_| true));
        sum.lost |= about.lost;
        sum.other_currency |= about.currency != terms.currency;
        if about.captures > 0 {
            let captures = attempts.entry((order, about.attempt)).or_default();
            *captures = captures.saturating_add(about.captures);
        }
    }
    for ((order, attempt), captures) in attempts {
        report.expect(Invariant::I3, captures <= 1, || {
            format!("attempt {attempt} of order {order} was captured {captures} times")
        });
    }
    for (order, about) in &facts.orders {
        let sum = sums.remove(order).unwrap_or_default();
        report.checked(Invariant::I3);
        if let Some(why) = about.objection(&sum) {
            report.violated(
                Invariant::I3,
                format!("order {order} is {}: {why}", about.state),
            );
        }
    }
}

impl OrderFacts {
    fn objection(&self, sum: &Sums) -> Option<String> {
        let kept = sum.captured.saturating_sub(sum.given_back);
        if sum.other_currency {
            return Some(format!("its payment is not in {}", self.currency));
        }
        match self.state {
            "awaiting_payment" | "scheduled" | "placed" => (sum.captured != 0)
                .then(|| format!("{} captured before it was accepted", sum.captured)),
            "expired" | "rejected" => (kept != 0).then(|| format!("{kept} kept")),
            "cancelled" => {
                let paid_for = self.cooked && self.customers_fault;
                let due = if paid_for && !sum.lost {
                    self.total_minor.saturating_sub(self.back_minor)
                } else {
                    0
                };
                (kept != due).then(|| format!("{kept} kept where {due} is due"))
            }
            // A capture that failed for good after the food was fired is the platform's cost.
            _ => {
                let due = self.total_minor.saturating_sub(self.back_minor);
                (kept != due && !sum.lost).then(|| format!("{kept} kept where {due} is due"))
            }
        }
    }
}

/// Compares the vendor's ledger with the payments: each intent that moved money is one payment of ours,
/// with the same amount and currency, captured once at most.
pub(super) fn check_ledger(facts: &Facts, ledger: &Value, report: &mut Report) {
    let by_intent: HashMap<&str, (&Uuid, &PaymentFacts)> = facts
        .payments
        .iter()
        .filter_map(|(payment, about)| Some((about.intent.as_deref()?, (payment, about))))
        .collect();
    let mut captured: HashMap<(String, String), u32> = HashMap::new();
    let mut listed = 0_usize;
    for intent in ledger["intents"].as_array().into_iter().flatten() {
        report.checked(Invariant::I3);
        let id = intent["id"].as_str().unwrap_or_default();
        let received = intent["amount_received"].as_i64().unwrap_or_default();
        let times = intent["captures"].as_array().map_or(0, Vec::len);
        if times > 1 {
            report.violated(
                Invariant::I3,
                format!("intent {id} was captured {times} times"),
            );
        }
        if received > 0 {
            let about = |name: &str| {
                intent["metadata"][name]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            let count = captured
                .entry((about("order_id"), about("attempt")))
                .or_default();
            *count = count.saturating_add(1);
        }
        match by_intent.get(id) {
            Some((payment, about)) => {
                listed = listed.saturating_add(1);
                compare(payment, about, intent, report);
            }
            None if received > 0 => {
                report.violated(
                    Invariant::I3,
                    format!("intent {id} took {received}, no payment knows it"),
                );
            }
            None => {}
        }
    }
    for ((order, attempt), count) in captured {
        report.expect(Invariant::I3, count <= 1, || {
            format!("{count} intents took money for attempt {attempt} of order {order}")
        });
    }
    report.expect(Invariant::I3, listed == by_intent.len(), || {
        format!(
            "the ledger lists {listed} of our {} intents",
            by_intent.len()
        )
    });
}

fn compare(payment: &Uuid, about: &PaymentFacts, intent: &Value, report: &mut Report) {
    let number = |name: &str| intent[name].as_i64().unwrap_or_default();
    let currency = intent["currency"]
        .as_str()
        .unwrap_or_default()
        .to_uppercase();
    let theirs = (
        number("amount"),
        currency,
        number("amount_received"),
        number("amount_refunded"),
    );
    let refunded = about.refunded(|state| state == RefundState::Done);
    let ours = (
        about.amount_minor,
        about.currency.clone(),
        about.captured_minor,
        refunded,
    );
    report.expect(Invariant::I3, ours == theirs, || {
        format!(
            "payment {payment}: amount, currency, captured and refunded are {ours:?} in our events, \
             {theirs:?} in the vendor's ledger"
        )
    });
}
