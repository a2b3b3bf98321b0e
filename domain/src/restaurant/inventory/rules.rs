//! The rules of stock, each from state and command to events or a refusal. Those of holds are in `holds.rs`.

use chrono::{DateTime, Utc};

use super::event::InventoryEvent;
use super::rejection::InventoryRejection;
use super::state::{Inventory, Stock};
use crate::kernel::key::Key;
use crate::kernel::quantity::{AMOUNT_MAX, Amount};
use crate::kernel::text::Reason;

/// The most ingredients that stock is kept of: twice what a menu may have.
pub(super) const INGREDIENTS_MAX: usize = 2000;

pub(super) type Decision = Result<Vec<InventoryEvent>, InventoryRejection>;

/// A new ingredient is named only while there are not too many.
pub(super) fn check_room(state: &Inventory, ingredient: &Key) -> Result<(), InventoryRejection> {
    let new = state.stock(ingredient).is_none();
    if new && state.ingredients() >= INGREDIENTS_MAX {
        return Err(InventoryRejection::TooManyIngredients);
    }
    Ok(())
}

/// Goods come in, more than nothing, and no more than can be counted.
pub(super) fn receive(state: &Inventory, ingredient: Key, amount: Amount) -> Decision {
    check_room(state, &ingredient)?;
    if amount.is_zero() {
        return Err(InventoryRejection::AmountZero);
    }
    let on_hand = state
        .stock(&ingredient)
        .filter(|stock| stock.tracked)
        .map_or(0, Stock::on_hand);
    if on_hand.saturating_add(amount.get()) > AMOUNT_MAX {
        return Err(InventoryRejection::StockOverflow { ingredient });
    }
    Ok(vec![InventoryEvent::Received { ingredient, amount }])
}

/// Only what is there can be thrown away; it may be held for orders, which then are short.
pub(super) fn waste(
    state: &Inventory,
    ingredient: Key,
    amount: Amount,
    reason: Reason,
) -> Decision {
    if amount.is_zero() {
        return Err(InventoryRejection::AmountZero);
    }
    let Some(stock) = state.stock(&ingredient).filter(|stock| stock.tracked) else {
        return Err(InventoryRejection::NotTracked { ingredient });
    };
    let on_hand = stock.on_hand();
    if amount.get() > on_hand {
        return Err(InventoryRejection::WastedMoreThanThere {
            ingredient,
            on_hand,
        });
    }
    let short = state.short_holds(&ingredient, on_hand.saturating_sub(amount.get()));
    Ok(vec![InventoryEvent::Wasted {
        ingredient,
        amount,
        reason,
        short,
    }])
}

/// The count stands; what is held beyond it is recorded as the shortfall, with the orders that it falls to.
pub(super) fn recount(state: &Inventory, ingredient: Key, counted: Amount) -> Decision {
    check_room(state, &ingredient)?;
    let stock = state.stock(&ingredient);
    if stock.is_some_and(|stock| stock.tracked && stock.on_hand() == counted.get()) {
        return Ok(Vec::new());
    }
    let held = stock.map_or(0, |stock| stock.held);
    let missing = held.saturating_sub(counted.get()).clamp(0, AMOUNT_MAX);
    let shortfall = Amount::try_from(missing).unwrap_or_default();
    let short = state.short_holds(&ingredient, counted.get());
    Ok(vec![InventoryEvent::Recounted {
        ingredient,
        counted,
        shortfall,
        short,
    }])
}

/// Out from now on, unless it would be back already.
pub(super) fn eighty_six(
    state: &Inventory,
    ingredient: Key,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Decision {
    check_room(state, &ingredient)?;
    if until.is_some_and(|until| until <= now) {
        return Err(InventoryRejection::ReturnAlreadyOver);
    }
    let so_already = state
        .stock(&ingredient)
        .and_then(|stock| stock.eighty_six)
        .is_some_and(|out| out.until == until);
    if so_already {
        return Ok(Vec::new());
    }
    Ok(vec![InventoryEvent::EightySixed { ingredient, until }])
}

/// Back, if it was out.
pub(super) fn lift_eighty_six(
    state: &Inventory,
    ingredient: Key,
    now: DateTime<Utc>,
) -> Vec<InventoryEvent> {
    let is_out = state
        .stock(&ingredient)
        .is_some_and(|stock| stock.is_eighty_sixed(now));
    if is_out {
        vec![InventoryEvent::EightySixLifted { ingredient }]
    } else {
        Vec::new()
    }
}
