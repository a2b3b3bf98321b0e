//! The payment vendor: one intent that is never in two states at once, and refunds that return or fail.

use std::collections::BTreeMap;

use domain::kernel::money::Money;
use domain::payment::payment::{IntentId, PaymentCommand, VendorCode, VendorRefundId};
use domain::payment::vendor::{IntentState, PaymentCall, VendorAnswer, VendorIntent};
use uuid::Uuid;

/// What the vendor holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Vendor {
    pub(crate) intent: Option<VendorIntent>,
    pub(crate) refunds: BTreeMap<Uuid, bool>,
}

fn code() -> VendorCode {
    VendorCode::parse("no").expect("a word")
}

impl Vendor {
    /// Carries out a call, or refuses it when it may. Says what the payment is told.
    pub(crate) fn called(&mut self, call: &PaymentCall, refuses: bool) -> Option<PaymentCommand> {
        match call {
            PaymentCall::CreateIntent { .. } if refuses => return call.when_rejected(code()),
            PaymentCall::CreateIntent { amount, .. } => {
                let _ = self.intent.get_or_insert(VendorIntent {
                    intent: IntentId::parse("pi_1").expect("a name"),
                    amount: *amount,
                    state: IntentState::Open,
                });
            }
            PaymentCall::Capture { amount, .. } => {
                if refuses || !self.take(*amount) {
                    return call.when_rejected(code());
                }
            }
            PaymentCall::Void { .. } => self.give_up(),
            PaymentCall::Refund { refund, .. } => {
                self.refunds.insert(*refund, !refuses);
                if refuses {
                    return call.when_rejected(code());
                }
                let name = VendorRefundId::parse("re_1").expect("a name");
                return call.when_done(VendorAnswer::Refund(name));
            }
            PaymentCall::Read { .. } => {}
        }
        self.news()
    }

    /// What the vendor tells when it is asked, or of itself.
    pub(crate) fn news(&self) -> Option<PaymentCommand> {
        self.intent.clone().map(VendorIntent::news)
    }

    /// The customer's bank reserves the amount.
    pub(crate) fn reserve(&mut self) {
        self.turn(
            &IntentState::Open,
            IntentState::Reserved {
                capture_before: None,
            },
        );
    }

    /// A reservation lapses, or a session is given up.
    pub(crate) fn lapse(&mut self) {
        self.turn(
            &IntentState::Reserved {
                capture_before: None,
            },
            IntentState::Gone,
        );
    }

    /// Whether the intent is in this state.
    pub(crate) fn is(&self, state: &IntentState) -> bool {
        self.intent
            .as_ref()
            .is_some_and(|intent| intent.state == *state)
    }

    fn take(&mut self, amount: Money) -> bool {
        let reserved = IntentState::Reserved {
            capture_before: None,
        };
        let Some(intent) = self
            .intent
            .as_mut()
            .filter(|intent| intent.state == reserved)
        else {
            return false;
        };
        intent.amount = amount;
        intent.state = IntentState::Taken;
        true
    }

    fn give_up(&mut self) {
        if let Some(intent) = self
            .intent
            .as_mut()
            .filter(|intent| intent.state != IntentState::Taken)
        {
            intent.state = IntentState::Gone;
        }
    }

    fn turn(&mut self, from: &IntentState, to: IntentState) {
        if let Some(intent) = self.intent.as_mut().filter(|intent| intent.state == *from) {
            intent.state = to;
        }
    }
}
