//! Which command is possible at which stage of a payment, and where it leads.

use super::command::PaymentCommandKind::{
    self, RecordActionRequired, RecordAuthorised, RecordCancelled, RecordCaptureFailed,
    RecordCaptured, RecordDeclined, RecordFailed, RecordIntent, RecordRefundFailed, RecordRefunded,
    Request, RequestCapture, RequestRefund, Unwind,
};
use super::state::PaymentStage;

/// From, command, to. What is not here is refused, and so comes before a person.
///
/// Where a command has several rows, what is known decides: nothing to pay skips the vendor; a payment
/// that is to be unwound goes on to voiding or to a refund as soon as it is known where the money is.
pub const TRANSITIONS: &[(PaymentStage, PaymentCommandKind, PaymentStage)] = &[
    (PaymentStage::Absent, Request, PaymentStage::RequiresPayment),
    (PaymentStage::Absent, Request, PaymentStage::Authorized),
    (
        PaymentStage::RequiresPayment,
        RecordIntent,
        PaymentStage::RequiresPayment,
    ),
    (
        PaymentStage::RequiresPayment,
        RecordIntent,
        PaymentStage::Voiding,
    ),
    (
        PaymentStage::RequiresPayment,
        RecordActionRequired,
        PaymentStage::RequiresAction,
    ),
    (
        PaymentStage::RequiresPayment,
        RecordActionRequired,
        PaymentStage::Voiding,
    ),
    (
        PaymentStage::RequiresPayment,
        RecordDeclined,
        PaymentStage::RequiresPayment,
    ),
    (
        PaymentStage::RequiresPayment,
        RecordDeclined,
        PaymentStage::Voiding,
    ),
    (
        PaymentStage::RequiresPayment,
        RecordAuthorised,
        PaymentStage::Authorized,
    ),
    (
        PaymentStage::RequiresPayment,
        RecordAuthorised,
        PaymentStage::Voiding,
    ),
    (
        PaymentStage::RequiresPayment,
        RecordFailed,
        PaymentStage::Failed,
    ),
    (
        PaymentStage::RequiresPayment,
        RecordCancelled,
        PaymentStage::Expired,
    ),
    (
        PaymentStage::RequiresPayment,
        Unwind,
        PaymentStage::RequiresPayment,
    ),
    (PaymentStage::RequiresPayment, Unwind, PaymentStage::Voiding),
    (
        PaymentStage::RequiresAction,
        RecordDeclined,
        PaymentStage::RequiresPayment,
    ),
    (
        PaymentStage::RequiresAction,
        RecordAuthorised,
        PaymentStage::Authorized,
    ),
    (
        PaymentStage::RequiresAction,
        RecordCancelled,
        PaymentStage::Expired,
    ),
    (PaymentStage::RequiresAction, Unwind, PaymentStage::Voiding),
    (
        PaymentStage::Authorized,
        RequestCapture,
        PaymentStage::Capturing,
    ),
    (
        PaymentStage::Authorized,
        RequestCapture,
        PaymentStage::Captured,
    ),
    (
        PaymentStage::Authorized,
        RecordCaptured,
        PaymentStage::Captured,
    ),
    (
        PaymentStage::Authorized,
        RecordCancelled,
        PaymentStage::Expired,
    ),
    (PaymentStage::Authorized, Unwind, PaymentStage::Voiding),
    (PaymentStage::Authorized, Unwind, PaymentStage::Voided),
    (
        PaymentStage::Capturing,
        RecordCaptured,
        PaymentStage::Captured,
    ),
    (
        PaymentStage::Capturing,
        RecordCaptureFailed,
        PaymentStage::CaptureFailed,
    ),
    (
        PaymentStage::Capturing,
        RecordCaptureFailed,
        PaymentStage::Voiding,
    ),
    (
        PaymentStage::Capturing,
        RecordCancelled,
        PaymentStage::Expired,
    ),
    (PaymentStage::Capturing, Unwind, PaymentStage::Capturing),
    (
        PaymentStage::CaptureFailed,
        RequestCapture,
        PaymentStage::Capturing,
    ),
    (
        PaymentStage::CaptureFailed,
        RecordCaptured,
        PaymentStage::Captured,
    ),
    (
        PaymentStage::CaptureFailed,
        RecordCancelled,
        PaymentStage::Expired,
    ),
    (PaymentStage::CaptureFailed, Unwind, PaymentStage::Voiding),
    (PaymentStage::Captured, Unwind, PaymentStage::Captured),
    (
        PaymentStage::Captured,
        RequestRefund,
        PaymentStage::Captured,
    ),
    (
        PaymentStage::Captured,
        RecordRefunded,
        PaymentStage::Captured,
    ),
    (
        PaymentStage::Captured,
        RecordRefundFailed,
        PaymentStage::Captured,
    ),
    (PaymentStage::Voiding, RecordCancelled, PaymentStage::Voided),
    (
        PaymentStage::Voiding,
        RecordCaptured,
        PaymentStage::Captured,
    ),
    (PaymentStage::Voided, RecordCaptured, PaymentStage::Captured),
    (PaymentStage::Failed, RecordIntent, PaymentStage::Voiding),
    (
        PaymentStage::Failed,
        RecordAuthorised,
        PaymentStage::Voiding,
    ),
    (PaymentStage::Failed, RecordCaptured, PaymentStage::Captured),
];
