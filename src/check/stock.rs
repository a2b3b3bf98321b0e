//! Stock (I8): nothing is promised that is not there, a shortfall is recorded as what it is, and at rest
//! every hold is where its order is. The steps of a hold belong to I12.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;
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
    ages: HashMap<String, Age>,
}

/// Which of two orders is the newer: by service date, then by number, then by id.
type Age = (String, i64, String);

impl StockWalk {
    /// Takes one event of the stock.
    pub(super) fn see(&mut self, event: &Event, report: &mut Report) {
        report.checked(Invariant::I8);
        match event.name.as_str() {
            "hold_opened" => self.opens(event, report),
            "hold_changed" => self.changes(event, report),
            "hold_filled" => self.fills(event, report),
            "cooked_again" => self.takes_at_once(event, report),
            "recounted" => self.recounts(event, report),
            "wasted" => self.wastes(event, report),
            _ => {}
        }
        if let Some(hold) = event.id("hold") {
            self.step(hold, event, report);
        }
        self.stock.apply(event);
    }

    /// Forgets the holds that have ended; whatever follows one is then a step of a hold that is not open.
    pub(super) fn forget_ended(&mut self) {
        self.holds
            .retain(|_, state| ["open", "committed"].contains(state));
        let holds = &self.holds;
        self.ages
            .retain(|hold, _| hold.parse().is_ok_and(|hold| holds.contains_key(&hold)));
    }

    /// Where every hold of this shop stands.
    pub(super) fn into_holds(self) -> HashMap<Uuid, &'static str> {
        self.holds
    }

    fn opens(&mut self, event: &Event, report: &mut Report) {
        self.takes_at_once(event, report);
        let date = event.text("service_date").unwrap_or_default().to_owned();
        let given = self.numbers.entry(date).or_default();
        let due = given.saturating_add(1);
        let number = event.number("number").unwrap_or_default();
        report.expect(Invariant::I8, number == due, || {
            format!("{} gives number {number} where {due} is due", event.label())
        });
        *given = number;
        let hold = event.text("hold").unwrap_or_default().to_owned();
        let date = event.text("service_date").unwrap_or_default().to_owned();
        self.ages.insert(hold.clone(), (date, number, hold));
    }

    fn takes_at_once(&self, event: &Event, report: &mut Report) {
        for need in needs_of(event) {
            self.takes(event, &need.ingredient, need.amount, report);
        }
    }

    /// What an event says of the orders that are short must be the newest that hold the ingredient, each with what it
    /// lacks when so much is left on the shelf.
    fn names_the_short(&self, event: &Event, left: i64, report: &mut Report) {
        // An event that names nobody leaves the list out.
        let named = event.body["short"].as_array().cloned().unwrap_or_default();
        let ingredient = event.text("ingredient").unwrap_or_default();
        let mut lacking = self.stock.level(ingredient).held.saturating_sub(left);
        let mut holders: Vec<_> = self
            .stock
            .holders(ingredient)
            .map(|(hold, amount)| (self.ages.get(hold), hold, amount))
            .collect();
        holders.sort_unstable_by(|one, other| other.0.cmp(&one.0));
        let mut due = Vec::new();
        for (_, hold, amount) in holders {
            let share = amount.min(lacking);
            if share <= 0 {
                break;
            }
            lacking = lacking.saturating_sub(share);
            due.push(json!({"hold": hold, "amount": share}));
        }
        report.expect(Invariant::I8, named == due, || {
            format!(
                "{} names {named:?} as short instead of {due:?}",
                event.label()
            )
        });
    }

    /// An order that is changed takes only what comes on top of what it holds.
    fn changes(&self, event: &Event, report: &mut Report) {
        let hold = event.text("hold").unwrap_or_default();
        for need in needs_of(event) {
            let already = self
                .stock
                .holders(&need.ingredient)
                .filter(|(holder, _)| *holder == hold)
                .fold(0, |sum: i64, (_, amount)| sum.saturating_add(amount));
            let more = need.amount.saturating_sub(already);
            if more > 0 {
                self.takes(event, &need.ingredient, more, report);
            }
        }
    }

    /// An order for later takes what is free when it is released; of what it lacks, nothing is left.
    fn fills(&self, event: &Event, report: &mut Report) {
        self.changes(event, report);
        let hold = event.text("hold").unwrap_or_default();
        let needs = needs_of(event);
        for short in event.body["short"].as_array().into_iter().flatten() {
            let ingredient = short["ingredient"].as_str().unwrap_or_default();
            let level = self.stock.level(ingredient);
            let taken: i64 = (needs.iter())
                .filter(|need| need.ingredient == ingredient)
                .map(|need| need.amount)
                .sum();
            let left = level.free.saturating_sub(taken);
            report.expect(Invariant::I8, left <= 0 || level.is_out(), || {
                format!(
                    "{}: {hold} lacks {ingredient}, of which {left} is left",
                    event.label()
                )
            });
        }
    }

    fn takes(&self, event: &Event, ingredient: &str, amount: i64, report: &mut Report) {
        let level = self.stock.level(ingredient);
        report.expect(
            Invariant::I8,
            !level.tracked || amount <= level.free,
            || {
                format!(
                    "{} holds {amount} of {ingredient}, of which {} was free",
                    event.label(),
                    level.free
                )
            },
        );
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
        self.names_the_short(event, counted, report);
    }

    fn wastes(&self, event: &Event, report: &mut Report) {
        let level = self
            .stock
            .level(event.text("ingredient").unwrap_or_default());
        let amount = event.number("amount").unwrap_or_default();
        report.expect(Invariant::I8, amount <= level.on_hand(), || {
            format!("{} wastes {amount} of {}", event.label(), level.on_hand())
        });
        self.names_the_short(event, level.on_hand().saturating_sub(amount), report);
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
        "scheduled" | "placed" | "accepted" => "committed",
        _ => "released",
    }
}
