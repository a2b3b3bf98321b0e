//! What a payment answers to its commands, each row of the table and each refusal.

use super::command::{PaymentCommand, PaymentCommandKind as Kind};
use super::event::{IntentId, PaymentEvent, RefundReason, VendorCode, VendorRefundId};
use super::rejection::PaymentRejection;
use super::state::{Payment, PaymentStage};
use crate::decider::{Class, Decider, Rejection, allowed_from};
use crate::kernel::money::{Currency, Money};
use crate::kernel::refusal::NotAllowed;
use crate::kernel::sample;
use crate::testing::{Given, context, test_now};

fn yen(amount: i64) -> Money {
    Money::new(amount, Currency::parse("JPY").unwrap())
}

fn intent() -> IntentId {
    IntentId::parse("pi_1").unwrap()
}

fn code() -> VendorCode {
    VendorCode::parse("card_declined").unwrap()
}

fn requested_of(amount: Money) -> PaymentCommand {
    PaymentCommand::Request {
        order: sample::id(3),
        customer: sample::id(1),
        restaurant: sample::id(2),
        amount,
        attempt: 1,
    }
}

fn authorised() -> PaymentCommand {
    PaymentCommand::RecordAuthorised {
        intent: intent(),
        amount: yen(980),
        capture_before: None,
    }
}

fn captured() -> PaymentCommand {
    PaymentCommand::RecordCaptured {
        intent: intent(),
        amount: yen(980),
    }
}

fn unwind() -> PaymentCommand {
    PaymentCommand::Unwind {
        reason: RefundReason::OrderCancelled,
    }
}

fn refund(number: u128, amount: Money) -> PaymentCommand {
    let reason = RefundReason::Goodwill;
    PaymentCommand::RequestRefund {
        refund: sample::id(number),
        amount,
        reason,
    }
}

fn cancelled() -> PaymentCommand {
    PaymentCommand::RecordCancelled { intent: intent() }
}

fn capture_failed() -> PaymentCommand {
    PaymentCommand::RecordCaptureFailed { code: code() }
}

fn void_requested() -> PaymentEvent {
    PaymentEvent::VoidRequested {
        reason: RefundReason::OrderCancelled,
        at: test_now(),
    }
}

fn known() -> PaymentCommand {
    PaymentCommand::RecordIntent { intent: intent() }
}

fn given(commands: impl IntoIterator<Item = PaymentCommand>) -> Given<Payment> {
    Given::nothing()
        .done([requested_of(yen(980))])
        .done(commands)
}

fn not_allowed(stage: PaymentStage, command: Kind) -> PaymentRejection {
    let allowed = allowed_from::<Payment>(stage);
    PaymentRejection::NotAllowed(NotAllowed {
        stage,
        command,
        allowed,
    })
}

fn capture() -> PaymentCommand {
    PaymentCommand::RequestCapture { amount: None }
}

#[test]
fn a_part_is_taken_and_no_more_than_that_goes_back() {
    let part = Money::new(700, yen(980).currency());
    let asked = given([authorised()]).when(PaymentCommand::RequestCapture { amount: Some(part) });
    let taken = asked
        .then([PaymentEvent::CaptureRequested {
            amount: part,
            at: test_now(),
        }])
        .when(PaymentCommand::RecordCaptured {
            intent: intent(),
            amount: part,
        })
        .then([PaymentEvent::Captured {
            amount: part,
            at: test_now(),
        }]);
    taken
        .when(PaymentCommand::RequestRefund {
            refund: sample::id(7),
            amount: yen(701),
            reason: RefundReason::OrderChanged,
        })
        .then_refused(PaymentRejection::RefundExceedsCaptured { left: part });
    let more = Some(yen(981));
    given([authorised()])
        .when(PaymentCommand::RequestCapture { amount: more })
        .then_refused(PaymentRejection::AmountMismatch {
            expected: yen(980),
            found: yen(981),
        });
}

#[test]
fn a_request_is_made_once() {
    let again = given([]).when(requested_of(yen(980))).then_nothing();
    again
        .when(requested_of(yen(981)))
        .then_refused(PaymentRejection::AlreadyRequested);
    Given::<Payment>::nothing()
        .when(requested_of(yen(-1)))
        .then_refused(PaymentRejection::AmountNegative);
    Given::<Payment>::nothing()
        .when(authorised())
        .then_refused(PaymentRejection::PaymentUnknown);
}

#[test]
fn nothing_to_pay_never_meets_the_vendor() {
    let free = Given::<Payment>::nothing().done([requested_of(yen(0))]);
    assert_eq!(free.state().stage(), PaymentStage::Authorized);
    free.clone()
        .when(capture())
        .then([PaymentEvent::Captured {
            amount: yen(0),
            at: test_now(),
        }])
        .when(unwind())
        .then_nothing();
    free.when(unwind())
        .then([PaymentEvent::Voided { at: test_now() }]);
}

