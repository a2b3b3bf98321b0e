//! One row for each shop's stock: what of each ingredient is free, held, used, and by whom held.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::decider::Recorded;
use domain::kernel::ids::OrderId;
use domain::kernel::key::Key;
use domain::kernel::kitchen::{Kitchen, KitchenBooking};
use domain::kernel::quantity::IngredientAmount;
use domain::restaurant::inventory::InventoryEvent;
use infra::availability::{EightySix, StockLevel};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::row::{Doc, row};
use super::{Change, FoldError, FoldedView};

/// Stock of every shop that has any.
#[derive(Debug)]
pub(crate) struct Stock;

row! {
    /// A shop's stock.
    StockRow in "stock" key restaurant_id {
        /// The shop.
        restaurant_id: Uuid,
        /// Events folded.
        sequence: i64,
        /// By ingredient.
        ingredients: Doc<BTreeMap<String, StockLevel>>,
        /// Open and committed holds, by order.
        holds: Doc<BTreeMap<Uuid, Vec<Held>>>,
        /// What is booked in the kitchen, by slot.
        kitchen: Doc<Kitchen>,
        /// What of the kitchen open and committed holds have booked, by order.
        bookings: Doc<BTreeMap<Uuid, KitchenBooking>>,
        /// When the last event was stored.
        updated_at: DateTime<Utc>,
    }
}

/// What an order holds of an ingredient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    /// The ingredient.
    pub(crate) ingredient: Key,
    /// In its unit.
    pub(crate) amount: i64,
}

impl FoldedView for Stock {
    const ANCHOR: bool = true;
    type Event = InventoryEvent;
    type Row = StockRow;

    fn fold(
        row: Option<StockRow>,
        event: &Recorded<InventoryEvent>,
    ) -> Result<Change<StockRow>, FoldError> {
        let mut row = row.unwrap_or_else(|| StockRow {
            restaurant_id: event.stream,
            sequence: 0,
            ingredients: Doc(BTreeMap::new()),
            holds: Doc(BTreeMap::new()),
            kitchen: Doc(Kitchen::default()),
            bookings: Doc(BTreeMap::new()),
            updated_at: event.recorded_at,
        });
        row.updated_at = event.recorded_at;
        step(&mut row, &event.event);
        Ok(Change::Put(row))
    }
}

fn step(row: &mut StockRow, event: &InventoryEvent) {
    match event {
        InventoryEvent::Received { ingredient, amount } => change(row, ingredient, |level| {
            if !level.tracked {
                adjust_to(level, 0);
                level.tracked = true;
            }
            level.received = level.received.saturating_add(amount.get());
        }),
        InventoryEvent::Wasted {
            ingredient,
            amount,
            reason: _,
            short: _,
        } => {
            change(row, ingredient, |level| {
                level.wasted = level.wasted.saturating_add(amount.get());
                settle(level);
            });
        }
        InventoryEvent::Recounted {
            ingredient,
            counted,
            shortfall: _,
            short: _,
        } => {
            change(row, ingredient, |level| {
                adjust_to(level, counted.get());
                level.tracked = true;
            });
        }
        InventoryEvent::EightySixed { ingredient, until } => change(row, ingredient, |level| {
            level.eighty_six = Some(EightySix { until: *until });
        }),
        InventoryEvent::EightySixLifted { ingredient } => {
            change(row, ingredient, |level| level.eighty_six = None);
        }
        InventoryEvent::HoldOpened {
            hold,
            needs,
            service_date: _,
            number: _,
            expires_at,
            kitchen,
        } => {
            row.kitchen.0.forget_over(*expires_at);
            set_aside(row, *hold, needs);
            book(row, *hold, kitchen.as_ref());
        }
        InventoryEvent::HoldChanged {
            hold,
            needs,
            kitchen,
        } => {
            end(row, *hold, |_, _| {});
            set_aside(row, *hold, needs);
            if kitchen.is_some() {
                give_back(row, *hold);
                book(row, *hold, kitchen.as_ref());
            }
        }
        InventoryEvent::HoldFilled { hold, needs, .. } => {
            end(row, *hold, |_, _| {});
            set_aside(row, *hold, needs);
        }
        InventoryEvent::HoldCommitted { hold: _ } => {}
        InventoryEvent::HoldConsumed { hold } => {
            // What was fired has had its slots.
            row.bookings.0.remove(&hold.uuid());
            end(row, *hold, |level, amount| {
                level.used = level.used.saturating_add(amount);
                settle(level);
            });
        }
        InventoryEvent::CookedAgain { needs, .. } => {
            for need in needs {
                change(row, &need.ingredient, |level| {
                    level.wasted = level.wasted.saturating_add(need.amount.get());
                    settle(level);
                });
            }
        }
        InventoryEvent::HoldReleased { hold, reason: _ } => {
            give_back(row, *hold);
            end(row, *hold, |_, _| {});
        }
    }
}

/// Sets aside what an order needs.
fn set_aside(row: &mut StockRow, order: OrderId, needs: &[IngredientAmount]) {
    for need in needs {
        change(row, &need.ingredient, |level| {
            level.held = level.held.saturating_add(need.amount.get());
        });
    }
    let held = needs.iter().map(|need| Held {
        ingredient: need.ingredient.clone(),
        amount: need.amount.get(),
    });
    row.holds.0.insert(order.uuid(), held.collect());
}

/// Books slots of the kitchen for an order.
fn book(row: &mut StockRow, hold: OrderId, booking: Option<&KitchenBooking>) {
    if let Some(booking) = booking {
        row.kitchen.0.book(booking);
        row.bookings.0.insert(hold.uuid(), booking.clone());
    }
}

/// Gives the slots of an order back.
fn give_back(row: &mut StockRow, hold: OrderId) {
    if let Some(booking) = row.bookings.0.remove(&hold.uuid()) {
        row.kitchen.0.give_back(&booking);
    }
}

/// Changes an ingredient and says anew what is free of it.
fn change(row: &mut StockRow, ingredient: &Key, change: impl FnOnce(&mut StockLevel)) {
    let level = row.ingredients.0.entry(ingredient.to_string()).or_default();
    change(level);
    level.free = on_hand(level).saturating_sub(level.held).max(0);
}

/// Ends a hold; `with` says what becomes of each amount that was held.
fn end(row: &mut StockRow, hold: OrderId, with: impl Fn(&mut StockLevel, i64)) {
    for held in row.holds.0.remove(&hold.uuid()).unwrap_or_default() {
        change(row, &held.ingredient, |level| {
            level.held = level.held.saturating_sub(held.amount);
            with(level, held.amount);
        });
    }
}

/// What is on the shelf by the books, with what is held.
fn on_hand(level: &StockLevel) -> i64 {
    let came = level.received.saturating_add(level.adjusted);
    came.saturating_sub(level.used).saturating_sub(level.wasted)
}

/// Sets what is on the shelf, whatever the books said.
fn adjust_to(level: &mut StockLevel, counted: i64) {
    let difference = counted.saturating_sub(on_hand(level));
    level.adjusted = level.adjusted.saturating_add(difference);
}

/// What left the shelf without being there by the books must have been there all the same.
fn settle(level: &mut StockLevel) {
    if on_hand(level) < 0 {
        adjust_to(level, 0);
    }
}
