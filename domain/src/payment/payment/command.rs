//! What can be asked of a payment, and how the vendor's answers come back to it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};
use uuid::Uuid;

use super::event::{IntentId, RefundReason, VendorCode, VendorRefundId};
use crate::kernel::ids::{CustomerId, OrderId, RestaurantId};
use crate::kernel::money::Money;

/// A request to a payment. `Record…` bring what the vendor's object says, read from the vendor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum_discriminants(
    name(PaymentCommandKind),
    doc = "The commands of a payment without their fields.",
    derive(Hash, VariantArray, IntoStaticStr, Serialize, Deserialize),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum PaymentCommand {
    /// Starts it; only `joint::checkout` sends it.
    Request {
        /// The order.
        order: OrderId,
        /// Who pays.
        customer: CustomerId,
        /// The shop.
        restaurant: RestaurantId,
        /// How much; nothing is authorised at once.
        amount: Money,
        /// Which attempt of the order, from 1.
        attempt: u32,
    },
    /// Takes what was authorised, or a part of it.
    RequestCapture {
        /// How much, when it is less than what was authorised.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount: Option<Money>,
    },
    /// Gives the money back, wherever it is: void before capture, refund after.
    Unwind {
        /// Why.
        reason: RefundReason,
    },
    /// Gives a part of what was captured back.
    RequestRefund {
        /// Our name for this refund, chosen by the caller so that a repeat is one refund.
        refund: Uuid,
        /// How much.
        amount: Money,
        /// Why.
        reason: RefundReason,
    },
    /// The vendor created the intent.
    RecordIntent {
        /// Its name.
        intent: IntentId,
    },
    /// The vendor waits for the customer.
    RecordActionRequired {
        /// The intent that says so.
        intent: IntentId,
    },
    /// The vendor refused the customer's means.
    RecordDeclined {
        /// The intent that says so.
        intent: IntentId,
        /// Why.
        code: VendorCode,
    },
    /// The vendor reserved the amount.
    RecordAuthorised {
        /// The intent that says so.
        intent: IntentId,
        /// What it reserved; must be what was requested.
        amount: Money,
        /// Until when it can be captured.
        capture_before: Option<DateTime<Utc>>,
    },
    /// The vendor refused to create the intent.
    RecordFailed {
        /// Why.
        code: VendorCode,
    },
    /// The vendor took the amount.
    RecordCaptured {
        /// The intent that says so.
        intent: IntentId,
        /// What it took; what was asked of it.
        amount: Money,
    },
    /// The vendor will not take the amount.
    RecordCaptureFailed {
        /// Why.
        code: VendorCode,
    },
    /// The vendor's intent is cancelled: by us, or by itself when the reservation lapsed.
    RecordCancelled {
        /// The intent that says so.
        intent: IntentId,
    },
    /// The vendor returned a refund.
    RecordRefunded {
        /// Our name for the refund.
        refund: Uuid,
        /// The vendor's.
        vendor_refund: VendorRefundId,
    },
    /// The vendor could not return a refund.
    RecordRefundFailed {
        /// Our name for the refund.
        refund: Uuid,
        /// Why.
        code: VendorCode,
    },
}
