//! What must be known of one stream when another is judged: a few numbers an order, a payment, a hold.
//! They are all that the checker keeps of a log in memory, some two hundred bytes an order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;
use uuid::Uuid;

use super::money::PaymentFacts;
use super::store::Event;

/// What was learned from all streams.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Every order.
    pub(super) orders: HashMap<Uuid, OrderFacts>,
    /// Every payment.
    pub(super) payments: HashMap<Uuid, PaymentFacts>,
    /// Where each hold stands, by order.
    pub(super) holds: HashMap<Uuid, &'static str>,
    /// Who counts against a promotion: the promotion and the order.
    pub(super) redeemed: Vec<(Uuid, Uuid)>,
    /// By order, how many of its deliveries were picked up and did not fail.
    pub(super) carried: HashMap<Uuid, u32>,
    /// The last position of each kind.
    pub(super) last_of_kind: BTreeMap<String, i64>,
}

/// What matters of an order.
#[derive(Debug, Default)]
pub(super) struct OrderFacts {
    /// Its state.
    pub(super) state: &'static str,
    /// What it comes to by now, in minor units.
    pub(super) total_minor: i64,
    /// What of that goes back after its end, in minor units.
    pub(super) back_minor: i64,
    /// The currency of the total.
    pub(super) currency: String,
    /// Whether the shop took it.
    pub(super) accepted: bool,
    /// Whether its food was fired, or carried away without that being said.
    pub(super) cooked: bool,
    /// Whether the customer was to blame for its end, so that cooked food is paid for.
    pub(super) customers_fault: bool,
    /// The promotions that took something off it.
    pub(super) promotions: BTreeSet<Uuid>,
}

impl OrderFacts {
    /// The same, with where the order is after its last event.
    pub(super) fn ended(self, state: &'static str) -> Self {
        Self { state, ..self }
    }

    /// Learns from one event of the order.
    pub(super) fn see(&mut self, event: &Event) {
        match event.name.as_str() {
            "checked_out" => {
                let total = |part: &str| event.body.pointer(part);
                self.total_minor = total("/total/amount_minor")
                    .and_then(Value::as_i64)
                    .unwrap_or_default();
                let currency = total("/total/currency").and_then(Value::as_str);
                currency.unwrap_or_default().clone_into(&mut self.currency);
                let amounts = event.body["quote"].as_array().into_iter().flatten();
                self.promotions = amounts
                    .filter_map(|amount| amount["promotion"].as_str()?.parse().ok())
                    .collect();
            }
            "accepted" => self.accepted = true,
            "fired" | "picked_up" => self.cooked = true,
            "short_settled" | "switched_to_pickup" | "amended" => {
                let total = event.body.pointer("/bill/total/amount_minor");
                self.total_minor = total.and_then(Value::as_i64).unwrap_or_default();
            }
            "cancelled" => {
                self.customers_fault = event.text("fault") == Some("customer");
                self.back_minor = back(event);
            }
            "undeliverable" | "not_collected" => self.back_minor = back(event),
            _ => {}
        }
    }
}

/// What an end gives back; older events say nothing of it.
fn back(event: &Event) -> i64 {
    let back = event.body.pointer("/settlement/back_minor");
    back.and_then(Value::as_i64).unwrap_or_default()
}

/// What matters of a delivery.
#[derive(Debug, Default)]
pub(super) struct DeliveryFacts {
    order: Option<Uuid>,
    picked_up: bool,
    failed: bool,
}

impl DeliveryFacts {
    /// Learns from one event of the delivery.
    pub(super) fn see(&mut self, event: &Event) {
        match event.name.as_str() {
            "requested" => self.order = event.id("order"),
            "picked_up" => self.picked_up = true,
            "failed" => self.failed = true,
            _ => {}
        }
    }

    /// The order that it has carried away for good.
    pub(super) fn carried(&self) -> Option<Uuid> {
        self.order.filter(|_| self.picked_up && !self.failed)
    }
}
