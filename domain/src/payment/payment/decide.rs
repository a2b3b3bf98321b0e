//! What a payment answers to its commands and to its vendor's news.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::command::{PaymentCommand, PaymentCommandKind};
use super::event::{IntentId, PaymentEvent, RefundReason, VendorCode};
use super::rejection::PaymentRejection;
use super::state::{Payment, PaymentBody, PaymentStage, RefundStage};
use super::transitions::TRANSITIONS;
use crate::decider::{Context, Decider, Facets, Transitions, check_allowed};
use crate::kernel::money::Money;

impl Decider for Payment {
    const KIND: &'static str = "payment.payment";
    const TRANSITIONS: Transitions<Self> = TRANSITIONS;

    type Command = PaymentCommand;
    type Event = PaymentEvent;
    type Rejection = PaymentRejection;
    type Stage = PaymentStage;
    type CommandKind = PaymentCommandKind;

    fn stage(&self) -> PaymentStage {
        self.body().map_or(PaymentStage::Absent, |body| body.stage)
    }

    fn decide(
        &self,
        command: PaymentCommand,
        context: &Context,
    ) -> Result<Vec<PaymentEvent>, PaymentRejection> {
        let Some(body) = self.body() else {
            return request(&command, context.now);
        };
        body.check_intent(&command)?;
        if body.is_done(&command) {
            return Ok(Vec::new());
        }
        self.check_table(&command)?;
        body.step(command, context)
    }

    fn evolve(&mut self, event: &PaymentEvent) {
        self.apply(event);
    }

    fn facets(&self, _stream: Uuid) -> Facets {
        let Some(body) = self.body() else {
            return Facets::default();
        };
        Facets {
            restaurant: Some(body.restaurant),
            order: Some(body.order),
            currency: Some(body.amount.currency()),
            ..Facets::default()
        }
    }
}

impl Payment {
    fn check_table(&self, command: &PaymentCommand) -> Result<(), PaymentRejection> {
        check_allowed(self, command.into()).map_err(|refused| {
            if refused.command == PaymentCommandKind::Request {
                PaymentRejection::AlreadyRequested
            } else {
                PaymentRejection::NotAllowed(refused)
            }
        })
    }
}

/// Nothing to pay is authorised at once, without the vendor.
fn request(
    command: &PaymentCommand,
    now: DateTime<Utc>,
) -> Result<Vec<PaymentEvent>, PaymentRejection> {
    let &PaymentCommand::Request {
        order,
        customer,
        restaurant,
        amount,
        attempt,
    } = command
    else {
        return Err(PaymentRejection::PaymentUnknown);
    };
    if amount.amount_minor() < 0 {
        return Err(PaymentRejection::AmountNegative);
    }
    let mut events = vec![PaymentEvent::Requested {
        order,
        customer,
        restaurant,
        amount,
        attempt,
        at: now,
    }];
    if amount.is_zero() {
        events.push(PaymentEvent::Authorized {
            capture_before: None,
            at: now,
        });
    }
    Ok(events)
}

/// The intent that a piece of news is about.
fn intent_of(command: &PaymentCommand) -> Option<&IntentId> {
    match command {
        PaymentCommand::RecordIntent { intent }
        | PaymentCommand::RecordActionRequired { intent }
        | PaymentCommand::RecordDeclined { intent, .. }
        | PaymentCommand::RecordAuthorised { intent, .. }
        | PaymentCommand::RecordCaptured { intent, .. }
        | PaymentCommand::RecordCancelled { intent } => Some(intent),
        PaymentCommand::Request { .. }
        | PaymentCommand::RequestCapture
        | PaymentCommand::Unwind { .. }
        | PaymentCommand::RequestRefund { .. }
        | PaymentCommand::RecordFailed { .. }
        | PaymentCommand::RecordCaptureFailed { .. }
        | PaymentCommand::RecordRefunded { .. }
        | PaymentCommand::RecordRefundFailed { .. } => None,
    }
}

