//! What is true of a payment.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};
use uuid::Uuid;

use super::event::{IntentId, PaymentEvent, RefundReason, VendorCode};
use crate::kernel::ids::{CustomerId, OrderId, RestaurantId};
use crate::kernel::money::Money;

/// A payment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Payment {
    body: Option<Box<PaymentBody>>,
}

/// The stages of a payment's life.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    VariantArray,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PaymentStage {
    /// Not requested.
    #[default]
    Absent,
    /// Waits for a means of payment.
    RequiresPayment,
    /// Waits for the customer at the vendor.
    RequiresAction,
    /// Reserved at the bank.
    Authorized,
    /// Being taken.
    Capturing,
    /// Taken; refunds are counted beside it.
    Captured,
    /// Could not be taken.
    CaptureFailed,
    /// The reservation is being given up.
    Voiding,
    /// The reservation is given up.
    Voided,
    /// The vendor would not have it.
    Failed,
    /// The vendor gave the reservation up.
    Expired,
}

/// What a requested payment holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentBody {
    /// Where it is.
    pub stage: PaymentStage,
    /// The order.
    pub order: OrderId,
    /// Who pays.
    pub customer: CustomerId,
    /// The shop.
    pub restaurant: RestaurantId,
    /// How much.
    pub amount: Money,
    /// How much of it was asked of the vendor, once it was.
    #[serde(default)]
    pub captured: Option<Money>,
    /// Which attempt of the order, from 1.
    pub attempt: u32,
    /// The vendor's name for it.
    pub intent: Option<IntentId>,
    /// Why the last means of payment was refused, until another is tried.
    pub declined: Option<VendorCode>,
    /// Until when it can be captured.
    pub capture_before: Option<DateTime<Utc>>,
    /// Why the money is to go back, when it is.
    pub unwinding: Option<RefundReason>,
    /// Every refund of it, oldest first.
    pub refunds: Vec<Refund>,
}

/// One refund.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refund {
    /// Our name for it.
    pub refund: Uuid,
    /// How much.
    pub amount: Money,
    /// How far it is.
    pub stage: RefundStage,
}

/// How far a refund is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStage {
    /// Asked of the vendor.
    Pending,
    /// Returned.
    Refunded,
    /// Not returned; its amount can be refunded anew.
    Failed,
}

impl Payment {
    /// What it holds, once requested.
    pub fn body(&self) -> Option<&PaymentBody> {
        self.body.as_deref()
    }

    pub(super) fn apply(&mut self, event: &PaymentEvent) {
        if let PaymentEvent::Requested {
            order,
            customer,
            restaurant,
            amount,
            attempt,
            at: _,
        } = event
        {
            self.body = Some(Box::new(PaymentBody {
                stage: PaymentStage::RequiresPayment,
                order: *order,
                customer: *customer,
                restaurant: *restaurant,
                amount: *amount,
                captured: None,
                attempt: *attempt,
                intent: None,
                declined: None,
                capture_before: None,
                unwinding: None,
                refunds: Vec::new(),
            }));
        } else if let Some(body) = &mut self.body {
            body.apply(event);
        }
    }
}

impl PaymentBody {
    fn apply(&mut self, event: &PaymentEvent) {
        match event {
            PaymentEvent::Requested { .. } => {}
            PaymentEvent::IntentCreated { intent } => self.intent = Some(intent.clone()),
            PaymentEvent::ActionRequired { .. } => {
                self.stage = PaymentStage::RequiresAction;
                self.declined = None;
            }
            PaymentEvent::Declined { code, at: _ } => {
                self.stage = PaymentStage::RequiresPayment;
                self.declined = Some(code.clone());
            }
            PaymentEvent::Authorized {
                capture_before,
                at: _,
            } => {
                self.stage = PaymentStage::Authorized;
                self.capture_before = *capture_before;
            }
            PaymentEvent::Failed { .. } => self.stage = PaymentStage::Failed,
            PaymentEvent::CaptureRequested { amount, at: _ } => {
                self.stage = PaymentStage::Capturing;
                self.captured = Some(*amount);
            }
            PaymentEvent::Captured { amount, at: _ } => {
                self.stage = PaymentStage::Captured;
                self.captured = Some(*amount);
            }
            PaymentEvent::CaptureFailed { .. } => self.stage = PaymentStage::CaptureFailed,
            PaymentEvent::UnwindRequested { reason, at: _ } => self.unwinding = Some(*reason),
            PaymentEvent::VoidRequested { reason, at: _ } => {
                self.stage = PaymentStage::Voiding;
                self.unwinding = Some(*reason);
            }
            PaymentEvent::Voided { .. } => self.stage = PaymentStage::Voided,
            PaymentEvent::RefundRequested { refund, amount, .. } => self.refunds.push(Refund {
                refund: *refund,
                amount: *amount,
                stage: RefundStage::Pending,
            }),
            PaymentEvent::Refunded { refund, .. } => self.settle(*refund, RefundStage::Refunded),
            PaymentEvent::RefundFailed { refund, .. } => self.settle(*refund, RefundStage::Failed),
            PaymentEvent::ExpiredByVendor { .. } => self.stage = PaymentStage::Expired,
        }
    }

    fn settle(&mut self, refund: Uuid, stage: RefundStage) {
        for found in self
            .refunds
            .iter_mut()
            .filter(|found| found.refund == refund)
        {
            found.stage = stage;
        }
    }

    /// What the vendor was asked to take, or would be.
    pub fn asked(&self) -> Money {
        self.captured.unwrap_or(self.amount)
    }

    /// The refund of this name.
    pub fn refund(&self, refund: Uuid) -> Option<&Refund> {
        self.refunds.iter().find(|found| found.refund == refund)
    }

    /// What of the captured amount is neither returned nor on its way back, in minor units.
    pub fn refundable_minor(&self) -> i64 {
        if self.stage != PaymentStage::Captured {
            return 0;
        }
        self.refunds
            .iter()
            .filter(|refund| refund.stage != RefundStage::Failed)
            .fold(self.asked().amount_minor(), |left, refund| {
                left.saturating_sub(refund.amount.amount_minor())
            })
    }
}
