//! The rules of stock, each from state and command to events or a refusal.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use uuid::Uuid;

use super::command::KitchenWanted;
use super::event::{InventoryEvent, ReleaseReason};
use super::rejection::InventoryRejection;
use super::state::{Hold, HoldEnd, HoldStage, Inventory, Stock};
use crate::kernel::ids::OrderId;
use crate::kernel::key::Key;
use crate::kernel::kitchen::KitchenBooking;
use crate::kernel::quantity::{AMOUNT_MAX, Amount, IngredientAmount};
use crate::kernel::text::Reason;

/// The most ingredients that stock is kept of: twice what a menu may have.
const INGREDIENTS_MAX: usize = 2000;

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

/// How many days after its date an order may still be numbered, clocks and late payments included.
const SERVICE_DATE_GRACE_DAYS: i64 = 2;

/// What a checkout asks for.
pub(super) struct HoldWanted {
    pub(super) hold: OrderId,
    pub(super) service_date: NaiveDate,
    pub(super) needs: Vec<IngredientAmount>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) kitchen: Option<KitchenWanted>,
}

/// Everything that the order needs is set aside, or nothing. Lines that share an ingredient are counted together.
pub(super) fn open_hold(state: &Inventory, wanted: HoldWanted, now: DateTime<Utc>) -> Decision {
    let HoldWanted {
        hold,
        service_date,
        needs,
        expires_at,
        kitchen,
    } = wanted;
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
    check_free(state, &needs, now)?;
    let kitchen = free_slots(state, None, kitchen)?;
    let number = state.numbers_given(service_date).saturating_add(1);
    Ok(vec![InventoryEvent::HoldOpened {
        hold,
        needs,
        service_date,
        number,
        expires_at,
        kitchen,
    }])
}

/// What an order needs instead.
pub(super) struct HoldChange {
    pub(super) needs: Vec<IngredientAmount>,
    pub(super) kitchen: Option<KitchenWanted>,
    pub(super) as_far_as_free: bool,
}

/// What the order needs from now on is set aside instead of what it needed; only what comes on top must be free, or is
/// left out as far as it is not.
pub(super) fn change_hold(
    state: &Inventory,
    id: OrderId,
    change: HoldChange,
    now: DateTime<Utc>,
) -> Decision {
    let HoldChange {
        needs,
        kitchen,
        as_far_as_free,
    } = change;
    let needs = merge(needs).ok_or(InventoryRejection::NeedsOverflow)?;
    let hold = live_hold(state, id)?;
    let needs = if as_far_as_free {
        without_lacking(state, hold, needs, now).0
    } else {
        needs
    };
    let same_slots =
        (kitchen.as_ref()).is_none_or(|wanted| hold.kitchen.as_ref() == Some(&wanted.booking));
    if hold.needs == needs && same_slots {
        return Ok(Vec::new());
    }
    check_free(state, &on_top(hold, &needs), now)?;
    let kitchen = free_slots(state, hold.kitchen.as_ref(), kitchen)?;
    Ok(vec![InventoryEvent::HoldChanged {
        hold: id,
        needs,
        kitchen,
    }])
}

/// Of what the order needs, what is free is set aside besides what it has; what is not is named. An order that was paid
/// for is cooked as far as there is something to cook.
pub(super) fn fill_hold(
    state: &Inventory,
    id: OrderId,
    needs: Vec<IngredientAmount>,
    now: DateTime<Utc>,
) -> Decision {
    let needs = merge(needs).ok_or(InventoryRejection::NeedsOverflow)?;
    let hold = live_hold(state, id)?;
    if on_top(hold, &needs).is_empty() {
        return Ok(Vec::new());
    }
    let (needs, short) = without_lacking(state, hold, needs, now);
    Ok(vec![InventoryEvent::HoldFilled {
        hold: id,
        needs,
        short,
    }])
}

