//! I3: the vendor's books and our events tell the same, and nobody pays twice.

use std::collections::BTreeMap;

use domain::payment::vendor::IntentState;
use serde_json::Value;

use super::{Breaches, Streams};
use crate::vendor::Vendor;

pub(super) fn breaches(payments: &Streams, vendor: &Vendor) -> Breaches {
    let mut breaches = Breaches::new();
    let mut intents: BTreeMap<_, u32> = BTreeMap::new();
    for (name, entry) in &vendor.entries {
        let of_payment = intents.entry(entry.new.payment).or_default();
        *of_payment += 1;
        if *of_payment > 1 {
            breaches.push(format!("I3: {} has two intents", entry.new.payment));
        }
        let refunded: i64 = entry.refunds.values().sum();
        let taken = if entry.captures > 0 {
            entry.amount.amount_minor()
        } else {
            0
        };
        if entry.captures > 1 || refunded > taken {
            let captures = entry.captures;
            breaches.push(format!(
                "I3: {name}: {captures} captures, {taken} taken, {refunded} back"
            ));
        }
    }
    for (payment, events) in payments {
        for once in [
            "requested",
            "intent_created",
            "authorized",
            "captured",
            "voided",
        ] {
            let times = events.iter().filter(|(name, _)| name == once).count();
            if times > 1 {
                breaches.push(format!("I3: {payment} was {once} {times} times"));
            }
        }
        let has = |wanted: &str| events.iter().any(|(name, _)| name == wanted);
        if has("captured") && has("voided") {
            breaches.push(format!("I3: {payment} was taken and given up"));
        }
    }
    breaches
}

pub(super) fn at_rest(payments: &Streams, vendor: &Vendor) -> Breaches {
    let mut breaches = Breaches::new();
    for entry in vendor.entries.values() {
        let payment = entry.new.payment;
        let events = payments.get(&payment.uuid()).map_or(&[][..], Vec::as_slice);
        // What the vendor would not take, it frees by itself when the reservation lapses.
        let lapses = events.iter().any(|(name, _)| name == "capture_failed");
        if !lapses && !matches!(entry.state, IntentState::Taken | IntentState::Gone) {
            breaches.push(format!(
                "I3: {payment} rests as {:?} at the vendor",
                entry.state
            ));
        }
        let taken = if entry.captures > 0 {
            entry.amount.amount_minor()
        } else {
            0
        };
        let refunded: i64 = entry.refunds.values().sum();
        let ours = (sum(events, "captured"), refunds(events));
        if ours != (taken, refunded) {
            breaches.push(format!(
                "I3: {payment}: we say {ours:?}, the vendor {:?}",
                (taken, refunded)
            ));
        }
    }
    breaches
}

fn sum(events: &[(String, Value)], wanted: &str) -> i64 {
    let found = events.iter().filter(|(name, _)| name == wanted);
    found
        .map(|(_, event)| event["amount"]["amount_minor"].as_i64().unwrap_or(0))
        .sum()
}

fn refunds(events: &[(String, Value)]) -> i64 {
    let done = |refund: &Value| {
        let done =
            |(name, event): &(String, Value)| name == "refunded" && event["refund"] == *refund;
        events.iter().any(done)
    };
    let asked = events
        .iter()
        .filter(|(name, event)| name == "refund_requested" && done(&event["refund"]));
    asked
        .map(|(_, event)| event["amount"]["amount_minor"].as_i64().unwrap_or(0))
        .sum()
}