impl PaymentBody {
    fn check_intent(&self, command: &PaymentCommand) -> Result<(), PaymentRejection> {
        match (&self.intent, intent_of(command)) {
            (Some(ours), Some(theirs)) if ours != theirs => Err(PaymentRejection::OtherIntent {
                expected: ours.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Whether the command's outcome is already so, or later news has overtaken it.
    fn is_done(&self, command: &PaymentCommand) -> bool {
        let knows_intent = self.intent.is_some();
        let reached = |stages: &[PaymentStage]| stages.contains(&self.stage);
        match command {
            PaymentCommand::Request {
                order,
                customer,
                restaurant,
                amount,
                attempt,
            } => {
                (
                    self.order,
                    self.customer,
                    self.restaurant,
                    self.amount,
                    self.attempt,
                ) == (*order, *customer, *restaurant, *amount, *attempt)
            }
            PaymentCommand::RequestCapture => {
                reached(&[PaymentStage::Capturing, PaymentStage::Captured])
            }
            PaymentCommand::Unwind { .. } => {
                let in_vain = [
                    PaymentStage::Voiding,
                    PaymentStage::Voided,
                    PaymentStage::Failed,
                    PaymentStage::Expired,
                ];
                let refunded = self.stage == PaymentStage::Captured && self.refundable_minor() == 0;
                let waits = self.unwinding.is_some() && self.stage != PaymentStage::Captured;
                reached(&in_vain) || refunded || waits
            }
            PaymentCommand::RequestRefund { refund, amount, .. } => self
                .refund(*refund)
                .is_some_and(|found| found.amount == *amount),
            PaymentCommand::RecordIntent { .. } => knows_intent,
            PaymentCommand::RecordActionRequired { .. } => {
                !reached(&[PaymentStage::RequiresPayment])
            }
            // The vendor tells of the last refusal as long as nothing else was tried.
            PaymentCommand::RecordDeclined { code, .. } => {
                let waiting = [PaymentStage::RequiresPayment, PaymentStage::RequiresAction];
                !reached(&waiting) || self.declined.as_ref() == Some(code)
            }
            PaymentCommand::RecordAuthorised { .. } => reached(&[
                PaymentStage::Authorized,
                PaymentStage::Capturing,
                PaymentStage::Captured,
                PaymentStage::CaptureFailed,
                PaymentStage::Voiding,
            ]),
            // A refused creation whose intent is known all the same was created after all.
            PaymentCommand::RecordFailed { .. } => knows_intent || reached(&[PaymentStage::Failed]),
            PaymentCommand::RecordCaptured { amount, .. } => {
                reached(&[PaymentStage::Captured]) && *amount == self.amount
            }
            PaymentCommand::RecordCaptureFailed { .. } => {
                reached(&[PaymentStage::CaptureFailed, PaymentStage::Captured])
                    || reached(&[PaymentStage::Voiding, PaymentStage::Voided])
            }
            PaymentCommand::RecordCancelled { .. } => {
                reached(&[PaymentStage::Voided, PaymentStage::Expired])
            }
            PaymentCommand::RecordRefunded { refund, .. } => self
                .refund(*refund)
                .is_some_and(|found| found.stage != RefundStage::Pending),
            PaymentCommand::RecordRefundFailed { refund, .. } => self
                .refund(*refund)
                .is_some_and(|found| found.stage == RefundStage::Failed),
        }
    }

    /// Guards and events of a command that the table has.
    fn step(
        &self,
        command: PaymentCommand,
        context: &Context,
    ) -> Result<Vec<PaymentEvent>, PaymentRejection> {
        let at = context.now;
        let event = match command {
            PaymentCommand::Request { .. } => return Err(PaymentRejection::AlreadyRequested),
            PaymentCommand::RequestCapture => self.capture(at),
            PaymentCommand::Unwind { reason } => return Ok(self.unwind(reason, context)),
            PaymentCommand::RequestRefund {
                refund,
                amount,
                reason,
            } => {
                self.check_refund(refund, amount)?;
                PaymentEvent::RefundRequested {
                    refund,
                    amount,
                    reason,
                    at,
                }
            }
            PaymentCommand::RecordIntent { intent } => {
                return Ok(self.with_intent(intent, None, at));
            }
            PaymentCommand::RecordActionRequired { intent } => {
                let news = PaymentEvent::ActionRequired { at };
                return Ok(self.with_intent(intent, Some(news), at));
            }
            PaymentCommand::RecordDeclined { intent, code } => {
                let news = PaymentEvent::Declined { code, at };
                return Ok(self.with_intent(intent, Some(news), at));
            }
            PaymentCommand::RecordAuthorised {
                intent,
                amount,
                capture_before,
            } => {
                self.check_amount(amount)?;
                let news = PaymentEvent::Authorized { capture_before, at };
                return Ok(self.with_intent(intent, Some(news), at));
            }
            PaymentCommand::RecordFailed { code } => PaymentEvent::Failed { code, at },
            PaymentCommand::RecordCaptured { intent, amount } => {
                self.check_amount(amount)?;
                return Ok(self.captured(intent, context));
            }
            PaymentCommand::RecordCaptureFailed { code } => {
                return Ok(self.capture_failed(code, at));
            }
            PaymentCommand::RecordCancelled { .. } => self.cancelled(at),
            PaymentCommand::RecordRefunded {
                refund,
                vendor_refund,
            } => {
                self.refund(refund).ok_or(PaymentRejection::RefundUnknown)?;
                PaymentEvent::Refunded {
                    refund,
                    vendor_refund,
                    at,
                }
            }
            PaymentCommand::RecordRefundFailed { refund, code } => {
                self.refund(refund).ok_or(PaymentRejection::RefundUnknown)?;
                PaymentEvent::RefundFailed { refund, code, at }
            }
        };
        Ok(vec![event])
    }

    /// Nothing to take is taken at once.
    fn capture(&self, at: DateTime<Utc>) -> PaymentEvent {
        if self.amount.is_zero() {
            PaymentEvent::Captured {
                amount: self.amount,
                at,
            }
        } else {
            PaymentEvent::CaptureRequested {
                amount: self.amount,
                at,
            }
        }
    }

    /// Where the money is decides how it goes back; while that is open, the wish is kept.
    fn unwind(&self, reason: RefundReason, context: &Context) -> Vec<PaymentEvent> {
        let at = context.now;
        let event = match self.stage {
            PaymentStage::Captured => {
                return self.refund_rest(reason, context).into_iter().collect();
            }
            PaymentStage::Authorized if self.amount.is_zero() => PaymentEvent::Voided { at },
            PaymentStage::RequiresPayment if self.intent.is_none() => {
                PaymentEvent::UnwindRequested { reason, at }
            }
            PaymentStage::Capturing => PaymentEvent::UnwindRequested { reason, at },
            PaymentStage::RequiresPayment
            | PaymentStage::RequiresAction
            | PaymentStage::Authorized
            | PaymentStage::CaptureFailed => PaymentEvent::VoidRequested { reason, at },
            // Done already, or never begun: `is_done` and the table keep these away.
            PaymentStage::Absent
            | PaymentStage::Voiding
            | PaymentStage::Voided
            | PaymentStage::Failed
            | PaymentStage::Expired => return Vec::new(),
        };
        vec![event]
    }

    /// Everything that can still go back; a payment just captured has had no refund yet.
    fn refund_rest(&self, reason: RefundReason, context: &Context) -> Option<PaymentEvent> {
        let left = if self.stage == PaymentStage::Captured {
            self.refundable_minor()
        } else {
            self.amount.amount_minor()
        };
        (left > 0).then(|| PaymentEvent::RefundRequested {
            refund: context.fresh_id(),
            amount: Money::new(left, self.amount.currency()),
            reason,
            at: context.now,
        })
    }

    /// News that names the intent teaches it. A payment whose money is to go back is voided instead.
    fn with_intent(
        &self,
        intent: IntentId,
        news: Option<PaymentEvent>,
        at: DateTime<Utc>,
    ) -> Vec<PaymentEvent> {
        let mut events = Vec::new();
        if self.intent.is_none() {
            events.push(PaymentEvent::IntentCreated { intent });
        }
        let dead = [PaymentStage::Failed, PaymentStage::Voided].contains(&self.stage);
        if self.unwinding.is_some() || dead {
            events.push(PaymentEvent::VoidRequested {
                reason: self.unwind_reason(),
                at,
            });
        } else {
            events.extend(news);
        }
        events
    }

    fn captured(&self, intent: IntentId, context: &Context) -> Vec<PaymentEvent> {
        let mut events = Vec::new();
        if self.intent.is_none() {
            events.push(PaymentEvent::IntentCreated { intent });
        }
        events.push(PaymentEvent::Captured {
            amount: self.amount,
            at: context.now,
        });
        if self.unwinding.is_some() || self.stage == PaymentStage::Failed {
            events.extend(self.refund_rest(self.unwind_reason(), context));
        }
        events
    }

    fn capture_failed(&self, code: VendorCode, at: DateTime<Utc>) -> Vec<PaymentEvent> {
        let mut events = vec![PaymentEvent::CaptureFailed { code, at }];
        if self.unwinding.is_some() {
            events.push(PaymentEvent::VoidRequested {
                reason: self.unwind_reason(),
                at,
            });
        }
        events
    }

    /// A cancelled intent is our void when we asked for one, otherwise a lapsed reservation.
    fn cancelled(&self, at: DateTime<Utc>) -> PaymentEvent {
        if self.stage == PaymentStage::Voiding {
            PaymentEvent::Voided { at }
        } else {
            PaymentEvent::ExpiredByVendor { at }
        }
    }

    fn unwind_reason(&self) -> RefundReason {
        self.unwinding.unwrap_or(RefundReason::OrderCancelled)
    }

    fn check_amount(&self, found: Money) -> Result<(), PaymentRejection> {
        if found == self.amount {
            Ok(())
        } else {
            Err(PaymentRejection::AmountMismatch {
                expected: self.amount,
                found,
            })
        }
    }

    fn check_refund(&self, refund: Uuid, amount: Money) -> Result<(), PaymentRejection> {
        let left = Money::new(self.refundable_minor(), self.amount.currency());
        if self.refund(refund).is_some() {
            Err(PaymentRejection::RefundAlreadyRequested)
        } else if amount.currency() != self.amount.currency() {
            Err(PaymentRejection::RefundInOtherCurrency)
        } else if amount.amount_minor() <= 0 {
            Err(PaymentRejection::RefundNotPositive)
        } else if amount.amount_minor() > left.amount_minor() {
            Err(PaymentRejection::RefundExceedsCaptured { left })
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decider::allowed_from;
    use crate::decider::{Class, Rejection};
    use crate::kernel::money::Currency;
    use crate::kernel::refusal::NotAllowed;
    use crate::kernel::sample;
    use crate::payment::payment::command::PaymentCommandKind as Kind;
    use crate::payment::payment::event::VendorRefundId;
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
            .when(PaymentCommand::RequestCapture)
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
            .when(PaymentCommand::RequestCapture)
            .then([PaymentEvent::CaptureRequested {
                amount: yen(980),
                at: test_now(),
            }])
            .when(PaymentCommand::RequestCapture)
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
        given([authorised(), PaymentCommand::RequestCapture])
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
            .when(PaymentCommand::RequestCapture)
            .then_refused(not_allowed(PaymentStage::Voiding, Kind::RequestCapture));
        let waiting = given([authorised(), PaymentCommand::RequestCapture])
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
        let failed = given([authorised(), PaymentCommand::RequestCapture])
            .when(capture_failed())
            .then([PaymentEvent::CaptureFailed {
                code: code(),
                at: test_now(),
            }])
            .when(capture_failed())
            .then_nothing();
        failed.clone().when(unwind()).then([void_requested()]);
        failed
            .when(PaymentCommand::RequestCapture)
            .then([PaymentEvent::CaptureRequested {
                amount: yen(980),
                at: test_now(),
            }]);
    }

    #[test]
    fn money_that_still_arrives_for_a_voided_payment_goes_back() {
        let voided = given([authorised(), unwind(), cancelled()]);
        voided.clone().when(authorised()).then([void_requested()]);
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
    fn a_reservation_that_lapses_is_expired() {
        let expired = given([authorised()])
            .when(cancelled())
            .then([PaymentEvent::ExpiredByVendor { at: test_now() }])
            .when(cancelled())
            .then_nothing()
            .when(unwind())
            .then_nothing();
        expired
            .when(PaymentCommand::RequestCapture)
            .then_refused(not_allowed(PaymentStage::Expired, Kind::RequestCapture));
    }

    fn paid() -> Given<Payment> {
        given([authorised(), PaymentCommand::RequestCapture, captured()])
    }

    #[test]
    fn unwinding_after_capture_refunds_what_is_left() {
        let back = paid().done([refund(7, yen(80))]).when(unwind()).then([
            PaymentEvent::RefundRequested {
                refund: context().fresh_id(),
                amount: yen(900),
                reason: RefundReason::OrderCancelled,
                at: test_now(),
            },
        ]);
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
}