/// What can be set aside for a hold of what it needs, and what cannot.
fn without_lacking(
    state: &Inventory,
    hold: &Hold,
    needs: Vec<IngredientAmount>,
    now: DateTime<Utc>,
) -> (Vec<IngredientAmount>, Vec<IngredientAmount>) {
    let short: Vec<IngredientAmount> = on_top(hold, &needs)
        .iter()
        .filter_map(|need| lacking_of(state, need, now))
        .collect();
    let missing: BTreeMap<&Key, Amount> = short
        .iter()
        .map(|lacking| (&lacking.ingredient, lacking.amount))
        .collect();
    let there = |need: IngredientAmount| {
        let lacking = missing.get(&need.ingredient).copied().unwrap_or_default();
        let amount = need.amount.checked_sub(lacking).unwrap_or_default();
        IngredientAmount { amount, ..need }
    };
    let needs = needs.into_iter().map(there);
    let needs = needs.filter(|need| !need.amount.is_zero()).collect();
    (needs, short)
}

/// How much of what is needed cannot be set aside.
fn lacking_of(
    state: &Inventory,
    need: &IngredientAmount,
    now: DateTime<Utc>,
) -> Option<IngredientAmount> {
    let stock = state.stock(&need.ingredient)?;
    let free = if stock.is_eighty_sixed(now) {
        0
    } else if stock.tracked {
        stock.free()
    } else {
        return None;
    };
    let amount = need.amount.get().saturating_sub(free);
    let amount = Amount::try_from(amount)
        .ok()
        .filter(|amount| !amount.is_zero())?;
    let ingredient = need.ingredient.clone();
    Some(IngredientAmount { ingredient, amount })
}

/// The hold of an order that has not ended.
fn live_hold(state: &Inventory, id: OrderId) -> Result<&Hold, InventoryRejection> {
    state.hold(id).ok_or_else(|| match state.ended(id) {
        Some(end) => InventoryRejection::HoldEnded { hold: id, end },
        None => InventoryRejection::HoldUnknown { hold: id },
    })
}

/// What bowls need that are cooked once more is free and taken at once. Nothing when nobody says what they take.
pub(super) fn cook_again(
    state: &Inventory,
    order: OrderId,
    refire: Uuid,
    needs: Vec<IngredientAmount>,
    now: DateTime<Utc>,
) -> Decision {
    let needs = merge(needs).ok_or(InventoryRejection::NeedsOverflow)?;
    if needs.is_empty() {
        return Ok(Vec::new());
    }
    check_free(state, &needs, now)?;
    Ok(vec![InventoryEvent::CookedAgain {
        order,
        refire,
        needs,
    }])
}

/// All of it is free, and stock is not kept of too much.
fn check_free(
    state: &Inventory,
    needs: &[IngredientAmount],
    now: DateTime<Utc>,
) -> Result<(), InventoryRejection> {
    let wanted = needs
        .iter()
        .map(|need| (&need.ingredient, need.amount.get()));
    let lacking = state.lacking(wanted, now);
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
    Ok(())
}

/// What is needed beyond what is held already.
fn on_top(hold: &Hold, needs: &[IngredientAmount]) -> Vec<IngredientAmount> {
    let before: BTreeMap<&Key, Amount> = hold
        .needs
        .iter()
        .map(|need| (&need.ingredient, need.amount))
        .collect();
    let more = |need: &IngredientAmount| {
        let already = before.get(&need.ingredient).copied().unwrap_or_default();
        let amount = need.amount.checked_sub(already).unwrap_or_default();
        (!amount.is_zero()).then(|| IngredientAmount {
            ingredient: need.ingredient.clone(),
            amount,
        })
    };
    needs.iter().filter_map(more).collect()
}

/// The slots that are wanted, if they are free once those that the order has are given back.
fn free_slots(
    state: &Inventory,
    given_back: Option<&KitchenBooking>,
    wanted: Option<KitchenWanted>,
) -> Result<Option<KitchenBooking>, InventoryRejection> {
    let Some(KitchenWanted { booking, capacity }) = wanted else {
        return Ok(None);
    };
    let fits = match given_back {
        None => state.kitchen().fits(&capacity, &booking),
        Some(before) => {
            let mut kitchen = state.kitchen().clone();
            kitchen.give_back(before);
            kitchen.fits(&capacity, &booking)
        }
    };
    if fits {
        Ok(Some(booking))
    } else {
        Err(InventoryRejection::KitchenFull)
    }
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
