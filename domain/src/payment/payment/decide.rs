//! What a payment answers to its commands and to its vendor's news.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::command::{PaymentCommand, PaymentCommandKind};
use super::event::{IntentId, PaymentEvent, RefundReason, VendorCode};
use super::rejection::PaymentRejection;
use super::rules;
use super::state::{Payment, PaymentBody, PaymentStage};
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
        rules::is_of_this_intent(body, &command)?;
        if rules::is_done(body, &command) {
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

/// Nothing to take is taken at once.
fn capture(amount: Money, at: DateTime<Utc>) -> PaymentEvent {
    if amount.is_zero() {
        PaymentEvent::Captured { amount, at }
    } else {
        PaymentEvent::CaptureRequested { amount, at }
    }
}

impl PaymentBody {
    /// Guards and events of a command that the table has.
    fn step(
        &self,
        command: PaymentCommand,
        context: &Context,
    ) -> Result<Vec<PaymentEvent>, PaymentRejection> {
        let at = context.now;
        let event = match command {
            PaymentCommand::Request { .. } => return Err(PaymentRejection::AlreadyRequested),
            PaymentCommand::RequestCapture { amount } => {
                let amount = amount.unwrap_or(self.amount);
                rules::may_capture(self, amount)?;
                capture(amount, at)
            }
            PaymentCommand::Unwind { reason } => return Ok(self.unwind(reason, context)),
            PaymentCommand::RequestRefund {
                refund,
                amount,
                reason,
            } => {
                rules::may_refund(self, refund, amount)?;
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
                rules::is_amount(self.amount, amount)?;
                let news = PaymentEvent::Authorized { capture_before, at };
                return Ok(self.with_intent(intent, Some(news), at));
            }
            PaymentCommand::RecordFailed { code } => PaymentEvent::Failed { code, at },
            PaymentCommand::RecordCaptured { intent, amount } => {
                rules::is_amount(self.asked(), amount)?;
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
            self.asked().amount_minor()
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
        if self.unwinding.is_some() || self.stage == PaymentStage::Failed {
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
            amount: self.asked(),
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
}
