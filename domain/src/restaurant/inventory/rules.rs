//! The rules of stock, each from state and command to events or a refusal.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::event::{InventoryEvent, ReleaseReason};
use super::rejection::InventoryRejection;
use super::state::{HoldEnd, HoldStage, Inventory, Stock};
use crate::kernel::ids::OrderId;
use crate::kernel::key::Key;
use crate::kernel::quantity::{AMOUNT_MAX, Amount, IngredientAmount};
use crate::kernel::text::Reason;

/// The most ingredients that stock is kept of: twice what a menu may have.
const INGREDIENTS_MAX: usize = 2000;
/// How many days after its date an order may still be numbered, clocks and late payments included.
const SERVICE_DATE_GRACE_DAYS: i64 = 2;

type Decision = Result<Vec<InventoryEvent>, InventoryRejection>;

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
    Ok(vec![InventoryEvent::Wasted {
        ingredient,
        amount,
        reason,
    }])
}

/// The count stands; what is held beyond it is recorded as the shortfall.
pub(super) fn recount(state: &Inventory, ingredient: Key, counted: Amount) -> Decision {
    check_room(state, &ingredient)?;
    let stock = state.stock(&ingredient);
    if stock.is_some_and(|stock| stock.tracked && stock.on_hand() == counted.get()) {
        return Ok(Vec::new());
    }
    let held = stock.map_or(0, |stock| stock.held);
    let missing = held.saturating_sub(counted.get()).clamp(0, AMOUNT_MAX);
    let shortfall = Amount::try_from(missing).unwrap_or_default();
    Ok(vec![InventoryEvent::Recounted {
        ingredient,
        counted,
        shortfall,
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

/// Everything that the order needs is set aside, or nothing. Lines that share an ingredient are counted together.
pub(super) fn open_hold(
    state: &Inventory,
    hold: OrderId,
    service_date: NaiveDate,
    needs: Vec<IngredientAmount>,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Decision {
    let needs = merge(needs).ok_or(InventoryRejection::NeedsOverflow)?;
    if let Some(held) = state.hold(hold) {
        let same = held.needs == needs && held.service_date == service_date;
        return if same {
            Ok(Vec::new())
        } else {
            Err(InventoryRejection::HeldOtherwise { hold })
        };
    }
    if state.ended(hold).is_some() {
        return Ok(Vec::new());
    }
    if service_date < now.date_naive() - TimeDelta::days(SERVICE_DATE_GRACE_DAYS) {
        return Err(InventoryRejection::ServiceDateOver { service_date });
    }
    let lacking = state.lacking(
        needs
            .iter()
            .map(|need| (&need.ingredient, need.amount.get())),
        now,
    );
    if !lacking.is_empty() {
        return Err(InventoryRejection::OutOfStock {
            ingredients: lacking.into_iter().cloned().collect(),
        });
    }
    let new = needs
        .iter()
        .filter(|need| state.stock(&need.ingredient).is_none())
        .count();
    if new > 0 && state.ingredients().saturating_add(new) > INGREDIENTS_MAX {
        return Err(InventoryRejection::TooManyIngredients);
    }
    let number = state.numbers_given(service_date).saturating_add(1);
    Ok(vec![InventoryEvent::HoldOpened {
        hold,
        needs,
        service_date,
        number,
        expires_at,
    }])
}

/// Open → committed.
pub(super) fn commit_hold(state: &Inventory, hold: OrderId) -> Decision {
    match (state.hold(hold).map(|hold| hold.stage), state.ended(hold)) {
        (Some(HoldStage::Open), _) => Ok(vec![InventoryEvent::HoldCommitted { hold }]),
        (Some(HoldStage::Committed), _) | (None, Some(HoldEnd::Consumed)) => Ok(Vec::new()),
        (None, Some(end @ HoldEnd::Released)) => Err(InventoryRejection::HoldEnded { hold, end }),
        (None, None) => Err(InventoryRejection::HoldUnknown { hold }),
    }
}

/// Committed → consumed.
pub(super) fn consume_hold(state: &Inventory, hold: OrderId) -> Decision {
    match (state.hold(hold).map(|hold| hold.stage), state.ended(hold)) {
        (Some(HoldStage::Committed), _) => Ok(vec![InventoryEvent::HoldConsumed { hold }]),
        (Some(HoldStage::Open), _) => Err(InventoryRejection::HoldNotCommitted { hold }),
        (None, Some(HoldEnd::Consumed)) => Ok(Vec::new()),
        (None, Some(end @ HoldEnd::Released)) => Err(InventoryRejection::HoldEnded { hold, end }),
        (None, None) => Err(InventoryRejection::HoldUnknown { hold }),
    }
}

/// Open or committed → released.
pub(super) fn release_hold(state: &Inventory, hold: OrderId, reason: ReleaseReason) -> Decision {
    match (state.hold(hold).is_some(), state.ended(hold)) {
        (true, _) => Ok(vec![InventoryEvent::HoldReleased { hold, reason }]),
        (false, Some(HoldEnd::Released)) => Ok(Vec::new()),
        (false, Some(end @ HoldEnd::Consumed)) => Err(InventoryRejection::HoldEnded { hold, end }),
        (false, None) => Err(InventoryRejection::HoldUnknown { hold }),
    }
}

/// Each ingredient once, in order of key, without zeros. Nothing when a sum overflows.
fn merge(needs: Vec<IngredientAmount>) -> Option<Vec<IngredientAmount>> {
    let mut sums: BTreeMap<Key, Amount> = BTreeMap::new();
    for need in needs {
        let sum = sums.entry(need.ingredient).or_default();
        *sum = sum.checked_add(need.amount)?;
    }
    let lines = sums.into_iter().filter(|(_, amount)| !amount.is_zero());
    Some(
        lines
            .map(|(ingredient, amount)| IngredientAmount { ingredient, amount })
            .collect(),
    )
}
