//! What an inventory answers to its commands, each row of the table and each refusal.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::command::InventoryCommand;
use super::event::InventoryEvent;
use super::rejection::InventoryRejection;
use super::state::Inventory;
use super::{HoldEnd, ReleaseReason, ShortHold};
use crate::decider::Rejection as _;
use crate::kernel::ids::OrderId;
use crate::kernel::quantity::{AMOUNT_MAX, Amount, IngredientAmount};
use crate::kernel::sample::{id, key, reason};
use crate::testing::{Given, test_now};

fn amount(number: i64) -> Amount {
    Amount::try_from(number).unwrap()
}

fn need(ingredient: &str, number: i64) -> IngredientAmount {
    IngredientAmount {
        ingredient: key(ingredient),
        amount: amount(number),
    }
}

fn order(number: u128) -> OrderId {
    id(number)
}

fn friday() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 20).unwrap()
}

fn soon() -> DateTime<Utc> {
    test_now() + TimeDelta::minutes(15)
}

fn receive(ingredient: &str, number: i64) -> InventoryCommand {
    InventoryCommand::Receive {
        ingredient: key(ingredient),
        amount: amount(number),
    }
}

fn recount(ingredient: &str, number: i64) -> InventoryCommand {
    InventoryCommand::Recount {
        ingredient: key(ingredient),
        counted: amount(number),
    }
}

fn open(number: u128, needs: Vec<IngredientAmount>) -> InventoryCommand {
    InventoryCommand::OpenHold {
        hold: order(number),
        service_date: friday(),
        needs,
        expires_at: soon(),
        kitchen: None,
    }
}

fn commit(number: u128) -> InventoryCommand {
    InventoryCommand::CommitHold {
        hold: order(number),
    }
}

fn consume(number: u128) -> InventoryCommand {
    InventoryCommand::ConsumeHold {
        hold: order(number),
    }
}

fn release(number: u128) -> InventoryCommand {
    InventoryCommand::ReleaseHold {
        hold: order(number),
        reason: ReleaseReason::Cancelled,
    }
}

fn opened(number: u128, order_number: u32, needs: Vec<IngredientAmount>) -> InventoryEvent {
    InventoryEvent::HoldOpened {
        hold: order(number),
        needs,
        service_date: friday(),
        number: order_number,
        expires_at: soon(),
        kitchen: None,
    }
}

fn with_noodles(number: i64) -> Given<Inventory> {
    Given::nothing().done([receive("noodles", number)])
}

fn free(given: &Given<Inventory>) -> Option<i64> {
    given.state().free(&key("noodles"))
}

#[test]
fn the_last_portion_is_sold_once() {
    let sold = with_noodles(150).when(open(1, vec![need("noodles", 150)]));
    let sold = sold.then([opened(1, 1, vec![need("noodles", 150)])]);
    assert_eq!(free(&sold), Some(0));
    let refused = sold.when(open(2, vec![need("noodles", 150)])).rejection();
    assert_eq!(
        refused,
        InventoryRejection::OutOfStock {
            ingredients: vec![key("noodles")]
        }
    );
    assert_eq!(refused.faults().len(), 1);
}

#[test]
fn lines_that_share_an_ingredient_are_counted_together() {
    let twice = vec![need("noodles", 100), need("egg", 1), need("noodles", 100)];
    with_noodles(150)
        .when(open(1, twice.clone()))
        .then_refused(InventoryRejection::OutOfStock {
            ingredients: vec![key("noodles")],
        });
    with_noodles(200).when(open(1, twice)).then([opened(
        1,
        1,
        vec![need("egg", 1), need("noodles", 200)],
    )]);
}

#[test]
fn opening_twice_changes_nothing_and_other_needs_are_refused() {
    let held = with_noodles(500).done([open(1, vec![need("noodles", 150)])]);
    held.clone()
        .when(open(1, vec![need("noodles", 150)]))
        .then_nothing();
    held.clone()
        .when(open(1, vec![need("noodles", 151)]))
        .then_refused(InventoryRejection::HeldOtherwise { hold: order(1) });
    held.done([release(1)])
        .when(open(1, vec![need("noodles", 150)]))
        .then_nothing();
}