#[test]
fn the_usual_way_ends_captured_and_each_step_repeated_changes_nothing() {
    given([])
        .when(known())
        .then([PaymentEvent::IntentCreated { intent: intent() }])
        .when(known())
        .then_nothing()
        .when(authorised())
        .then([PaymentEvent::Authorized {
            capture_before: None,
            at: test_now(),
        }])
        .when(authorised())
        .then_nothing()
        .when(capture())
        .then([PaymentEvent::CaptureRequested {
            amount: yen(980),
            at: test_now(),
        }])
        .when(capture())
        .then_nothing()
        .when(captured())
        .then([PaymentEvent::Captured {
            amount: yen(980),
            at: test_now(),
        }])
        .when(captured())
        .then_nothing()
        .when(authorised())
        .then_nothing();
}

#[test]
fn a_declined_card_leaves_room_for_another() {
    let declined = PaymentCommand::RecordDeclined {
        intent: intent(),
        code: code(),
    };
    let action = PaymentCommand::RecordActionRequired { intent: intent() };
    given([known()])
        .when(action.clone())
        .then([PaymentEvent::ActionRequired { at: test_now() }])
        .when(action)
        .then_nothing()
        .when(declined.clone())
        .then([PaymentEvent::Declined {
            code: code(),
            at: test_now(),
        }])
        .when(declined.clone())
        .then_nothing()
        .when(authorised())
        .then([PaymentEvent::Authorized {
            capture_before: None,
            at: test_now(),
        }])
        .when(declined)
        .then_nothing();
}

#[test]
fn news_before_our_own_answer_teaches_the_intent() {
    given([]).when(authorised()).then([
        PaymentEvent::IntentCreated { intent: intent() },
        PaymentEvent::Authorized {
            capture_before: None,
            at: test_now(),
        },
    ]);
}

#[test]
fn another_intent_or_amount_is_refused() {
    let other = PaymentCommand::RecordCancelled {
        intent: IntentId::parse("pi_2").unwrap(),
    };
    let refused = PaymentRejection::OtherIntent { expected: intent() };
    given([known()]).when(other).then_refused(refused.clone());
    assert_eq!(refused.class(), Class::Conflict);
    let less = PaymentCommand::RecordAuthorised {
        intent: intent(),
        amount: yen(979),
        capture_before: None,
    };
    let mismatch = PaymentRejection::AmountMismatch {
        expected: yen(980),
        found: yen(979),
    };
    given([known()]).when(less).then_refused(mismatch.clone());
    let less = PaymentCommand::RecordCaptured {
        intent: intent(),
        amount: yen(979),
    };
    given([authorised(), capture()])
        .when(less)
        .then_refused(mismatch);
}

#[test]
fn a_creation_that_fails_ends_it_unless_the_intent_is_known() {
    let failed = || PaymentCommand::RecordFailed { code: code() };
    given([])
        .when(failed())
        .then([PaymentEvent::Failed {
            code: code(),
            at: test_now(),
        }])
        .when(failed())
        .then_nothing()
        .when(unwind())
        .then_nothing();
    given([known()]).when(failed()).then_nothing();
}

#[test]
fn an_intent_that_turns_up_after_failing_is_voided() {
    let failed = PaymentCommand::RecordFailed { code: code() };
    given([failed.clone()]).when(authorised()).then([
        PaymentEvent::IntentCreated { intent: intent() },
        void_requested(),
    ]);
    let back = given([failed]).when(captured()).events();
    assert!(matches!(
        back[..],
        [
            PaymentEvent::IntentCreated { .. },
            PaymentEvent::Captured { .. },
            PaymentEvent::RefundRequested { .. },
        ]
    ));
}

#[test]
fn unwinding_before_capture_voids() {
    for before in [vec![known()], vec![authorised()]] {
        given(before)
            .when(unwind())
            .then([void_requested()])
            .when(unwind())
            .then_nothing()
            .when(authorised())
            .then_nothing()
            .when(cancelled())
            .then([PaymentEvent::Voided { at: test_now() }])
            .when(cancelled())
            .then_nothing();
    }
}

#[test]
fn unwinding_before_the_intent_is_known_voids_it_when_it_comes() {
    let waiting = given([])
        .when(unwind())
        .then([PaymentEvent::UnwindRequested {
            reason: RefundReason::OrderCancelled,
            at: test_now(),
        }])
        .when(unwind())
        .then_nothing();
    for news in [known(), authorised()] {
        waiting.clone().when(news).then([
            PaymentEvent::IntentCreated { intent: intent() },
            void_requested(),
        ]);
    }
}

