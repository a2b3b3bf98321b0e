//! Random stock commands against a simple model: never oversold, never negative, nothing stranded, repeats change nothing.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::decider::Decider;
use domain::kernel::ids::OrderId;
use domain::kernel::key::Key;
use domain::kernel::quantity::{Amount, IngredientAmount};
use domain::kernel::text::Reason;
use domain::restaurant::inventory::{
    HoldEnd, Inventory, InventoryCommand, InventoryEvent, ReleaseReason,
};
use domain::testing::{context_at, test_now};
use proptest::prelude::*;
use uuid::Uuid;

fn key(number: u8) -> Key {
    Key::parse(format!("ingredient-{number}")).unwrap()
}

fn amount(number: i64) -> Amount {
    Amount::try_from(number).unwrap()
}

fn order(number: u8) -> OrderId {
    OrderId::new(Uuid::from_u128(u128::from(number)))
}

fn ingredient() -> impl Strategy<Value = Key> {
    (0..4_u8).prop_map(key)
}

fn needs() -> impl Strategy<Value = Vec<IngredientAmount>> {
    let need = (ingredient(), 0..40_i64).prop_map(|(ingredient, number)| IngredientAmount {
        ingredient,
        amount: amount(number),
    });
    prop::collection::vec(need, 0..5)
}

fn command() -> impl Strategy<Value = InventoryCommand> {
    let date = |days| NaiveDate::from_ymd_opt(2026, 11, 20).unwrap() + TimeDelta::days(days);
    let hold = || (0..8_u8).prop_map(order);
    prop_oneof![
        3 => (ingredient(), 0..100_i64).prop_map(|(ingredient, n)| InventoryCommand::Receive { ingredient, amount: amount(n) }),
        1 => (ingredient(), 0..30_i64).prop_map(|(ingredient, n)| InventoryCommand::Waste {
            ingredient, amount: amount(n), reason: Reason::parse("dropped").unwrap(),
        }),
        1 => (ingredient(), 0..120_i64).prop_map(|(ingredient, n)| InventoryCommand::Recount { ingredient, counted: amount(n) }),
        1 => (ingredient(), prop::option::of(1..60_i64)).prop_map(|(ingredient, minutes)| InventoryCommand::EightySix {
            ingredient, until: minutes.map(|minutes| test_now() + TimeDelta::minutes(minutes)),
        }),
        1 => ingredient().prop_map(|ingredient| InventoryCommand::LiftEightySix { ingredient }),
        6 => (hold(), 0..3_i64, needs()).prop_map(move |(hold, days, needs)| InventoryCommand::OpenHold {
            hold, service_date: date(days), needs, expires_at: test_now() + TimeDelta::minutes(15), kitchen: None,
        }),
        2 => (hold(), needs()).prop_map(|(hold, needs)| InventoryCommand::ChangeHold { hold, needs, kitchen: None, as_far_as_free: false }),
        2 => (hold(), needs()).prop_map(|(hold, needs)| InventoryCommand::ChangeHold { hold, needs, kitchen: None, as_far_as_free: true }),
        3 => hold().prop_map(|hold| InventoryCommand::CommitHold { hold }),
        2 => hold().prop_map(|hold| InventoryCommand::ConsumeHold { hold }),
        2 => hold().prop_map(|hold| InventoryCommand::ReleaseHold { hold, reason: ReleaseReason::Cancelled }),
    ]
}

/// Whether a command may be repeated without effect.
fn is_idempotent(command: &InventoryCommand) -> bool {
    !matches!(
        command,
        InventoryCommand::Receive { .. } | InventoryCommand::Waste { .. }
    )
}

/// What open holds set aside of each ingredient, summed afresh.
fn held(state: &Inventory) -> BTreeMap<&Key, i64> {
    let mut sums = BTreeMap::new();
    for need in state.holds().flat_map(|(_, hold)| &hold.needs) {
        *sums.entry(&need.ingredient).or_default() += need.amount.get();
    }
    sums
}

fn check(state: &Inventory) -> Result<(), TestCaseError> {
    let held = held(state);
    for (ingredient, stock) in state.stocks() {
        prop_assert_eq!(
            stock.held,
            held.get(ingredient).copied().unwrap_or(0),
            "nothing is stranded"
        );
        prop_assert!(stock.free() >= 0 && stock.shortfall() >= 0 && stock.on_hand() >= 0);
        prop_assert!(stock.received >= 0 && stock.used >= 0 && stock.wasted >= 0);
        if stock.tracked {
            // received ± recounted = used + wasted + held + free − shortfall.
            let left = stock.received + stock.adjusted;
            let right = stock.used + stock.wasted + stock.held + stock.free() - stock.shortfall();
            prop_assert_eq!(left, right);
            prop_assert!(stock.free() == 0 || stock.shortfall() == 0);
        }
    }
    Ok(())
}

/// What a hold may take: it was free before, of every tracked ingredient, and nothing was out.
fn check_not_oversold(
    before: &Inventory,
    event: &InventoryEvent,
    now: DateTime<Utc>,
) -> Result<(), TestCaseError> {
    if let InventoryEvent::HoldOpened {
        needs,
        service_date,
        number,
        ..
    } = event
    {
        for need in needs {
            let free = before.free(&need.ingredient);
            prop_assert!(
                free.is_none_or(|free| free >= need.amount.get()),
                "oversold"
            );
            prop_assert!(
                !before
                    .stock(&need.ingredient)
                    .is_some_and(|stock| stock.is_eighty_sixed(now))
            );
        }
        prop_assert_eq!(*number, before.numbers_given(*service_date) + 1);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn stock_is_never_oversold_nor_stranded(commands in prop::collection::vec((command(), 0..3_i64), 1..80)) {
        let mut state = Inventory::default();
        let mut now = test_now();
        let mut history = Vec::new();
        for (command, minutes) in commands {
            now += TimeDelta::minutes(minutes);
            let Ok(events) = state.decide(command.clone(), &context_at(now)) else { continue };
            for event in &events {
                check_not_oversold(&state, event, now)?;
                state.evolve(event);
            }
            check(&state)?;
            history.extend(events);
            if is_idempotent(&command) {
                prop_assert_eq!(state.decide(command, &context_at(now)), Ok(vec![]), "a repeat changes nothing");
            }
        }
        prop_assert_eq!(&domain::decider::replay::<Inventory>(&history), &state);
        let snapshot = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Inventory>(&snapshot).unwrap(), &state);
    }

    #[test]
    fn once_every_hold_has_ended_nothing_is_held(commands in prop::collection::vec(command(), 1..80)) {
        let context = context_at(test_now());
        let mut state = Inventory::default();
        let apply = |state: &mut Inventory, command: InventoryCommand| {
            let events = state.decide(command, &context).unwrap_or_default();
            for event in &events {
                state.evolve(event);
            }
        };
        for command in commands {
            apply(&mut state, command);
        }
        let open: Vec<_> = state.holds().map(|(id, _)| id).collect();
        for hold in open {
            apply(&mut state, InventoryCommand::ReleaseHold { hold, reason: ReleaseReason::Expired });
            prop_assert_eq!(state.ended(hold), Some(HoldEnd::Released));
        }
        prop_assert!(state.stocks().all(|(_, stock)| stock.held == 0 && stock.shortfall() == 0));
    }
}
