//! What a payment answers to its commands and to its vendor's news.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::command::{PaymentCommand, PaymentCommandKind};
use super::event::{IntentId, PaymentEvent, RefundReason, VendorCode};
use super::rejection::PaymentRejection;
use super::state::{Payment, PaymentBody, PaymentStage, RefundStage};
use super::transitions::TRANSITIONS;
use crate::decider::{Context, Decider, Facets, Transitions, allowed_from, is_allowed};
use crate::kernel::money::Money;
use crate::kernel::refusal::NotAllowed;

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
            return request(command, context.now);
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
        let (stage, kind) = (self.stage(), PaymentCommandKind::from(command));
        if is_allowed(self, kind) {
            return Ok(());
        }
        if kind == PaymentCommandKind::Request {
            return Err(PaymentRejection::AlreadyRequested);
        }
        let allowed = allowed_from::<Self>(stage);
        Err(PaymentRejection::NotAllowed(NotAllowed {
            stage,
            command: kind,
            allowed,
        }))
    }
}

/// Nothing to pay is authorised at once, without the vendor.
fn request(
    command: PaymentCommand,
    now: DateTime<Utc>,
) -> Result<Vec<PaymentEvent>, PaymentRejection> {
    let PaymentCommand::Request {
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
            PaymentCommand::RecordActionRequired { .. } | PaymentCommand::RecordDeclined { .. } => {
                let waiting = [PaymentStage::RequiresPayment, PaymentStage::RequiresAction];
                let repeated = self.stage == PaymentStage::RequiresAction
                    && matches!(command, PaymentCommand::RecordActionRequired { .. });
                repeated || !reached(&waiting)
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
