//! The rules of a payment, each a function of state and command.

use uuid::Uuid;

use super::command::PaymentCommand;
use super::event::IntentId;
use super::rejection::PaymentRejection;
use super::state::{PaymentBody, PaymentStage, RefundStage};
use crate::kernel::money::Money;

/// News is about the intent that this payment has, once it has one.
pub(super) fn is_of_this_intent(
    body: &PaymentBody,
    command: &PaymentCommand,
) -> Result<(), PaymentRejection> {
    match (&body.intent, intent_of(command)) {
        (Some(ours), Some(theirs)) if ours != theirs => Err(PaymentRejection::OtherIntent {
            expected: ours.clone(),
        }),
        _ => Ok(()),
    }
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
        | PaymentCommand::RequestCapture { .. }
        | PaymentCommand::Unwind { .. }
        | PaymentCommand::RequestRefund { .. }
        | PaymentCommand::RecordFailed { .. }
        | PaymentCommand::RecordCaptureFailed { .. }
        | PaymentCommand::RecordRefunded { .. }
        | PaymentCommand::RecordRefundFailed { .. } => None,
    }
}

/// Whether the command's outcome is already so, or later news has overtaken it.
pub(super) fn is_done(body: &PaymentBody, command: &PaymentCommand) -> bool {
    let knows_intent = body.intent.is_some();
    let reached = |stages: &[PaymentStage]| stages.contains(&body.stage);
    match command {
        PaymentCommand::Request {
            order,
            customer,
            restaurant,
            amount,
            attempt,
        } => {
            (
                body.order,
                body.customer,
                body.restaurant,
                body.amount,
                body.attempt,
            ) == (*order, *customer, *restaurant, *amount, *attempt)
        }
        PaymentCommand::RequestCapture { .. } => {
            reached(&[PaymentStage::Capturing, PaymentStage::Captured])
        }
        PaymentCommand::Unwind { .. } => {
            let in_vain = [
                PaymentStage::Voiding,
                PaymentStage::Voided,
                PaymentStage::Failed,
                PaymentStage::Expired,
            ];
            let refunded = body.stage == PaymentStage::Captured && body.refundable_minor() == 0;
            let waits = body.unwinding.is_some() && body.stage != PaymentStage::Captured;
            reached(&in_vain) || refunded || waits
        }
        PaymentCommand::RequestRefund { refund, amount, .. } => body
            .refund(*refund)
            .is_some_and(|found| found.amount == *amount),
        PaymentCommand::RecordIntent { .. } => knows_intent,
        PaymentCommand::RecordActionRequired { .. } => !reached(&[PaymentStage::RequiresPayment]),
        // The vendor tells of the last refusal as long as nothing else was tried.
        PaymentCommand::RecordDeclined { code, .. } => {
            let waiting = [PaymentStage::RequiresPayment, PaymentStage::RequiresAction];
            !reached(&waiting) || body.declined.as_ref() == Some(code)
        }
        // A cancelled intent is never authorised again: news of it was under way for long.
        PaymentCommand::RecordAuthorised { .. } => reached(&[
            PaymentStage::Authorized,
            PaymentStage::Capturing,
            PaymentStage::Captured,
            PaymentStage::CaptureFailed,
            PaymentStage::Voiding,
            PaymentStage::Voided,
            PaymentStage::Expired,
        ]),
        // A refused creation whose intent is known all the same was created after all.
        PaymentCommand::RecordFailed { .. } => knows_intent || reached(&[PaymentStage::Failed]),
        PaymentCommand::RecordCaptured { amount, .. } => {
            reached(&[PaymentStage::Captured]) && *amount == body.asked()
        }
        PaymentCommand::RecordCaptureFailed { .. } => {
            reached(&[PaymentStage::CaptureFailed, PaymentStage::Captured])
                || reached(&[PaymentStage::Voiding, PaymentStage::Voided])
        }
        PaymentCommand::RecordCancelled { .. } => {
            reached(&[PaymentStage::Voided, PaymentStage::Expired])
        }
        PaymentCommand::RecordRefunded { refund, .. } => body
            .refund(*refund)
            .is_some_and(|found| found.stage != RefundStage::Pending),
        PaymentCommand::RecordRefundFailed { refund, .. } => body
            .refund(*refund)
            .is_some_and(|found| found.stage == RefundStage::Failed),
    }
}

/// The vendor speaks of the amount that it was asked for.
pub(super) fn is_amount(expected: Money, found: Money) -> Result<(), PaymentRejection> {
    if found == expected {
        Ok(())
    } else {
        Err(PaymentRejection::AmountMismatch { expected, found })
    }
}

/// No more is taken than was authorised.
pub(super) fn may_capture(body: &PaymentBody, amount: Money) -> Result<(), PaymentRejection> {
    let fits = (0..=body.amount.amount_minor()).contains(&amount.amount_minor());
    if fits && amount.currency() == body.amount.currency() {
        Ok(())
    } else {
        Err(PaymentRejection::AmountMismatch {
            expected: body.amount,
            found: amount,
        })
    }
}

/// There is as much left to give back, and this refund was not asked for before.
pub(super) fn may_refund(
    body: &PaymentBody,
    refund: Uuid,
    amount: Money,
) -> Result<(), PaymentRejection> {
    let left = Money::new(body.refundable_minor(), body.amount.currency());
    if body.refund(refund).is_some() {
        Err(PaymentRejection::RefundAlreadyRequested)
    } else if amount.currency() != body.amount.currency() {
        Err(PaymentRejection::RefundInOtherCurrency)
    } else if amount.amount_minor() <= 0 {
        Err(PaymentRejection::RefundNotPositive)
    } else if amount.amount_minor() > left.amount_minor() {
        Err(PaymentRejection::RefundExceedsCaptured { left })
    } else {
        Ok(())
    }
}
