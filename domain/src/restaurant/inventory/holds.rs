//! The rules of holds: what is set aside for an order, of the stock and of the kitchen.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::command::KitchenWanted;
use super::event::{InventoryEvent, ReleaseReason};
use super::rejection::InventoryRejection;
use super::rules::{Decision, INGREDIENTS_MAX};
use super::state::{Hold, HoldEnd, HoldStage, Inventory};
use crate::kernel::ids::OrderId;
use crate::kernel::key::Key;
use crate::kernel::kitchen::KitchenBooking;
use crate::kernel::quantity::{Amount, IngredientAmount};

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

/// What the order needs from now on is set aside instead of what it needed; only what comes on top must be free.
pub(super) fn change_hold(
    state: &Inventory,
    id: OrderId,
    needs: Vec<IngredientAmount>,
    kitchen: Option<KitchenWanted>,
    now: DateTime<Utc>,
) -> Decision {
    let needs = merge(needs).ok_or(InventoryRejection::NeedsOverflow)?;
    let Some(hold) = state.hold(id) else {
        return Err(match state.ended(id) {
            Some(end) => InventoryRejection::HoldEnded { hold: id, end },
            None => InventoryRejection::HoldUnknown { hold: id },
        });
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
    let held: BTreeMap<&Key, Amount> = hold
        .needs
        .iter()
        .map(|need| (&need.ingredient, need.amount))
        .collect();
    let more = |need: &IngredientAmount| {
        let held = held.get(&need.ingredient).copied().unwrap_or_default();
        let amount = need.amount.checked_sub(held).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::command::InventoryCommand;
    use super::super::event::ShortHold;
    use super::*;
    use crate::kernel::sample::{id, key};
    use crate::testing::{Given, test_now};

    fn need(ingredient: &str, number: i64) -> IngredientAmount {
        IngredientAmount {
            ingredient: key(ingredient),
            amount: number.try_into().unwrap(),
        }
    }

    fn slots(bowls: u32) -> KitchenWanted {
        serde_json::from_value(json!({
            "booking": {"slots": [{"starts": test_now(), "bowls": bowls, "basket_seconds": bowls * 100}]},
            "capacity": {"baskets": 1},
        }))
        .unwrap()
    }

    fn open(number: u128, amount: i64, bowls: u32) -> InventoryCommand {
        InventoryCommand::OpenHold {
            hold: id(number),
            service_date: test_now().date_naive(),
            needs: vec![need("noodles", amount)],
            expires_at: test_now() + TimeDelta::minutes(15),
            kitchen: Some(slots(bowls)),
        }
    }

    fn change(number: u128, needs: Vec<IngredientAmount>, bowls: Option<u32>) -> InventoryCommand {
        InventoryCommand::ChangeHold {
            hold: id(number),
            needs,
            kitchen: bowls.map(slots),
        }
    }

    /// 500 of noodles, of which order 1 holds 200 and order 2 holds 100, with two bowls and one.
    fn two_orders() -> Given<Inventory> {
        let receive = InventoryCommand::Receive {
            ingredient: key("noodles"),
            amount: 500.try_into().unwrap(),
        };
        Given::nothing().done([receive, open(1, 200, 2), open(2, 100, 1)])
    }

    fn free(given: &Given<Inventory>) -> Option<i64> {
        given.state().free(&key("noodles"))
    }

    #[test]
    fn a_changed_hold_takes_only_what_comes_on_top() {
        let more = two_orders()
            .when(change(
                1,
                vec![need("noodles", 400), need("egg", 2)],
                Some(5),
            ))
            .then([InventoryEvent::HoldChanged {
                hold: id(1),
                needs: vec![need("egg", 2), need("noodles", 400)],
                kitchen: Some(slots(5).booking),
            }]);
        assert_eq!(free(&more), Some(0));
        assert_eq!(more.state().kitchen().load(test_now()).bowls, 6);
        more.clone()
            .when(change(1, vec![need("noodles", 400), need("egg", 2)], None))
            .then_nothing();
        let less = more.done([change(1, vec![], Some(1))]);
        assert_eq!(free(&less), Some(400));
        assert_eq!(less.state().kitchen().load(test_now()).bowls, 2);
    }

    #[test]
    fn a_change_that_finds_no_stock_or_no_room_changes_nothing() {
        let given = two_orders();
        given
            .clone()
            .when(change(1, vec![need("noodles", 401)], None))
            .then_refused(InventoryRejection::OutOfStock {
                ingredients: vec![key("noodles")],
            });
        given
            .clone()
            .when(change(1, vec![need("noodles", 1)], Some(6)))
            .then_refused(InventoryRejection::KitchenFull);
        given
            .when(change(3, vec![], None))
            .then_refused(InventoryRejection::HoldUnknown { hold: id(3) });
    }

    #[test]
    fn an_ended_hold_is_not_changed() {
        let release = InventoryCommand::ReleaseHold {
            hold: id(1),
            reason: ReleaseReason::Cancelled,
        };
        two_orders()
            .done([release])
            .when(change(1, vec![], None))
            .then_refused(InventoryRejection::HoldEnded {
                hold: id(1),
                end: HoldEnd::Released,
            });
    }

    #[test]
    fn taken_slots_are_refused() {
        two_orders()
            .when(open(3, 1, 4))
            .then_refused(InventoryRejection::KitchenFull);
    }

    #[test]
    fn the_newest_orders_are_short_first() {
        let given = two_orders();
        let short = |on_hand| -> Vec<(OrderId, i64)> {
            let found = given.state().short_holds(&key("noodles"), on_hand);
            found
                .into_iter()
                .map(|ShortHold { hold, amount }| (hold, amount.get()))
                .collect()
        };
        assert_eq!(short(300), []);
        assert_eq!(short(250), [(id(2), 50)]);
        assert_eq!(short(150), [(id(2), 100), (id(1), 50)]);
        assert_eq!(short(0), [(id(2), 100), (id(1), 200)]);
    }

    #[test]
    fn an_order_that_is_short_may_still_be_made_smaller() {
        let recount = InventoryCommand::Recount {
            ingredient: key("noodles"),
            counted: 250.try_into().unwrap(),
        };
        let smaller = two_orders().done([recount, change(2, vec![need("noodles", 50)], None)]);
        let stock = smaller.state().stock(&key("noodles")).unwrap();
        assert_eq!((stock.shortfall(), stock.free()), (0, 0));
    }
}
