//! Checkout, payment and the shop's answer.

use super::*;

fn promised(terms: &CheckedOut) -> OrderEvent {
    OrderEvent::PromiseMade {
        promise: terms.promise,
        at: test_now(),
    }
}

#[test]
fn a_checkout_waits_for_its_payment() {
    let checked_out = Given::<Order>::nothing()
        .when(OrderCommand::CheckOut { terms: terms() })
        .then([OrderEvent::CheckedOut(terms()), promised(&terms())]);
    assert_eq!(checked_out.state().stage(), OrderStage::AwaitingPayment);
}

#[test]
fn nothing_to_pay_is_placed_at_once() {
    let free = Box::new(CheckedOut {
        total: Money::zero(CheckedOut::sample().total.currency()),
        ..*terms()
    });
    Given::<Order>::nothing()
        .when(OrderCommand::CheckOut {
            terms: free.clone(),
        })
        .then([
            OrderEvent::CheckedOut(free.clone()),
            promised(&free),
            OrderEvent::Placed { at: test_now() },
        ]);
}

#[test]
fn checking_out_twice_changes_nothing_and_with_other_terms_is_refused() {
    let waiting = at(OrderStage::AwaitingPayment, terms());
    waiting
        .clone()
        .when(OrderCommand::CheckOut { terms: terms() })
        .then_nothing();
    waiting
        .when(OrderCommand::CheckOut {
            terms: to_collect(),
        })
        .then_refused(OrderRejection::AlreadyCheckedOut);
}

#[test]
fn an_order_that_was_never_checked_out_does_not_exist() {
    for command in [
        accept(1),
        OrderCommand::Expire,
        delivered(),
        cancel(customer()),
    ] {
        Given::<Order>::nothing()
            .when(command)
            .then_refused(OrderRejection::OrderUnknown);
    }
    assert_eq!(OrderRejection::OrderUnknown.class(), Class::NotFound);
}

#[test]
fn its_payment_places_it_once() {
    let pay = || OrderCommand::Authorise {
        payment: sample::id(5),
    };
    at(OrderStage::AwaitingPayment, terms())
        .when(pay())
        .then([OrderEvent::Placed { at: test_now() }])
        .when(pay())
        .then_nothing();
    let other = OrderCommand::Authorise {
        payment: sample::id(77),
    };
    at(OrderStage::AwaitingPayment, terms())
        .when(other)
        .then_refused(OrderRejection::OtherPayment {
            expected: sample::id(5),
        });
}

#[test]
fn it_expires_when_its_time_is_over_and_not_before() {
    let expires_at = CheckedOut::sample().expires_at;
    let waiting = at(OrderStage::AwaitingPayment, terms());
    waiting
        .clone()
        .at(expires_at - TimeDelta::seconds(1))
        .when(OrderCommand::Expire)
        .then_refused(OrderRejection::NotYetExpired { expires_at });
    let expired = waiting
        .at(expires_at)
        .when(OrderCommand::Expire)
        .then([OrderEvent::Expired { at: expires_at }])
        .when(OrderCommand::Expire)
        .then_nothing();
    expired
        .when(OrderCommand::Authorise {
            payment: sample::id(5),
        })
        .then_refused(not_allowed(OrderStage::Expired, Kind::Authorise));
}

#[test]
fn accepting_promises_anew_and_twice_changes_nothing() {
    let promise = Promise {
        earliest: test_now() + TimeDelta::minutes(12 + 15),
        latest: test_now() + TimeDelta::minutes(12 + 15 + 10),
    };
    at(OrderStage::Placed, terms())
        .when(accept(12))
        .then([OrderEvent::Accepted {
            prep_minutes: Minutes::new(12),
            promise,
            at: test_now(),
        }])
        .when(accept(20))
        .then_nothing();
}

#[test]
fn an_absurd_time_in_the_kitchen_is_refused() {
    let refused = at(OrderStage::Placed, terms())
        .when(accept(241))
        .rejection();
    assert_eq!(refused, OrderRejection::PrepTimeOutOfRange { max: 240 });
    assert_eq!(refused.faults()[0].pointer, "/prep_minutes");
}

#[test]
fn a_rejected_order_cannot_be_accepted() {
    at(OrderStage::Placed, terms())
        .when(reject())
        .then([OrderEvent::Rejected {
            reason: RejectReason::TooBusy,
            note: None,
            at: test_now(),
        }])
        .when(reject())
        .then_nothing()
        .when(accept(12))
        .then_refused(not_allowed(OrderStage::Rejected, Kind::Accept));
}

#[test]
fn an_accepted_order_cannot_be_rejected_and_the_refusal_says_what_can_be_done() {
    let refused = at(OrderStage::Accepted, terms()).when(reject()).rejection();
    assert_eq!(refused, not_allowed(OrderStage::Accepted, Kind::Reject));
    assert_eq!(
        refused.to_string(),
        "reject is not possible at stage accepted; possible are fire, cancel, acknowledge, \
         request_courier, record_picked_up, record_delivered, record_undeliverable, short, short_stock, \
         answer_short, amend, correct_door, delay, switch_to_pickup, stall, note_on_behalf"
    );
}
