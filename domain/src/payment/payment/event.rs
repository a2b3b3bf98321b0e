//! What can happen to a payment.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::decider::Event;
use crate::kernel::collect::leaf;
use crate::kernel::ids::{CustomerId, OrderId, RestaurantId};
use crate::kernel::money::{Currency, Money};
use crate::kernel::opaque::opaque;
use crate::kernel::sample;

opaque! {
    /// The vendor's name for a payment, such as `pi_…`.
    IntentId,
    /// The vendor's word for why it refused, such as `card_declined`.
    VendorCode,
    /// The vendor's name for a refund, such as `re_…`.
    VendorRefundId,
}

/// A fact about a payment.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, VariantNames, IntoStaticStr,
)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PaymentEvent {
    /// An order's total is wanted.
    Requested {
        /// The order.
        order: OrderId,
        /// Who pays.
        customer: CustomerId,
        /// The shop.
        restaurant: RestaurantId,
        /// How much.
        amount: Money,
        /// Which attempt of the order, from 1.
        attempt: u32,
        /// When.
        at: DateTime<Utc>,
    },
    /// The vendor knows of it.
    IntentCreated {
        /// Under this name.
        intent: IntentId,
    },
    /// The customer must do something at the vendor, such as 3-D Secure.
    ActionRequired {
        /// When.
        at: DateTime<Utc>,
    },
    /// The customer's means was refused; another may follow.
    Declined {
        /// Why.
        code: VendorCode,
        /// When.
        at: DateTime<Utc>,
    },
    /// The amount is reserved at the customer's bank.
    Authorized {
        /// Until when it can be captured.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        capture_before: Option<DateTime<Utc>>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The vendor will not do it at all.
    Failed {
        /// Why.
        code: VendorCode,
        /// When.
        at: DateTime<Utc>,
    },
    /// The amount is to be taken.
    CaptureRequested {
        /// How much.
        amount: Money,
        /// When.
        at: DateTime<Utc>,
    },
    /// The amount was taken.
    Captured {
        /// How much.
        amount: Money,
        /// When.
        at: DateTime<Utc>,
    },
    /// The amount cannot be taken.
    CaptureFailed {
        /// Why.
        code: VendorCode,
        /// When.
        at: DateTime<Utc>,
    },
    /// The money is to go back, by void or refund, as soon as it is known where it is.
    UnwindRequested {
        /// Why.
        reason: RefundReason,
        /// When.
        at: DateTime<Utc>,
    },
    /// The reservation is to be given up.
    VoidRequested {
        /// Why.
        reason: RefundReason,
        /// When.
        at: DateTime<Utc>,
    },
    /// The reservation is given up.
    Voided {
        /// When.
        at: DateTime<Utc>,
    },
    /// Captured money is to go back.
    RefundRequested {
        /// Our name for this refund.
        refund: Uuid,
        /// How much.
        amount: Money,
        /// Why.
        reason: RefundReason,
        /// When.
        at: DateTime<Utc>,
    },
    /// It went back.
    Refunded {
        /// Our name for the refund.
        refund: Uuid,
        /// The vendor's.
        vendor_refund: VendorRefundId,
        /// When.
        at: DateTime<Utc>,
    },
    /// It did not go back; also days after it seemed to.
    RefundFailed {
        /// Our name for the refund.
        refund: Uuid,
        /// Why.
        code: VendorCode,
        /// When.
        at: DateTime<Utc>,
    },
    /// The vendor gave the reservation up by itself.
    ExpiredByVendor {
        /// When.
        at: DateTime<Utc>,
    },
}

/// Why money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundReason {
    /// The order was not paid for in time.
    OrderExpired,
    /// The order was cancelled.
    OrderCancelled,
    /// The shop did not take the order.
    OrderRejected,
    /// Something of the order was short, or the customer fetches it after all.
    OrderChanged,
    /// The order could not be handed over.
    OrderNotHandedOver,
    /// Ops decided so.
    Goodwill,
}

leaf!(RefundReason => "reason_unknown");

impl Event for PaymentEvent {
    fn name(&self) -> &'static str {
        self.into()
    }

    fn samples() -> Vec<Self> {
        let at = sample::minute(10);
        let amount = Money::new(980, Currency::parse("JPY").expect("a current code"));
        let code = VendorCode("card_declined".to_owned());
        let refund = sample::id(7);
        let reason = RefundReason::OrderCancelled;
        vec![
            Self::Requested {
                order: sample::id(3),
                customer: sample::id(1),
                restaurant: sample::id(2),
                amount,
                attempt: 1,
                at,
            },
            Self::IntentCreated {
                intent: IntentId("pi_3Sample".to_owned()),
            },
            Self::ActionRequired { at },
            Self::Declined {
                code: code.clone(),
                at,
            },
            Self::Authorized {
                capture_before: Some(sample::minute(7 * 24 * 60)),
                at,
            },
            Self::Failed {
                code: code.clone(),
                at,
            },
            Self::CaptureRequested { amount, at },
            Self::Captured { amount, at },
            Self::CaptureFailed {
                code: code.clone(),
                at,
            },
            Self::UnwindRequested { reason, at },
            Self::VoidRequested { reason, at },
            Self::Voided { at },
            Self::RefundRequested {
                refund,
                amount,
                reason,
                at,
            },
            Self::Refunded {
                refund,
                vendor_refund: VendorRefundId("re_3Sample".to_owned()),
                at,
            },
            Self::RefundFailed { refund, code, at },
            Self::ExpiredByVendor { at },
        ]
    }
}
