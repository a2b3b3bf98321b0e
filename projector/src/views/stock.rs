//! One row for each shop's stock: what of each ingredient is free, held, used, and by whom held.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::decider::Recorded;
use domain::kernel::ids::OrderId;
use domain::restaurant::inventory::InventoryEvent;
use infra::availability::{EightySix, StockLevel};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::row::{Doc, row};
use super::{Change, FoldError, FoldedView};

/// Stock of every shop that has any.
#[derive(Debug)]
pub struct Stock;

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
        /// When the last event was stored.
        updated_at: DateTime<Utc>,
    }
}

/// What an order holds of an ingredient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The ingredient.
    pub ingredient: String,
    /// In its unit.
    pub amount: i64,
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
            updated_at: event.recorded_at,
        });
        row.updated_at = event.recorded_at;
        step(&mut row, &event.event)?;
        Ok(Change::Put(row))
    }
}

fn step(row: &mut StockRow, event: &InventoryEvent) -> Result<(), FoldError> {
    match event {
        InventoryEvent::Received { ingredient, amount } => {
            let level = level(row, ingredient.as_str());
            level.tracked = true;
            add(&mut level.received, amount.get())?;
            add(&mut level.free, amount.get())?;
        }
        InventoryEvent::Wasted { ingredient, amount, .. } => {
            let level = level(row, ingredient.as_str());
            add(&mut level.wasted, amount.get())?;
            add(&mut level.free, -amount.get())?;
        }
        InventoryEvent::Recounted { ingredient, counted, .. } => {
            let level = level(row, ingredient.as_str());
            level.tracked = true;
            // What lies on the shelf is what is free and what is held; the difference counts as received.
            let difference = counted.get() - level.held - level.free;
            add(&mut level.received, difference)?;
            add(&mut level.free, difference)?;
        }
        InventoryEvent::EightySixed { ingredient, until } => {
            level(row, ingredient.as_str()).eighty_six = Some(EightySix { until: *until });
        }
        InventoryEvent::EightySixLifted { ingredient } => {
            level(row, ingredient.as_str()).eighty_six = None;
        }
        InventoryEvent::HoldOpened { hold, needs, .. } => {
            let held: Vec<Held> = needs
                .iter()
                .map(|need| Held {
                    ingredient: need.ingredient.to_string(),
                    amount: need.amount.get(),
                })
                .collect();
            for need in &held {
                let level = level(row, &need.ingredient);
                add(&mut level.held, need.amount)?;
                add(&mut level.free, -need.amount)?;
            }
            row.holds.0.insert(hold.uuid(), held);
        }
        InventoryEvent::HoldCommitted { hold: _ } => {}
        InventoryEvent::HoldConsumed { hold } => {
            for need in take_hold(row, *hold) {
                let level = level(row, &need.ingredient);
                add(&mut level.held, -need.amount)?;
                add(&mut level.used, need.amount)?;
            }
        }
        InventoryEvent::HoldReleased { hold, .. } => {
            for need in take_hold(row, *hold) {
                let level = level(row, &need.ingredient);
                add(&mut level.held, -need.amount)?;
                add(&mut level.free, need.amount)?;
            }
        }
    }
    Ok(())
}

fn level<'a>(row: &'a mut StockRow, ingredient: &str) -> &'a mut StockLevel {
    row.ingredients.0.entry(ingredient.to_owned()).or_default()
}

fn take_hold(row: &mut StockRow, hold: OrderId) -> Vec<Held> {
    row.holds.0.remove(&hold.uuid()).unwrap_or_default()
}

fn add(sum: &mut i64, amount: i64) -> Result<(), FoldError> {
    *sum = sum
        .checked_add(amount)
        .ok_or_else(|| FoldError::Senseless(format!("{sum} and {amount} exceed the column")))?;
    Ok(())
}
