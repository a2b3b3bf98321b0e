//! A payment: one attempt to get an order's total, from request to captured, voided or refunded.
//!
//! It decides before the vendor is called: capture and void exclude each other, refunds are bounded by
//! what was captured, pending ones included. What the vendor answers comes back as `Record…`.

mod command;
mod decide;
mod event;
mod rejection;
mod rules;
mod state;
mod transitions;

pub use command::{PaymentCommand, PaymentCommandKind};
pub use event::{IntentId, PaymentEvent, RefundReason, VendorCode, VendorRefundId};
pub use rejection::PaymentRejection;
pub use state::{Payment, PaymentBody, PaymentStage, Refund, RefundStage};
pub use transitions::TRANSITIONS;

#[cfg(test)]
mod tests;
