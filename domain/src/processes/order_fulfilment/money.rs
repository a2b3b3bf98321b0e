//! What follows from news of the payment: the vendor is called and read, the order is told.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::effects::Effects;
use super::state::{Money, Owed};
use super::{OrderFulfilment, timers};
use crate::kernel::actor::Actor;
use crate::kernel::ids::PaymentId;
use crate::kernel::key::Key;
use crate::kernel::money::Money as Amount;
use crate::kernel::quantity::Minutes;
use crate::kernel::text::Reason;
use crate::ordering::order::{FaultParty, OrderCommand};
use crate::payment::payment::{IntentId, PaymentCommand, PaymentEvent, RefundReason};
use crate::processes::{Effect, PaymentCall, Process as _};

/// Minutes after its creation at which an intent is read: webhooks get lost, and a payment open for
/// more than 2 minutes is fetched (`reliability.md` §3).
const READS_AFTER_MINUTES: [u32; 3] = [2, 5, 10];

impl Effects<'_> {
    pub(super) fn on_payment(
        &mut self,
        payment: PaymentId,
        news: &PaymentEvent,
        recorded_at: DateTime<Utc>,
    ) {
        match news {
            PaymentEvent::Requested {
                order,
                customer,
                amount,
                attempt,
                ..
            } => {
                if !amount.is_zero() {
                    let call = PaymentCall::CreateIntent {
                        payment,
                        order: *order,
                        customer: *customer,
                        amount: *amount,
                        attempt: *attempt,
                    };
                    self.add(Effect::Payment { call });
                }
            }
            PaymentEvent::IntentCreated { intent } => {
                self.state.intent = Some(intent.clone());
                self.start_reads(payment, intent, recorded_at);
            }
            PaymentEvent::Authorized { .. } => {
                self.cancel_reads();
                self.tell_order(OrderCommand::Authorise { payment });
            }
            PaymentEvent::CaptureRequested { amount, at: _ } => {
                let amount = *amount;
                self.call(|intent| PaymentCall::Capture {
                    payment,
                    intent,
                    amount,
                });
            }
            PaymentEvent::VoidRequested { .. } => {
                self.cancel_reads();
                self.call(|intent| PaymentCall::Void { payment, intent });
            }
            PaymentEvent::RefundRequested { refund, amount, .. } => {
                let (refund, amount) = (*refund, *amount);
                self.state.money = self.state.money.with_refund();
                self.call(|intent| PaymentCall::Refund {
                    payment,
                    intent,
                    refund,
                    amount,
                });
            }
            PaymentEvent::Captured { .. } => {
                self.state.money = Money::Settled;
                self.state.taken = true;
                for owed in std::mem::take(&mut self.state.owed) {
                    self.refund(&owed);
                }
            }
            PaymentEvent::Voided { .. } => {
                self.state.money = Money::Settled;
                self.state.owed.clear();
            }
            PaymentEvent::Refunded { .. } | PaymentEvent::RefundFailed { .. } => {
                self.state.money = self.state.money.without_refund();
            }
            PaymentEvent::Failed { .. } | PaymentEvent::ExpiredByVendor { .. } => {
                self.state.money = Money::Settled;
                self.state.owed.clear();
                self.cancel_reads();
                self.cancel_unpaid();
            }
            PaymentEvent::CaptureFailed { .. } => {
                self.state.owed.clear();
                self.cancel_unpaid();
            }
            PaymentEvent::ActionRequired { .. }
            | PaymentEvent::Declined { .. }
            | PaymentEvent::UnwindRequested { .. } => {}
        }
    }

    /// Asks for the money: what the order comes to by now.
    pub(super) fn capture(&mut self) {
        self.state.asked = true;
        let agreed = self.state.terms.as_ref().and_then(|terms| terms.total);
        let less = self.state.total.filter(|total| Some(*total) != agreed);
        match less {
            Some(total) if total.is_zero() => self.payment(PaymentCommand::Unwind {
                reason: RefundReason::OrderChanged,
            }),
            amount => self.payment(PaymentCommand::RequestCapture { amount }),
        }
    }

    /// The order comes to less than before: less is taken, or the difference goes back.
    pub(super) fn falls_to(&mut self, total: Amount, refund: Uuid) {
        let agreed = self.state.terms.as_ref().and_then(|terms| terms.total);
        let before = self.state.total.or(agreed);
        self.state.total = Some(total);
        let difference = before.and_then(|before| before.checked_sub(total).ok());
        if let Some(amount) = difference.filter(|_| self.state.asked) {
            self.give_back(refund, amount, RefundReason::OrderChanged);
        }
    }

    /// A part of the money goes back, as soon as it is taken.
    pub(super) fn give_back(&mut self, refund: Uuid, amount: Amount, reason: RefundReason) {
        if amount.amount_minor() <= 0 {
            return;
        }
        let owed = Owed {
            refund,
            amount,
            reason,
        };
        if self.state.taken {
            self.refund(&owed);
        } else {
            self.state.owed.push(owed);
        }
    }

    fn refund(&mut self, owed: &Owed) {
        let Owed {
            refund,
            amount,
            reason,
        } = *owed;
        self.payment(PaymentCommand::RequestRefund {
            refund,
            amount,
            reason,
        });
    }

    /// The order cannot be paid for. One that is cooking refuses this and goes on at the platform's cost.
    fn cancel_unpaid(&mut self) {
        let process = Key::parse(OrderFulfilment::NAME).expect("the name is a key");
        self.tell_order(OrderCommand::Cancel {
            by: Actor::System { process },
            reason: Reason::parse("payment_failed").expect("a constant text"),
            fault: FaultParty::Platform,
        });
    }

    /// A call about the intent. Its name comes earlier in the same stream as what asks for the call.
    fn call(&mut self, call: impl FnOnce(IntentId) -> PaymentCall) {
        if let Some(intent) = self.state.intent.clone() {
            self.add(Effect::Payment { call: call(intent) });
        }
    }

    fn start_reads(&mut self, payment: PaymentId, intent: &IntentId, created_at: DateTime<Utc>) {
        for minutes in READS_AFTER_MINUTES {
            let call = PaymentCall::Read {
                payment,
                intent: intent.clone(),
            };
            let at = created_at + Minutes::new(minutes).span();
            let name = format!("{}{minutes}", timers::PAYMENT_READ);
            self.start(name, at, Effect::Payment { call });
        }
    }

    fn cancel_reads(&mut self) {
        for minutes in READS_AFTER_MINUTES {
            self.cancel_timer(&format!("{}{minutes}", timers::PAYMENT_READ));
        }
    }
}
