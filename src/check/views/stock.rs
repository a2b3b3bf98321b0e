//! A shop's stock: what of each ingredient came, went and is held. It serves the view's row and, with
//! numbers of its own, the balance of I8.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Row, object};
use crate::check::store::Event;

/// A shop's stock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::check) struct Stock {
    ingredients: BTreeMap<String, Level>,
    holds: BTreeMap<String, Vec<Need>>,
    #[serde(default)]
    kitchen: BTreeMap<String, Load>,
    #[serde(default)]
    bookings: BTreeMap<String, Booking>,
}

/// What is booked in ten minutes of the kitchen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Load {
    bowls: i64,
    basket_seconds: i64,
}

/// The slots of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Booking {
    slots: Vec<Slot>,
}

/// What an order has booked in one slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Slot {
    starts: String,
    bowls: i64,
    basket_seconds: i64,
}

/// One ingredient, each number in its unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::check) struct Level {
    /// Whether it was ever received or counted.
    pub(in crate::check) tracked: bool,
    /// Not held by anybody; never negative.
    pub(in crate::check) free: i64,
    /// Held for orders that are not cooked.
    pub(in crate::check) held: i64,
    received: i64,
    adjusted: i64,
    used: i64,
    wasted: i64,
    #[serde(default)]
    eighty_six: Option<Value>,
}

/// An amount of an ingredient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::check) struct Need {
    /// The ingredient's key.
    pub(in crate::check) ingredient: String,
    /// How much.
    pub(in crate::check) amount: i64,
}

impl Level {
    /// What is there, held or not.
    pub(in crate::check) fn on_hand(&self) -> i64 {
        let came = self.received.saturating_add(self.adjusted);
        came.saturating_sub(self.used).saturating_sub(self.wasted)
    }

    /// Whether the shop has said that it is out, for a while or until it says otherwise.
    pub(in crate::check) fn is_out(&self) -> bool {
        self.eighty_six.is_some()
    }

    /// A count says what is there; the difference is neither use nor waste.
    fn count(&mut self, there: i64) {
        self.adjusted = self
            .adjusted
            .saturating_add(there.saturating_sub(self.on_hand()));
    }

    /// What was taken was there, even if nobody had counted it.
    fn settle(&mut self) {
        if self.on_hand() < 0 {
            self.count(0);
        }
    }
}

impl Stock {
    /// An ingredient's level.
    pub(in crate::check) fn level(&self, ingredient: &str) -> Level {
        self.ingredients
            .get(ingredient)
            .cloned()
            .unwrap_or_default()
    }

    /// Every ingredient with its level.
    pub(in crate::check) fn levels(&self) -> impl Iterator<Item = (&String, &Level)> {
        self.ingredients.iter()
    }

    /// How much of `ingredient` the open and committed holds sum up to.
    pub(in crate::check) fn held_by_orders(&self, ingredient: &str) -> i64 {
        let needs = self.holds.values().flatten();
        needs
            .filter(|need| need.ingredient == ingredient)
            .fold(0, |sum, need| sum.saturating_add(need.amount))
    }

    /// The open and committed holds of an ingredient: the order, and how much it holds.
    pub(in crate::check) fn holders(&self, ingredient: &str) -> impl Iterator<Item = (&str, i64)> {
        self.holds.iter().flat_map(move |(hold, needs)| {
            let of_it = needs
                .iter()
                .filter(move |need| need.ingredient == ingredient);
            of_it.map(|need| (hold.as_str(), need.amount))
        })
    }

    /// What an event of the stock does to it.
    pub(in crate::check) fn apply(&mut self, event: &Event) {
        let amount = event.number("amount").unwrap_or_default();
        match event.name.as_str() {
            "received" => self.change(event, |level| {
                if !level.tracked {
                    level.count(0);
                    level.tracked = true;
                }
                level.received = level.received.saturating_add(amount);
            }),
            "wasted" => self.change(event, |level| {
                level.wasted = level.wasted.saturating_add(amount);
                level.settle();
            }),
            "recounted" => self.change(event, |level| {
                level.count(event.number("counted").unwrap_or_default());
                level.tracked = true;
            }),
            "eighty_sixed" => self.change(event, |level| {
                let until = event.value("until");
                level.eighty_six = Some(if until.is_null() {
                    json!({})
                } else {
                    json!({ "until": until })
                });
            }),
            "eighty_six_lifted" => self.change(event, |level| level.eighty_six = None),
            "hold_opened" => {
                self.forget(event);
                self.open(event);
                self.book(event);
            }
            "hold_changed" => {
                self.end(event, |_, _| {});
                self.open(event);
                if !event.value("kitchen").is_null() {
                    self.give_back(event);
                    self.book(event);
                }
            }
            "hold_filled" => {
                self.end(event, |_, _| {});
                self.open(event);
            }
            "hold_consumed" => {
                self.bookings.remove(hold_of(event));
                self.end(event, |level, amount| {
                    level.used = level.used.saturating_add(amount);
                    level.settle();
                });
            }
            "cooked_again" => {
                for need in needs_of(event) {
                    self.touch(&need.ingredient, |level| {
                        level.wasted = level.wasted.saturating_add(need.amount);
                        level.settle();
                    });
                }
            }
            "hold_released" => {
                self.give_back(event);
                self.end(event, |_, _| {});
            }
            _ => {}
        }
    }

