//! Stripe's JSON and what it means to us. Requests and objects are async-stripe's types; only errors
//! and webhook envelopes are read with types of our own, which take what async-stripe's would refuse.

use std::collections::HashMap;

use chrono::DateTime;
use domain::kernel::money::{Currency, Money};
use domain::payment::payment::{IntentId, VendorCode, VendorRefundId};
use domain::payment::vendor::{IntentState, VendorIntent};
use stripe_core::payment_intent::{
    CancelPaymentIntent, CancelPaymentIntentCancellationReason, CapturePaymentIntent,
    CreatePaymentIntent, CreatePaymentIntentAutomaticPaymentMethods, RetrievePaymentIntent,
};
use stripe_core::refund::{CreateRefund, CreateRefundReason, ListRefund, RetrieveRefund};
use stripe_shared::PaymentIntentCaptureMethod;

use super::error::shown_decline;
use crate::gateways::payment::{Intent, NewIntent, NewRefund, Refund, RefundState};

/// Names of our ids in the vendor's metadata.
const ORDER: &str = "order_id";
const PAYMENT: &str = "payment_id";
const ATTEMPT: &str = "attempt";
const REFUND: &str = "refund_id";

/// Refunds of one payment that are looked through. Ours are one for each line at most.
const REFUNDS_LISTED_MAX: i64 = 100;

