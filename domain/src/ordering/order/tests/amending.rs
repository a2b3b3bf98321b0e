//! Something else is ordered instead: within what was authorised, before anything is cooked.

use super::*;
use crate::ordering::order::Amendment;

/// Two bowls become so many, at the agreed price.
fn amend(bowls: u32, minutes: u32) -> OrderCommand {
    let terms = two_bowls(Shortage::Refund);
    let mut bill = terms.bill();
    bill.lines[0].quantity = bowls.try_into().unwrap();
    bill.quote[0].amount_minor = 980 * i64::from(bowls);
    bill.total = Money::new(980 * i64::from(bowls), bill.total.currency());
    let mut promise = terms.minutes;
    promise.min = Minutes::new(minutes);
    promise.max = Minutes::new(minutes + 10);
    OrderCommand::Amend {
        amendment: Box::new(Amendment {
            quote_id: terms.quote_id,
            bill,
            needs: terms.needs.clone(),
            allergens: terms.allergens.clone(),
            acknowledged: None,
            minutes: promise,
            schedule: None,
            address: None,
        }),
        by: customer(),
    }
}

#[test]
fn less_is_less_and_twice_changes_nothing() {
    for stage in [OrderStage::Placed, OrderStage::Accepted] {
        let amended = at(stage, two_bowls(Shortage::Refund)).done([amend(1, 20)]);
        assert_eq!(held(&amended), (980, 1));
        assert_eq!(amended.state().stage(), stage);
        amended.when(amend(1, 20)).then_nothing();
    }
}

#[test]
fn more_than_was_authorised_is_refused_with_both_amounts() {
    let placed = at(OrderStage::Placed, two_bowls(Shortage::Refund));
    let yen = |minor| Money::new(minor, terms().total.currency());
    let refused = placed.clone().when(amend(3, 25)).rejection();
    let expected = OrderRejection::MoreThanAuthorised {
        authorised: yen(1960),
        total: yen(2940),
    };
    assert_eq!(refused, expected);
    assert!(refused.to_string().contains("more than was authorised"));
    // Before the money is asked for, what was left out may come back; afterwards it may not.
    let less = placed.done([amend(1, 20)]);
    assert_eq!(held(&less.clone().done([amend(2, 20)])), (1960, 2));
    less.done([accept(12)])
        .when(amend(2, 20))
        .then_refused(OrderRejection::MoreThanAuthorised {
            authorised: yen(980),
            total: yen(1960),
        });
}

#[test]
fn nothing_is_amended_once_it_cooks_or_while_something_is_asked() {
    at(OrderStage::Cooking, two_bowls(Shortage::Refund))
        .when(amend(1, 20))
        .then_refused(not_allowed(OrderStage::Cooking, Kind::Amend));
    at(OrderStage::Placed, two_bowls(Shortage::Ask))
        .done([short(1)])
        .when(amend(1, 20))
        .then_refused(OrderRejection::ShortOpen);
}

#[test]
fn what_takes_longer_moves_the_promise_and_less_does_not() {
    let placed = at(OrderStage::Placed, two_bowls(Shortage::Refund));
    let later = placed.clone().when(amend(1, 50)).events();
    let [_, OrderEvent::PromiseMoved { promise, party, .. }] = &later[..] else {
        panic!("{later:?}")
    };
    assert_eq!(promise.latest, test_now() + TimeDelta::minutes(60));
    assert_eq!(*party, FaultParty::Customer);
    assert_eq!(placed.when(amend(1, 20)).events().len(), 1);
}