#[test]
fn a_hold_goes_from_open_over_committed_to_consumed() {
    let open = with_noodles(500).done([open(1, vec![need("noodles", 150)])]);
    open.clone()
        .when(consume(1))
        .then_refused(InventoryRejection::HoldNotCommitted { hold: order(1) });
    let committed = open
        .when(commit(1))
        .then([InventoryEvent::HoldCommitted { hold: order(1) }]);
    let consumed = committed
        .when(commit(1))
        .then_nothing()
        .when(consume(1))
        .then([InventoryEvent::HoldConsumed { hold: order(1) }])
        .when(consume(1))
        .then_nothing()
        .when(commit(1))
        .then_nothing();
    let stock = consumed.state().stock(&key("noodles")).unwrap();
    assert_eq!((stock.used, stock.held, stock.free()), (150, 0, 350));
    consumed
        .when(release(1))
        .then_refused(InventoryRejection::HoldEnded {
            hold: order(1),
            end: HoldEnd::Consumed,
        });
}

#[test]
fn a_released_hold_is_free_again_and_stays_released() {
    for steps in [vec![], vec![commit(1)]] {
        let released = with_noodles(150)
            .done([open(1, vec![need("noodles", 150)])])
            .done(steps)
            .when(release(1))
            .then([InventoryEvent::HoldReleased {
                hold: order(1),
                reason: ReleaseReason::Cancelled,
            }])
            .when(release(1))
            .then_nothing();
        assert_eq!(free(&released), Some(150));
        for late in [commit(1), consume(1)] {
            released
                .clone()
                .when(late)
                .then_refused(InventoryRejection::HoldEnded {
                    hold: order(1),
                    end: HoldEnd::Released,
                });
        }
    }
}

#[test]
fn a_hold_that_nobody_opened_is_unknown() {
    for command in [commit(9), consume(9), release(9)] {
        with_noodles(1)
            .when(command)
            .then_refused(InventoryRejection::HoldUnknown { hold: order(9) });
    }
}

#[test]
fn order_numbers_count_up_by_service_date() {
    let given = with_noodles(500).done([
        open(1, vec![]),
        open(2, vec![]),
        release(2),
        open(3, vec![]),
    ]);
    assert_eq!(given.state().hold(order(3)).unwrap().number, 3);
    let saturday = friday().succ_opt().unwrap();
    let tomorrow = InventoryCommand::OpenHold {
        hold: order(4),
        service_date: saturday,
        needs: vec![],
        expires_at: soon(),
        kitchen: None,
    };
    assert_eq!(
        given
            .done([tomorrow])
            .state()
            .hold(order(4))
            .unwrap()
            .number,
        1
    );
}

#[test]
fn old_numbers_and_ended_holds_are_forgotten_and_old_dates_refused() {
    let later = test_now() + TimeDelta::days(7);
    let next_week = InventoryCommand::OpenHold {
        hold: order(2),
        service_date: later.date_naive(),
        needs: vec![],
        expires_at: later,
        kitchen: None,
    };
    let given = with_noodles(1)
        .done([open(1, vec![]), release(1)])
        .at(later)
        .done([next_week]);
    assert_eq!(
        (
            given.state().ended(order(1)),
            given.state().numbers_given(friday())
        ),
        (None, 0)
    );
    given
        .when(open(3, vec![]))
        .then_refused(InventoryRejection::ServiceDateOver {
            service_date: friday(),
        });
}

#[test]
fn an_ingredient_that_was_never_counted_is_never_out() {
    let needs = vec![need("noodles", 1000)];
    let given = Given::<Inventory>::nothing().done([open(1, needs), commit(1)]);
    assert_eq!(free(&given), None);
    assert!(given.state().servable(&[need("noodles", 1)], test_now()));
    let counted = given.done([recount("noodles", 1200)]);
    assert_eq!(free(&counted), Some(200));
    assert_eq!(free(&counted.done([consume(1)])), Some(200));
}

#[test]
fn a_recount_below_what_is_held_records_the_shortfall() {
    let short = with_noodles(300)
        .done([open(1, vec![need("noodles", 200)])])
        .when(recount("noodles", 150))
        .then([InventoryEvent::Recounted {
            ingredient: key("noodles"),
            counted: amount(150),
            shortfall: amount(50),
            short: vec![ShortHold {
                hold: order(1),
                amount: amount(50),
            }],
        }]);
    let stock = short.state().stock(&key("noodles")).unwrap().clone();
    assert_eq!(
        (stock.free(), stock.shortfall(), stock.on_hand()),
        (0, 50, 150)
    );
    short.clone().when(recount("noodles", 150)).then_nothing();
    assert_eq!(
        free(&short.clone().done([receive("noodles", 60)])),
        Some(10)
    );
    let used = short.done([commit(1), consume(1)]);
    assert_eq!(free(&used), Some(0));
    assert_eq!(used.state().stock(&key("noodles")).unwrap().on_hand(), 0);
}

