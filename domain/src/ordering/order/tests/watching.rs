//! What is noted of an order beside its way: promises, long stays, and who acted in whose place.

use super::*;
use crate::decider::replay;

fn stall(stage: OrderStage) -> OrderCommand {
    OrderCommand::Stall {
        stage,
        since: test_now(),
    }
}

#[test]
fn a_stay_that_is_too_long_is_said_once() {
    let placed = at(OrderStage::Placed, terms());
    let stalled = placed
        .when(stall(OrderStage::Placed))
        .then([OrderEvent::Stalled {
            stage: OrderStage::Placed,
            since: test_now(),
            at: test_now(),
        }]);
    stalled
        .clone()
        .when(stall(OrderStage::Placed))
        .then_nothing();
    // The order has moved on: the next stay is another one.
    let accepted = stalled.done([accept(12)]);
    accepted
        .clone()
        .when(stall(OrderStage::Placed))
        .then_nothing();
    let again = accepted.when(stall(OrderStage::Accepted)).events();
    assert_eq!(again.len(), 1);
    let ended = at(OrderStage::Placed, terms()).done([reject()]);
    ended.when(stall(OrderStage::Placed)).then_nothing();
}

#[test]
fn the_first_promise_stays_while_the_promise_moves() {
    let delay = OrderCommand::Delay {
        prep_minutes: Minutes::new(40),
        reason: sample::reason("broth"),
        party: FaultParty::Shop,
    };
    let moved = at(OrderStage::Accepted, terms()).done([delay]);
    let body = moved.state().body().unwrap();
    assert_eq!(body.first_promise, terms().promise);
    assert!(body.promise.latest > body.first_promise.latest);
    // Orders of old have their promise among their terms only.
    let of_old: Order = replay(&[OrderEvent::CheckedOut(terms())]);
    assert_eq!(of_old.body().unwrap().first_promise, terms().promise);
}

#[test]
fn who_acts_in_anothers_place_says_why_at_any_stage() {
    let note = || OrderCommand::NoteOnBehalf {
        by: Actor::Ops { id: sample::id(9) },
        of: By::Shop,
        reason: sample::reason("their tablet is broken"),
    };
    let noted = at(OrderStage::Placed, terms()).done([accept(12), note()]);
    assert_eq!(noted.state().stage(), OrderStage::Accepted);
    let ended = noted.done([cancel(customer())]);
    assert_eq!(ended.when(note()).events().len(), 1);
}