#[test]
fn capture_and_void_exclude_each_other() {
    given([authorised(), unwind()])
        .when(capture())
        .then_refused(not_allowed(PaymentStage::Voiding, Kind::RequestCapture));
    let waiting =
        given([authorised(), capture()])
            .when(unwind())
            .then([PaymentEvent::UnwindRequested {
                reason: RefundReason::OrderCancelled,
                at: test_now(),
            }]);
    waiting.clone().when(capture_failed()).then([
        PaymentEvent::CaptureFailed {
            code: code(),
            at: test_now(),
        },
        void_requested(),
    ]);
    let back = waiting.when(captured()).events();
    assert!(matches!(&back[..],
        [PaymentEvent::Captured { .. }, PaymentEvent::RefundRequested { amount, .. }]
        if *amount == yen(980)));
}

#[test]
fn a_failed_capture_is_tried_again_or_given_up() {
    let failed = given([authorised(), capture()])
        .when(capture_failed())
        .then([PaymentEvent::CaptureFailed {
            code: code(),
            at: test_now(),
        }])
        .when(capture_failed())
        .then_nothing();
    failed.clone().when(unwind()).then([void_requested()]);
    failed
        .when(capture())
        .then([PaymentEvent::CaptureRequested {
            amount: yen(980),
            at: test_now(),
        }]);
}

#[test]
fn money_that_still_arrives_for_a_voided_payment_goes_back() {
    let voided = given([authorised(), unwind(), cancelled()]);
    let back = voided.when(captured()).events();
    assert!(matches!(
        back[..],
        [
            PaymentEvent::Captured { .. },
            PaymentEvent::RefundRequested { .. }
        ]
    ));
}

#[test]
fn late_news_of_an_authorisation_voids_nothing_twice() {
    let ends = [
        given([authorised(), unwind()]),
        given([authorised(), unwind(), cancelled()]),
        given([authorised(), cancelled()]),
    ];
    for end in ends {
        end.when(authorised()).then_nothing();
    }
}

#[test]
fn a_reservation_that_lapses_is_expired() {
    let expired = given([authorised()])
        .when(cancelled())
        .then([PaymentEvent::ExpiredByVendor { at: test_now() }])
        .when(cancelled())
        .then_nothing()
        .when(unwind())
        .then_nothing();
    expired
        .when(capture())
        .then_refused(not_allowed(PaymentStage::Expired, Kind::RequestCapture));
}

fn paid() -> Given<Payment> {
    given([authorised(), capture(), captured()])
}

#[test]
fn unwinding_after_capture_refunds_what_is_left() {
    let back =
        paid()
            .done([refund(7, yen(80))])
            .when(unwind())
            .then([PaymentEvent::RefundRequested {
                refund: context().fresh_id(),
                amount: yen(900),
                reason: RefundReason::OrderCancelled,
                at: test_now(),
            }]);
    back.when(unwind()).then_nothing();
}

#[test]
fn refunds_never_exceed_what_was_captured_pending_ones_included() {
    let one = paid().done([refund(7, yen(600))]);
    one.clone().when(refund(7, yen(600))).then_nothing();
    one.clone()
        .when(refund(7, yen(601)))
        .then_refused(PaymentRejection::RefundAlreadyRequested);
    one.clone()
        .when(refund(8, yen(381)))
        .then_refused(PaymentRejection::RefundExceedsCaptured { left: yen(380) });
    one.clone()
        .when(refund(8, yen(0)))
        .then_refused(PaymentRejection::RefundNotPositive);
    let euro = Money::new(1, Currency::parse("EUR").unwrap());
    one.clone()
        .when(refund(8, euro))
        .then_refused(PaymentRejection::RefundInOtherCurrency);
    let failed = PaymentCommand::RecordRefundFailed {
        refund: sample::id(7),
        code: code(),
    };
    one.done([failed.clone()])
        .when(failed)
        .then_nothing()
        .when(refund(8, yen(980)))
        .events();
}

#[test]
fn a_refund_settles_once_and_may_fail_days_later() {
    let done = PaymentCommand::RecordRefunded {
        refund: sample::id(7),
        vendor_refund: VendorRefundId::parse("re_1").unwrap(),
    };
    let failed = PaymentCommand::RecordRefundFailed {
        refund: sample::id(7),
        code: code(),
    };
    paid()
        .done([refund(7, yen(980)), done.clone()])
        .when(done.clone())
        .then_nothing()
        .when(failed)
        .then([PaymentEvent::RefundFailed {
            refund: sample::id(7),
            code: code(),
            at: test_now(),
        }])
        .when(done)
        .then_nothing();
}

#[test]
fn refunds_that_nobody_asked_for_are_not_found() {
    let failed = PaymentCommand::RecordRefundFailed {
        refund: sample::id(7),
        code: code(),
    };
    paid()
        .when(failed)
        .then_refused(PaymentRejection::RefundUnknown);
}