#[test]
fn only_what_is_there_can_be_wasted() {
    let waste = |number| InventoryCommand::Waste {
        ingredient: key("noodles"),
        amount: amount(number),
        reason: reason("dropped"),
    };
    let wasted = with_noodles(100).done([waste(40)]);
    assert_eq!(free(&wasted), Some(60));
    wasted
        .clone()
        .when(waste(61))
        .then_refused(InventoryRejection::WastedMoreThanThere {
            ingredient: key("noodles"),
            on_hand: 60,
        });
    wasted
        .when(waste(0))
        .then_refused(InventoryRejection::AmountZero);
    Given::<Inventory>::nothing()
        .when(waste(1))
        .then_refused(InventoryRejection::NotTracked {
            ingredient: key("noodles"),
        });
}

#[test]
fn an_eighty_sixed_ingredient_is_out_until_it_is_back() {
    let until = test_now() + TimeDelta::hours(2);
    let out = |until| InventoryCommand::EightySix {
        ingredient: key("noodles"),
        until,
    };
    let lift = InventoryCommand::LiftEightySix {
        ingredient: key("noodles"),
    };
    let given = with_noodles(500)
        .when(out(Some(until)))
        .then([InventoryEvent::EightySixed {
            ingredient: key("noodles"),
            until: Some(until),
        }]);
    given.clone().when(out(Some(until))).then_nothing();
    given
        .clone()
        .when(open(1, vec![need("noodles", 1)]))
        .then_refused(InventoryRejection::OutOfStock {
            ingredients: vec![key("noodles")],
        });
    assert!(given.state().servable(&[need("noodles", 500)], until));
    given.clone().at(until).when(lift.clone()).then_nothing();
    let back = given.when(lift).then([InventoryEvent::EightySixLifted {
        ingredient: key("noodles"),
    }]);
    assert!(back.state().servable(&[need("noodles", 500)], test_now()));
    assert!(!back.state().servable(&[need("noodles", 501)], test_now()));
    back.when(out(Some(test_now())))
        .then_refused(InventoryRejection::ReturnAlreadyOver);
}

#[test]
fn what_cannot_be_counted_is_refused() {
    with_noodles(AMOUNT_MAX)
        .when(receive("noodles", 1))
        .then_refused(InventoryRejection::StockOverflow {
            ingredient: key("noodles"),
        });
    with_noodles(1)
        .when(receive("noodles", 0))
        .then_refused(InventoryRejection::AmountZero);
    with_noodles(1)
        .when(open(1, vec![need("egg", AMOUNT_MAX), need("egg", 1)]))
        .then_refused(InventoryRejection::NeedsOverflow);
    let many = (0..2000).map(|number| receive(&format!("i{number}"), 1));
    Given::<Inventory>::nothing()
        .done(many)
        .when(receive("one-more", 1))
        .then_refused(InventoryRejection::TooManyIngredients);
}

/// Holds with slots of the kitchen, changed and short.
mod kitchens {
    use serde_json::json;

    use super::super::command::KitchenWanted;
    use super::*;

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
            as_far_as_free: false,
        }
    }

    fn change_as_far_as_free(number: u128, needs: Vec<IngredientAmount>) -> InventoryCommand {
        InventoryCommand::ChangeHold {
            hold: id(number),
            needs,
            kitchen: None,
            as_far_as_free: true,
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
    fn what_is_not_free_is_left_out_of_a_change_and_the_rest_of_it_is_made() {
        let pork = |counted: i64| InventoryCommand::Recount {
            ingredient: key("pork"),
            counted: counted.try_into().unwrap(),
        };
        let wanted = || vec![need("noodles", 150), need("pork", 60)];
        let changed = |needs: &[IngredientAmount]| InventoryEvent::HoldChanged {
            hold: id(1),
            needs: needs.to_vec(),
            kitchen: None,
        };
        let none = two_orders().done([pork(0)]);
        let less = none
            .when(change_as_far_as_free(1, wanted()))
            .then([changed(&[need("noodles", 150)])]);
        assert_eq!(free(&less), Some(250));
        less.clone()
            .when(change_as_far_as_free(1, wanted()))
            .then_nothing();
        let part = less
            .done([pork(40)])
            .when(change_as_far_as_free(1, wanted()))
            .then([changed(&[need("noodles", 150), need("pork", 40)])]);
        part.done([pork(500)])
            .when(change_as_far_as_free(1, wanted()))
            .then([changed(&wanted())]);
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