/// What Stripe's object lacks or says wrongly for us to use it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("Stripe's object has an unusable {0}")]
pub(super) struct Unusable(pub(super) &'static str);

/// The request that starts a payment.
pub(super) fn create_intent(new: &NewIntent) -> CreatePaymentIntent {
    let metadata = HashMap::from([
        (ORDER.to_owned(), new.order.to_string()),
        (PAYMENT.to_owned(), new.payment.to_string()),
        (ATTEMPT.to_owned(), new.attempt.to_string()),
    ]);
    CreatePaymentIntent::new(
        new.amount.amount_minor(),
        currency_out(new.amount.currency()),
    )
    .capture_method(PaymentIntentCaptureMethod::Manual)
    .automatic_payment_methods(CreatePaymentIntentAutomaticPaymentMethods::new(true))
    .transfer_group(new.order.to_string())
    .metadata(metadata)
}

/// The request that reads a payment together with its charge, which knows until when it can be captured.
pub(super) fn read_intent(intent: &IntentId) -> RetrievePaymentIntent {
    RetrievePaymentIntent::new(intent.as_str()).expand(vec!["latest_charge".to_owned()])
}

/// The request that takes `amount` and frees the rest.
pub(super) fn capture(intent: &IntentId, amount: Money) -> CapturePaymentIntent {
    CapturePaymentIntent::new(intent.as_str())
        .amount_to_capture(amount.amount_minor())
        .expand(vec!["latest_charge".to_owned()])
}

/// The request that ends a payment.
pub(super) fn cancel(intent: &IntentId) -> CancelPaymentIntent {
    CancelPaymentIntent::new(intent.as_str())
        .cancellation_reason(CancelPaymentIntentCancellationReason::Abandoned)
        .expand(vec!["latest_charge".to_owned()])
}

/// The request that gives money back.
pub(super) fn refund(new: &NewRefund) -> CreateRefund {
    let metadata = HashMap::from([
        (REFUND.to_owned(), new.refund.to_string()),
        (PAYMENT.to_owned(), new.payment.to_string()),
    ]);
    CreateRefund::new()
        .payment_intent(new.intent.as_str())
        .amount(new.amount.amount_minor())
        .reason(CreateRefundReason::RequestedByCustomer)
        .metadata(metadata)
}

/// The request that reads a refund.
pub(super) fn read_refund(refund: &VendorRefundId) -> RetrieveRefund {
    RetrieveRefund::new(refund.as_str())
}

/// The request that lists the refunds of a payment.
pub(super) fn refunds_of(intent: &IntentId) -> ListRefund {
    ListRefund::new()
        .payment_intent(intent.as_str())
        .limit(REFUNDS_LISTED_MAX)
}

/// Reads a payment.
pub(super) fn intent_in(object: &stripe_shared::PaymentIntent) -> Result<Intent, Unusable> {
    let currency = currency_in(&object.currency)?;
    let intent = IntentId::parse(object.id.as_str()).map_err(|_| Unusable("id"))?;
    let (state, amount) = state_of(object);
    Ok(Intent {
        vendor: VendorIntent {
            intent,
            amount: Money::new(amount, currency),
            state,
        },
        asked: Money::new(object.amount, currency),
        payment: object
            .metadata
            .get(PAYMENT)
            .and_then(|text| text.parse().ok()),
        order: object
            .metadata
            .get(ORDER)
            .and_then(|text| text.parse().ok()),
        live: object.livemode,
    })
}

/// How it stands, and the amount in minor units that this is about.
fn state_of(object: &stripe_shared::PaymentIntent) -> (IntentState, i64) {
    match object.status.as_str() {
        "requires_capture" => {
            let capture_before = capture_before(object);
            (
                IntentState::Reserved { capture_before },
                object.amount_capturable,
            )
        }
        "succeeded" => (IntentState::Taken, object.amount_received),
        "canceled" => (IntentState::Gone, object.amount),
        "requires_action" => (IntentState::NeedsAction, object.amount),
        "requires_payment_method" => {
            let declined = declined(object).map(|code| IntentState::Declined { code });
            (declined.unwrap_or(IntentState::Open), object.amount)
        }
        // `requires_confirmation`, `processing`, and whatever the vendor adds: nothing to tell yet.
        _ => (IntentState::Open, object.amount),
    }
}

fn declined(object: &stripe_shared::PaymentIntent) -> Option<VendorCode> {
    let error = object.last_payment_error.as_ref()?;
    let code = error
        .code
        .as_ref()
        .map(stripe_shared::ApiErrorsCode::as_str);
    VendorCode::parse(shown_decline(error.decline_code.as_deref(), code)).ok()
}

fn capture_before(object: &stripe_shared::PaymentIntent) -> Option<DateTime<chrono::Utc>> {
    let charge = object.latest_charge.as_ref()?.as_object()?;
    let card = charge.payment_method_details.as_ref()?.card.as_ref()?;
    DateTime::from_timestamp(card.capture_before?, 0)
}

/// Reads a refund.
pub(super) fn refund_in(object: &stripe_shared::Refund) -> Result<Refund, Unusable> {
    let ours = |name| {
        object
            .metadata
            .as_ref()
            .and_then(|metadata| metadata.get(name))
    };
    let state = match object.status.as_deref() {
        Some("succeeded") => RefundState::Succeeded,
        Some("failed" | "canceled") => {
            let reason = object.failure_reason.as_deref().unwrap_or("refund_failed");
            let code = VendorCode::parse(reason).map_err(|_| Unusable("failure_reason"))?;
            RefundState::Failed(code)
        }
        Some(_) | None => RefundState::Pending,
    };
    let intent = object.payment_intent.as_ref();
    Ok(Refund {
        id: VendorRefundId::parse(object.id.as_str()).map_err(|_| Unusable("id"))?,
        refund: ours(REFUND).and_then(|text| text.parse().ok()),
        payment: ours(PAYMENT).and_then(|text| text.parse().ok()),
        intent: intent.and_then(|intent| IntentId::parse(intent.id().as_str()).ok()),
        amount: Money::new(object.amount, currency_in(&object.currency)?),
        state,
    })
}

/// Our currency in Stripe's lower case; a code that async-stripe does not list travels as text.
fn currency_out(currency: Currency) -> stripe_types::Currency {
    let code = currency.to_string().to_ascii_lowercase();
    let Ok(found) = code.parse();
    found
}

fn currency_in(currency: &stripe_types::Currency) -> Result<Currency, Unusable> {
    let code = currency.to_string().to_ascii_uppercase();
    Currency::parse(&code).map_err(|_| Unusable("currency"))
}
