//! Promotions (I9): no more orders redeem one than its limits allow, in all and of one customer, at any
//! time; and at rest no order that died unpaid counts.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use uuid::Uuid;

use super::facts::{Facts, OrderFacts};
use super::report::{Invariant, Report};
use super::store::Event;

/// One promotion, event by event.
#[derive(Debug, Default)]
pub(super) struct PromotionWalk {
    total: Option<usize>,
    per_customer: Option<usize>,
    /// Who holds a redemption, by order.
    held: HashMap<Uuid, Uuid>,
    /// How many redemptions each customer holds.
    by_customer: HashMap<Uuid, usize>,
}

impl PromotionWalk {
    /// Takes one event of the promotion.
    pub(super) fn see(&mut self, event: &Event, report: &mut Report) {
        report.checked(Invariant::I9);
        match event.name.as_str() {
            "created" | "limits_set" => {
                self.limit(&event.value("limits"));
                self.check_all(event, report);
                for customer in self.by_customer.keys() {
                    self.check_one(event, *customer, report);
                }
            }
            "redeemed" => self.redeem(event, report),
            "redemption_released" => self.release(event, report),
            _ => {}
        }
    }

    /// The orders that hold a redemption.
    pub(super) fn into_held(self) -> impl Iterator<Item = Uuid> {
        self.held.into_keys()
    }

    fn limit(&mut self, limits: &Value) {
        let limit = |name: &str| limits[name].as_u64().and_then(|n| usize::try_from(n).ok());
        self.total = limit("total");
        self.per_customer = limit("per_customer");
    }

    fn redeem(&mut self, event: &Event, report: &mut Report) {
        let order = event.id("order").unwrap_or_default();
        let customer = event.id("customer").unwrap_or_default();
        let before = self.held.insert(order, customer);
        report.expect(Invariant::I9, before.is_none(), || {
            format!("{}: order {order} has redeemed already", event.label())
        });
        let own = self.by_customer.entry(customer).or_default();
        *own = own.saturating_add(1);
        self.check_all(event, report);
        self.check_one(event, customer, report);
    }

    fn release(&mut self, event: &Event, report: &mut Report) {
        let order = event.id("order").unwrap_or_default();
        let was = self.held.remove(&order);
        report.expect(Invariant::I9, was == event.id("customer"), || {
            format!("{}: order {order} held no such redemption", event.label())
        });
        if let Some(own) = was.and_then(|customer| self.by_customer.get_mut(&customer)) {
            *own = own.saturating_sub(1);
        }
    }

    fn check_all(&self, event: &Event, report: &mut Report) {
        let all = self.held.len();
        let holds = self.total.is_none_or(|limit| all <= limit);
        report.expect(Invariant::I9, holds, || {
            let limit = self.total;
            format!("{}: {all} redemptions, limit {limit:?}", event.label())
        });
    }

    fn check_one(&self, event: &Event, customer: Uuid, report: &mut Report) {
        let own = self.by_customer.get(&customer).copied().unwrap_or_default();
        if let Some(limit) = self.per_customer.filter(|limit| own > *limit) {
            let what = format!("{}: {own} of {customer}, limit {limit}", event.label());
            report.violated(Invariant::I9, what);
        }
    }
}

/// Compares every redemption with its order, and every discount of a living order with its redemption, once nothing is
/// under way.
pub(super) fn check_at_rest(facts: &Facts, report: &mut Report) {
    for (promotion, order) in &facts.redeemed {
        let about = facts.orders.get(order);
        report.expect(Invariant::I9, about.is_some_and(counts), || {
            let state = about.map_or("not there", |about| about.state);
            format!("promotion {promotion} counts order {order}, which is {state}")
        });
    }
    let held: HashSet<(Uuid, Uuid)> = facts.redeemed.iter().copied().collect();
    // What was cancelled may have been given back with its payment.
    let lives = |about: &OrderFacts| counts(about) && about.state != "cancelled";
    let living = facts.orders.iter().filter(|(_, about)| lives(about));
    for (order, about) in living {
        for promotion in &about.promotions {
            report.expect(Invariant::I9, held.contains(&(*promotion, *order)), || {
                format!("order {order} has a discount of {promotion} that nobody counts")
            });
        }
    }
}

/// Whether an order may hold a redemption: all but those that ended before the shop took them.
fn counts(order: &OrderFacts) -> bool {
    match order.state {
        "expired" | "rejected" => false,
        "cancelled" => order.accepted,
        _ => true,
    }
}
