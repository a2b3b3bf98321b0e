//! Stock (I8): nothing is promised that is not there, a shortfall is recorded as what it is, and at rest
//! every hold is where its order is. The steps of a hold belong to I12.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::facts::{Facts, OrderFacts};
use super::report::{Invariant, Report};
use super::steps::hold_next;
use super::store::Event;
use super::views::{Stock, needs_of};

/// One shop's stock, event by event.
#[derive(Debug, Default)]
pub(super) struct StockWalk {
    stock: Stock,
    holds: HashMap<Uuid, &'static str>,
    numbers: BTreeMap<String, i64>,
}

impl StockWalk {
    /// Takes one event of the stock.
    pub(super) fn see(&mut self, event: &Event, report: &mut Report) {
        report.checked(Invariant::I8);
        match event.name.as_str() {
            "hold_opened" => self.opens(event, report),
            "recounted" => self.recounts(event, report),
            "wasted" => self.wastes(event, report),
            _ => {}
        }
        if let Some(hold) = event.id("hold") {
            self.step(hold, event, report);
        }
        self.stock.apply(event);
    }

    /// Where every hold of this shop stands.
    pub(super) fn into_holds(self) -> HashMap<Uuid, &'static str> {
        self.holds
    }

    fn opens(&mut self, event: &Event, report: &mut Report) {
        for need in needs_of(event) {
            let level = self.stock.level(&need.ingredient);
            report.expect(
                Invariant::I8,
                !level.tracked || need.amount <= level.free,
                || {
                    format!(
                        "{} holds {} of {}, of which {} was free",
                        event.label(),
                        need.amount,
                        need.ingredient,
                        level.free
                    )
                },
            );
        }
        let date = event.text("service_date").unwrap_or_default().to_owned();
        let given = self.numbers.entry(date).or_default();
        let due = given.saturating_add(1);
        let number = event.number("number").unwrap_or_default();
        report.expect(Invariant::I8, number == due, || {
            format!("{} gives number {number} where {due} is due", event.label())
        });
        *given = number;
    }

    fn recounts(&self, event: &Event, report: &mut Report) {
        let level = self
            .stock
            .level(event.text("ingredient").unwrap_or_default());
        let counted = event.number("counted").unwrap_or_default();
        let short = level.held.saturating_sub(counted).max(0);
        report.expect(
            Invariant::I8,
            event.number("shortfall") == Some(short),
            || {
                format!(
                    "{}: {} held, {counted} counted, so {short} short",
                    event.label(),
                    level.held
                )
            },
        );
    }

    fn wastes(&self, event: &Event, report: &mut Report) {
        let level = self
            .stock
            .level(event.text("ingredient").unwrap_or_default());
        let amount = event.number("amount").unwrap_or_default();
        report.expect(Invariant::I8, amount <= level.on_hand(), || {
            format!("{} wastes {amount} of {}", event.label(), level.on_hand())
        });
    }

    fn step(&mut self, hold: Uuid, event: &Event, report: &mut Report) {
        let state = self.holds.entry(hold).or_default();
        if let Some(to) = hold_next(state, &event.name) {
            *state = to;
            return;
        }
        let from = if state.is_empty() { "not open" } else { state };
        report.violated(
            Invariant::I12,
            format!("{}: hold {hold} is {from}", event.label()),
        );
    }
}

/// Compares every order with its hold, once nothing is under way.
pub(super) fn check_at_rest(facts: &Facts, report: &mut Report) {
    for (order, about) in &facts.orders {
        let hold = facts.holds.get(order).copied().unwrap_or("missing");
        let due = hold_of(about);
        report.expect(Invariant::I8, hold == due, || {
            format!(
                "order {order} is {}, its hold is {hold} instead of {due}",
                about.state
            )
        });
    }
    for hold in facts.holds.keys() {
        report.expect(Invariant::I8, facts.orders.contains_key(hold), || {
            format!("hold {hold} is of no order")
        });
    }
}

/// Where an order's hold belongs: cooked or carried away is used, ended before that is free again.
fn hold_of(order: &OrderFacts) -> &'static str {
    match order.state {
        _ if order.cooked => "consumed",
        "awaiting_payment" => "open",
        "placed" | "accepted" => "committed",
        _ => "released",
    }
}
