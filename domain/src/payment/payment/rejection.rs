//! Why a payment says no.

use super::command::PaymentCommandKind;
use super::event::IntentId;
use super::state::PaymentStage;
use crate::decider::{Class, Rejection};
use crate::kernel::fault::{Fault, Pointer};
use crate::kernel::money::Money;
use crate::kernel::refusal::NotAllowed;

/// A refusal of a payment.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PaymentRejection {
    /// There is no such payment.
    #[error("the payment does not exist")]
    PaymentUnknown,
    /// It was requested before, for something else.
    #[error("the payment was requested before for something else")]
    AlreadyRequested,
    /// Nobody pays less than nothing.
    #[error("a payment is not negative")]
    AmountNegative,
    /// The table does not have it.
    #[error("{0}")]
    NotAllowed(NotAllowed<PaymentStage, PaymentCommandKind>),
    /// News of another intent than this payment's.
    #[error("the payment belongs to intent {expected}")]
    OtherIntent {
        /// The one it belongs to.
        expected: IntentId,
    },
    /// The vendor's amount or currency is not ours.
    #[error("expected {expected}, found {found}")]
    AmountMismatch {
        /// What was requested.
        expected: Money,
        /// What the vendor says.
        found: Money,
    },
    /// More would go back than came in.
    #[error("at most {left} can be refunded")]
    RefundExceedsCaptured {
        /// What is left.
        left: Money,
    },
    /// A refund of nothing.
    #[error("a refund is more than nothing")]
    RefundNotPositive,
    /// A refund in another currency.
    #[error("the payment was made in another currency")]
    RefundInOtherCurrency,
    /// The name of the refund belongs to another amount.
    #[error("this refund was requested before with another amount")]
    RefundAlreadyRequested,
    /// There is no such refund.
    #[error("the payment has no such refund")]
    RefundUnknown,
}

impl Rejection for PaymentRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::PaymentUnknown => "payment_unknown",
            Self::AlreadyRequested => "already_requested",
            Self::AmountNegative => "amount_negative",
            Self::NotAllowed(_) => "not_allowed",
            Self::OtherIntent { .. } => "other_intent",
            Self::AmountMismatch { .. } => "amount_mismatch",
            Self::RefundExceedsCaptured { .. } => "refund_exceeds_captured",
            Self::RefundNotPositive => "refund_not_positive",
            Self::RefundInOtherCurrency => "refund_in_other_currency",
            Self::RefundAlreadyRequested => "refund_already_requested",
            Self::RefundUnknown => "refund_unknown",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::PaymentUnknown | Self::RefundUnknown => Class::NotFound,
            Self::AmountNegative
            | Self::RefundExceedsCaptured { .. }
            | Self::RefundNotPositive
            | Self::RefundInOtherCurrency => Class::Unprocessable,
            Self::AlreadyRequested
            | Self::NotAllowed(_)
            | Self::OtherIntent { .. }
            | Self::AmountMismatch { .. }
            | Self::RefundAlreadyRequested => Class::Conflict,
        }
    }

    fn faults(&self) -> Vec<Fault> {
        match self {
            Self::AmountNegative
            | Self::RefundExceedsCaptured { .. }
            | Self::RefundNotPositive
            | Self::RefundInOtherCurrency => {
                vec![Fault::new(
                    self.code(),
                    &Pointer::root().at("amount"),
                    self.to_string(),
                )]
            }
            Self::PaymentUnknown
            | Self::AlreadyRequested
            | Self::NotAllowed(_)
            | Self::OtherIntent { .. }
            | Self::AmountMismatch { .. }
            | Self::RefundAlreadyRequested
            | Self::RefundUnknown => Vec::new(),
        }
    }
}
