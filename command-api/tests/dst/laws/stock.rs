//! I8 and the table of holds: nobody gets what is not there, and what is held is used or given back, once.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Breaches, Streams, text};

type Needs = BTreeMap<String, i64>;

#[derive(Default)]
struct Shelf {
    on_hand: Needs,
    holds: BTreeMap<String, Needs>,
    breaches: Breaches,
}

pub(super) fn breaches(shops: &Streams) -> Breaches {
    shops
        .values()
        .flat_map(|events| folded(events).breaches)
        .collect()
}

pub(super) fn at_rest(shops: &Streams) -> Breaches {
    let open = |events: &Vec<_>| {
        let shelf = folded(events);
        let open = shelf.holds.into_keys();
        open.map(|hold| format!("I8: the hold of {hold} is neither used nor given back"))
            .collect::<Vec<_>>()
    };
    shops.values().flat_map(open).collect()
}

fn folded(events: &[(String, Value)]) -> Shelf {
    let mut shelf = Shelf::default();
    for (name, event) in events {
        shelf.see(name, event);
    }
    shelf
}

fn needs_of(event: &Value) -> Needs {
    let mut needs = Needs::new();
    for need in event["needs"].as_array().into_iter().flatten() {
        let amount = need["amount"].as_i64().unwrap_or(0);
        *needs.entry(text(&need["ingredient"])).or_default() += amount;
    }
    needs
}

impl Shelf {
    fn see(&mut self, name: &str, event: &Value) {
        let (hold, ingredient) = (text(&event["hold"]), text(&event["ingredient"]));
        match name {
            "received" => {
                *self.on_hand.entry(ingredient).or_default() +=
                    event["amount"].as_i64().unwrap_or(0);
            }
            "recounted" => {
                let counted = event["counted"].as_i64().unwrap_or(0);
                self.on_hand.insert(ingredient, counted);
            }
            "hold_opened" => {
                let needs = needs_of(event);
                if self.holds.insert(hold.clone(), needs.clone()).is_some() {
                    self.breaches
                        .push(format!("I12: the hold of {hold} is opened twice"));
                }
                self.must_be_there(&hold, &needs);
            }
            "hold_changed" | "hold_filled"
                if self.holds.insert(hold.clone(), needs_of(event)).is_none() =>
            {
                self.breaches
                    .push(format!("I12: {name} of {hold}, which holds nothing"));
            }
            "hold_committed" if !self.holds.contains_key(&hold) => {
                self.breaches
                    .push(format!("I12: {name} of {hold}, which holds nothing"));
            }
            "hold_consumed" | "hold_released" => self.end(name, &hold),
            _ => {}
        }
    }

    fn must_be_there(&mut self, hold: &str, needs: &Needs) {
        for ingredient in needs.keys() {
            let taken: i64 = self
                .holds
                .values()
                .filter_map(|needs| needs.get(ingredient))
                .sum();
            let there = self.on_hand.get(ingredient).copied().unwrap_or(0);
            if taken > there {
                let what =
                    format!("I8: {hold} holds {ingredient} that is not there: {taken} of {there}");
                self.breaches.push(what);
            }
        }
    }

    fn end(&mut self, name: &str, hold: &str) {
        let Some(needs) = self.holds.remove(hold) else {
            self.breaches
                .push(format!("I12: {name} of {hold}, which holds nothing"));
            return;
        };
        if name == "hold_consumed" {
            for (ingredient, amount) in needs {
                *self.on_hand.entry(ingredient).or_default() -= amount;
            }
        }
    }
}
