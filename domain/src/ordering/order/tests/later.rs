//! Orders for later: they wait for their day, and their window stays what it is.

use super::*;
use crate::ordering::window::{Schedule, Window};

fn minutes(number: i64) -> chrono::DateTime<chrono::Utc> {
    test_now() + TimeDelta::minutes(number)
}

/// Wanted in three hours, for half an hour; the shop is asked half an hour before.
fn tonight() -> Schedule {
    Schedule {
        window: Window::new(minutes(180), minutes(210)).unwrap(),
        release_at: minutes(150),
    }
}

fn for_later() -> Box<CheckedOut> {
    let schedule = tonight();
    Box::new(CheckedOut {
        schedule: Some(schedule),
        promise: schedule.window.promise(),
        ..*terms()
    })
}

fn release() -> OrderCommand {
    OrderCommand::Release {
        release_at: tonight().release_at,
    }
}

fn paid() -> Given<Order> {
    let terms = for_later();
    let pay = OrderCommand::Authorise {
        payment: terms.payment,
    };
    Given::nothing()
        .done([OrderCommand::CheckOut { terms }])
        .when(pay.clone())
        .then([OrderEvent::Scheduled {
            release_at: tonight().release_at,
            at: test_now(),
        }])
        .when(pay)
        .then_nothing()
}

#[test]
fn what_is_paid_for_waits_until_it_is_released() {
    let waiting = paid();
    assert_eq!(waiting.state().stage(), OrderStage::Scheduled);
    waiting
        .clone()
        .when(accept(12))
        .then_refused(not_allowed(OrderStage::Scheduled, Kind::Accept));
    waiting
        .when(release())
        .then([OrderEvent::Placed { at: test_now() }])
        .when(release())
        .then_nothing();
}

/// The timer of a window that was given up may ring all the same.
#[test]
fn what_is_wanted_at_another_time_by_now_is_not_released() {
    let before = OrderCommand::Release {
        release_at: minutes(149),
    };
    paid().when(before).then_nothing();
}

#[test]
fn what_costs_nothing_waits_without_a_payment() {
    let mut terms = for_later();
    terms.total = Money::new(0, terms.total.currency());
    let free = Given::nothing().done([OrderCommand::CheckOut { terms }]);
    assert_eq!(Order::stage(free.state()), OrderStage::Scheduled);
}

#[test]
fn whoever_cancels_in_time_gets_everything_back_and_nobody_is_paid() {
    let shop = Actor::Restaurant { id: sample::id(10) };
    let ops = Actor::Ops { id: sample::id(9) };
    for by in [customer(), shop, ops] {
        let events = paid().when(cancel(by)).events();
        let [OrderEvent::Cancelled { settlement, .. }] = &events[..] else {
            panic!("{events:?}")
        };
        let settled = settlement.unwrap();
        assert_eq!(settled.back_minor, terms().total.amount_minor());
        assert!(!settled.shop_paid && !settled.courier_paid);
    }
}

#[test]
fn a_window_is_promised_as_long_as_it_can_be_kept() {
    let window = tonight().window;
    // Fifteen minutes' way: with so long in the kitchen from now on it begins, and with so long it ends.
    for (prep, earliest) in [(12, 180), (165, 180), (180, 195), (195, 210)] {
        let accepted = paid().done([release(), accept(prep)]);
        let promise = accepted.state().body().unwrap().promise;
        assert_eq!(
            (promise.earliest, promise.latest),
            (minutes(earliest), window.to()),
            "{prep}"
        );
    }
    let late = paid().done([release(), accept(196)]);
    let promise = late.state().body().unwrap().promise;
    assert_eq!(
        (promise.earliest, promise.latest),
        (minutes(211), minutes(221))
    );
}

#[test]
fn a_delay_is_one_only_when_the_window_is_missed() {
    let delay = |number| OrderCommand::Delay {
        prep_minutes: Minutes::new(number),
        reason: sample::reason("broth"),
        party: FaultParty::Shop,
    };
    let accepted = paid().done([release(), accept(12)]);
    accepted
        .clone()
        .when(delay(60))
        .then_refused(OrderRejection::NotLater {
            latest: tonight().window.to(),
        });
    let late = accepted.done([delay(200)]);
    assert_eq!(late.state().body().unwrap().promise.earliest, minutes(215));
}
