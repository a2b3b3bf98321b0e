//! Stripe's objects as the simulator keeps them. `render` makes them what goes over the wire.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::methods::Card;

/// How long a customer-initiated card authorisation lives (docs.stripe.com, place a hold), seconds.
pub(crate) const AUTHORISATION_SECONDS: i64 = 7 * 86_400;

/// When captured funds become available, in seconds.
pub(crate) const SETTLEMENT_SECONDS: i64 = 2 * 86_400;

/// Free text pairs of the integrator.
pub(crate) type Metadata = BTreeMap<String, String>;

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IntentStatus {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
    Succeeded,
    Canceled,
}

impl IntentStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }

    /// Whether nothing more happens to it by itself.
    pub(crate) fn is_end(self) -> bool {
        matches!(self, Self::Succeeded | Self::Canceled)
    }
}

/// A payment. Amounts are in minor units, times in Unix seconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Intent {
    pub(crate) id: String,
    /// Position in the order of creation.
    pub(crate) number: u64,
    pub(crate) client_secret: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) status: IntentStatus,
    pub(crate) manual_capture: bool,
    pub(crate) capture_method: String,
    pub(crate) confirmation_method: String,
    pub(crate) automatic_methods: bool,
    pub(crate) created: i64,
    pub(crate) about: About,
    pub(crate) setup_future_usage: Option<String>,
    pub(crate) payment_method: Option<String>,
    pub(crate) next_action: Option<NextAction>,
    pub(crate) last_error: Option<PaymentError>,
    pub(crate) latest_charge: Option<String>,
    pub(crate) amount_capturable: i64,
    pub(crate) amount_received: i64,
    pub(crate) canceled_at: Option<i64>,
    pub(crate) cancellation_reason: Option<String>,
    pub(crate) review: Option<String>,
    pub(crate) captures: Vec<Capture>,
    /// Idempotency keys of the calls that changed it, for the ledger.
    pub(crate) keys: Vec<String>,
}

/// What the integrator says about a payment; a charge copies it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) customer: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) receipt_email: Option<String>,
    pub(crate) metadata: Metadata,
    pub(crate) transfer_group: Option<String>,
    pub(crate) statement_descriptor: Option<String>,
    pub(crate) statement_descriptor_suffix: Option<String>,
    pub(crate) shipping: Option<Value>,
}

/// What the customer must do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NextAction {
    /// The pass/fail page.
    pub(crate) url: String,
    /// Where the customer returns to; without it Stripe.js shows the challenge itself.
    pub(crate) return_url: Option<String>,
}

/// Why the last attempt failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PaymentError {
    pub(crate) kind: String,
    pub(crate) code: String,
    pub(crate) decline_code: Option<String>,
    pub(crate) message: String,
    pub(crate) charge: Option<String>,
    pub(crate) payment_method: Arc<PaymentMethod>,
}

/// A capture, for the ledger.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Capture {
    pub(crate) amount: i64,
    pub(crate) at: i64,
    pub(crate) idempotency_key: Option<String>,
}

/// A customer's means of payment: a copy of a test card, attached to one payment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PaymentMethod {
    pub(crate) id: String,
    pub(crate) card: Card,
    pub(crate) created: i64,
    pub(crate) customer: Option<String>,
    /// Whether it may be used off session without a challenge.
    pub(crate) set_up: bool,
}

/// One attempt to take money.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) number: u64,
    pub(crate) intent: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) created: i64,
    pub(crate) about: About,
    pub(crate) method: Arc<PaymentMethod>,
    pub(crate) failure: Option<Failure>,
    pub(crate) authenticated: bool,
    pub(crate) captured_at: Option<i64>,
    pub(crate) amount_captured: i64,
    pub(crate) amount_refunded: i64,
    /// Unix time at which an authorisation lapses.
    pub(crate) capture_before: Option<i64>,
    /// Whether the authorisation was given back, by cancelling or by lapse.
    pub(crate) released: bool,
    pub(crate) dispute: Option<String>,
    pub(crate) review: Option<String>,
}

/// Why a charge failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) decline_code: String,
    pub(crate) message: String,
    pub(crate) blocked: bool,
}

impl Charge {
    /// The id of the balance transaction that its capture makes.
    pub(crate) fn balance_transaction(&self) -> Option<String> {
        self.captured_at?;
        Some(self.id.replacen("ch_", "txn_", 1))
    }
}

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
}

impl RefundStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// Money on its way back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) number: u64,
    pub(crate) intent: String,
    pub(crate) charge: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) created: i64,
    pub(crate) reason: Option<String>,
    pub(crate) metadata: Metadata,
    pub(crate) status: RefundStatus,
    pub(crate) failure_reason: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

/// A customer's objection at the bank.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Dispute {
    pub(crate) id: String,
    pub(crate) charge: String,
    pub(crate) intent: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) created: i64,
    pub(crate) reason: String,
    pub(crate) status: String,
}

/// A review or early fraud warning on a charge.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) id: String,
    pub(crate) charge: String,
    pub(crate) intent: String,
    pub(crate) created: i64,
}

/// The object of an event, as it was then.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "object", content = "value", rename_all = "snake_case")]
pub(crate) enum Subject {
    Intent(Arc<Intent>),
    Charge(Arc<Charge>),
    Refund(Arc<Refund>),
    Dispute(Arc<Dispute>),
    Review(Arc<Mark>),
    FraudWarning(Arc<Mark>),
}

/// Something that happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) number: u64,
    pub(crate) kind: String,
    pub(crate) created: i64,
    pub(crate) subject: Subject,
    pub(crate) previous: Option<Value>,
    pub(crate) pending_webhooks: usize,
    /// The call that caused it, if one did.
    pub(crate) request: Option<Cause>,
}

/// The call behind an event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cause {
    pub(crate) request_id: String,
    pub(crate) idempotency_key: Option<String>,
}
