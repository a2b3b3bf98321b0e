//! What is asked of a payment vendor, and how its answers become commands to a payment.
//!
//! No vendor is named here: an adapter translates its own objects into [`VendorIntent`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::payment::{IntentId, PaymentCommand, VendorCode, VendorRefundId};
use crate::kernel::ids::{CustomerId, OrderId, PaymentId};
use crate::kernel::money::Money;

/// A call to the vendor. The effect's id is its idempotency key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PaymentCall {
    /// Creates the intent, to be captured by hand.
    CreateIntent {
        /// The payment.
        payment: PaymentId,
        /// The order.
        order: OrderId,
        /// Who pays.
        customer: CustomerId,
        /// How much.
        amount: Money,
        /// Which attempt of the order, from 1.
        attempt: u32,
    },
    /// Takes what was reserved.
    Capture {
        /// The payment.
        payment: PaymentId,
        /// The vendor's name for it.
        intent: IntentId,
        /// How much.
        amount: Money,
    },
    /// Gives the reservation up.
    Void {
        /// The payment.
        payment: PaymentId,
        /// The vendor's name for it.
        intent: IntentId,
    },
    /// Returns captured money.
    Refund {
        /// The payment.
        payment: PaymentId,
        /// The vendor's name for it.
        intent: IntentId,
        /// Our name for the refund.
        refund: Uuid,
        /// How much.
        amount: Money,
    },
    /// Looks how it stands, in case its news got lost.
    Read {
        /// The payment.
        payment: PaymentId,
        /// The vendor's name for it.
        intent: IntentId,
    },
}

/// The vendor's intent as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct VendorIntent {
    /// The vendor's name for it.
    pub intent: IntentId,
    /// Its amount and currency.
    pub amount: Money,
    /// How it stands.
    pub state: IntentState,
}

/// How an intent stands at the vendor.
#[derive(Clone, Debug, PartialEq)]
pub enum IntentState {
    /// Waits for a means of payment, or is being processed.
    Open,
    /// The last means of payment was refused; waits for another.
    Declined {
        /// Why.
        code: VendorCode,
    },
    /// Waits for the customer at the vendor.
    NeedsAction,
    /// The amount is reserved.
    Reserved {
        /// Until when.
        capture_before: Option<DateTime<Utc>>,
    },
    /// The amount is taken.
    Taken,
    /// The intent is cancelled.
    Gone,
}

/// What a successful call answers.
#[derive(Clone, Debug, PartialEq)]
pub enum VendorAnswer {
    /// The intent after the call.
    Intent(VendorIntent),
    /// The refund, under the vendor's name.
    Refund(VendorRefundId),
}

impl VendorIntent {
    /// The command that brings this state to the payment, whatever told of it: call, webhook or read.
    pub fn news(self) -> PaymentCommand {
        let Self {
            intent,
            amount,
            state,
        } = self;
        match state {
            IntentState::Open => PaymentCommand::RecordIntent { intent },
            IntentState::Declined { code } => PaymentCommand::RecordDeclined { intent, code },
            IntentState::NeedsAction => PaymentCommand::RecordActionRequired { intent },
            IntentState::Reserved { capture_before } => PaymentCommand::RecordAuthorised {
                intent,
                amount,
                capture_before,
            },
            IntentState::Taken => PaymentCommand::RecordCaptured { intent, amount },
            IntentState::Gone => PaymentCommand::RecordCancelled { intent },
        }
    }
}

impl PaymentCall {
    /// The payment it is for.
    pub fn payment(&self) -> PaymentId {
        match self {
            Self::CreateIntent { payment, .. }
            | Self::Capture { payment, .. }
            | Self::Void { payment, .. }
            | Self::Refund { payment, .. }
            | Self::Read { payment, .. } => *payment,
        }
    }

    /// The command that records a success; none when the answer does not belong to the call.
    pub fn when_done(&self, answer: VendorAnswer) -> Option<PaymentCommand> {
        match (self, answer) {
            (Self::Refund { refund, .. }, VendorAnswer::Refund(vendor_refund)) => {
                Some(PaymentCommand::RecordRefunded {
                    refund: *refund,
                    vendor_refund,
                })
            }
            (Self::Refund { .. }, VendorAnswer::Intent(_)) | (_, VendorAnswer::Refund(_)) => None,
            (_, VendorAnswer::Intent(intent)) => Some(intent.news()),
        }
    }

    /// The command that records a definite refusal.
    ///
    /// None for a void and a read: there the intent is read and its state recorded, since a refused
    /// void most often means that it is gone or taken already. When that tells nothing either, a
    /// person must look.
    pub fn when_rejected(&self, code: VendorCode) -> Option<PaymentCommand> {
        match self {
            Self::CreateIntent { .. } => Some(PaymentCommand::RecordFailed { code }),
            Self::Capture { .. } => Some(PaymentCommand::RecordCaptureFailed { code }),
            Self::Refund { refund, .. } => Some(PaymentCommand::RecordRefundFailed {
                refund: *refund,
                code,
            }),
            Self::Void { .. } | Self::Read { .. } => None,
        }
    }
}