    fn open(&mut self, event: &Event) {
        let needs = needs_of(event);
        for need in &needs {
            self.touch(&need.ingredient, |level| {
                level.held = level.held.saturating_add(need.amount);
            });
        }
        self.holds.insert(hold_of(event).to_owned(), needs);
    }

    /// Slots that began three hours before the hold expires are over.
    fn forget(&mut self, event: &Event) {
        let instant = |text: &str| text.parse::<DateTime<Utc>>().ok();
        let expires = event.text("expires_at").and_then(instant);
        let Some(over) = expires.map(|at| at - TimeDelta::hours(3)) else {
            return;
        };
        self.kitchen
            .retain(|starts, _| instant(starts).is_none_or(|starts| starts >= over));
    }

    fn book(&mut self, event: &Event) {
        let Ok(booking) = serde_json::from_value::<Booking>(event.value("kitchen")) else {
            return;
        };
        for slot in &booking.slots {
            let load = self.kitchen.entry(slot.starts.clone()).or_default();
            load.bowls = load.bowls.saturating_add(slot.bowls);
            load.basket_seconds = load.basket_seconds.saturating_add(slot.basket_seconds);
        }
        self.bookings.insert(hold_of(event).to_owned(), booking);
    }

    fn give_back(&mut self, event: &Event) {
        let booking = self.bookings.remove(hold_of(event));
        for slot in booking.map_or_else(Vec::new, |booking| booking.slots) {
            if let Some(load) = self.kitchen.get_mut(&slot.starts) {
                load.bowls = load.bowls.saturating_sub(slot.bowls);
                load.basket_seconds = load.basket_seconds.saturating_sub(slot.basket_seconds);
            }
        }
        self.kitchen
            .retain(|_, load| (load.bowls, load.basket_seconds) != (0, 0));
    }

    fn end(&mut self, event: &Event, with: impl Fn(&mut Level, i64)) {
        for need in self.holds.remove(hold_of(event)).unwrap_or_default() {
            self.touch(&need.ingredient, |level| {
                level.held = level.held.saturating_sub(need.amount);
                with(level, need.amount);
            });
        }
    }

    fn change(&mut self, event: &Event, change: impl FnOnce(&mut Level)) {
        self.touch(event.text("ingredient").unwrap_or_default(), change);
    }

    fn touch(&mut self, ingredient: &str, change: impl FnOnce(&mut Level)) {
        let level = self.ingredients.entry(ingredient.to_owned()).or_default();
        change(level);
        level.free = level.on_hand().saturating_sub(level.held).max(0);
    }
}

/// The order of an event about a hold.
fn hold_of(event: &Event) -> &str {
    event.text("hold").unwrap_or_default()
}

/// What a hold asks for.
pub(in crate::check) fn needs_of(event: &Event) -> Vec<Need> {
    serde_json::from_value(event.value("needs")).unwrap_or_default()
}

/// `views.stock`. The row's own columns are the fold's whole memory.
pub(super) fn row(row: Option<Row>, event: &Event) -> Option<Row> {
    let so_far = row.and_then(|row| serde_json::from_value(Value::Object(row)).ok());
    let mut stock: Stock = so_far.unwrap_or_default();
    stock.apply(event);
    let Stock {
        ingredients,
        holds,
        kitchen,
        bookings,
    } = stock;
    object(json!({
        "restaurant_id": event.stream,
        "sequence": event.sequence,
        "ingredients": ingredients,
        "holds": holds,
        "kitchen": kitchen,
        "bookings": bookings,
        "updated_at": event.recorded(),
    }))
}
