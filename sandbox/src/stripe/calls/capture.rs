//! `POST /v1/payment_intents/{id}/capture`.

use std::sync::Arc;

use crate::stripe::calls::risk;
use crate::stripe::error::ApiError;
use crate::stripe::model::{Capture, Charge, Intent, IntentStatus, Subject};
use crate::stripe::params::Params;
use crate::stripe::store::Tx;

/// Takes the authorised money, or part of it; the rest is released.
///
/// # Errors
/// A malformed parameter, more than is authorised, or a state that forbids it.
pub(crate) fn call(
    tx: &mut Tx<'_>,
    intent: &Arc<Intent>,
    mut params: Params,
) -> Result<Arc<Intent>, ApiError> {
    let asked = params.integer("amount_to_capture")?;
    let last = params.boolean("final_capture")?;
    let metadata = params.metadata()?;
    params.finish()?;
    let charge = authorised(tx, intent)?;
    let amount = asked.unwrap_or(intent.amount_capturable);
    if amount < 1 {
        let message = "This value must be greater than or equal to 1.";
        return Err(ApiError::invalid(
            "parameter_invalid_integer",
            "amount_to_capture",
            message,
        ));
    }
    if amount > intent.amount_capturable {
        let message = format!(
            "You can only capture up to {} {} in minor units",
            intent.amount_capturable, intent.currency
        );
        return Err(ApiError::invalid(
            "amount_too_large",
            "amount_to_capture",
            message,
        ));
    }
    if last == Some(false) {
        let message = "Multicapture is not available for this payment.";
        return Err(ApiError::invalid(
            "parameter_invalid_value",
            "final_capture",
            message,
        ));
    }

    let now = tx.now();
    let mut charge = Charge::clone(&charge);
    charge.captured_at = Some(now);
    charge.amount_captured = amount;
    let mut changed = Intent::clone(intent);
    changed.status = IntentStatus::Succeeded;
    changed.amount_received = amount;
    changed.amount_capturable = 0;
    changed.about.metadata.extend(metadata);
    let idempotency_key = tx.key();
    changed.captures.push(Capture {
        amount,
        at: now,
        idempotency_key,
    });
    let charge = tx.put_charge(charge);
    let captured = tx.put_intent(changed);
    tx.emit("charge.captured", Subject::Charge(charge.clone()));
    tx.emit(
        "payment_intent.succeeded",
        Subject::Intent(captured.clone()),
    );
    risk::after_capture(tx, &charge);
    Ok(captured)
}

/// The charge to capture.
fn authorised(tx: &Tx<'_>, intent: &Arc<Intent>) -> Result<Arc<Charge>, ApiError> {
    let charge = intent
        .latest_charge
        .as_ref()
        .and_then(|id| tx.state.charges.get(id));
    if let (IntentStatus::RequiresCapture, Some(charge)) = (intent.status, charge) {
        return Ok(charge.clone());
    }
    let message = format!(
        "This PaymentIntent could not be captured because it has a status of {}. Only a \
         PaymentIntent with one of the following statuses may be captured: requires_capture.",
        intent.status.as_str()
    );
    let error = ApiError::illegal(
        "payment_intent_unexpected_state",
        Some(intent.clone()),
        message,
    );
    // A lapse is the vendor's side: a capture that comes too late is no breach of the contract.
    let lapsed = intent.cancellation_reason.as_deref() == Some("automatic");
    Err(if lapsed { error.blameless() } else { error })
}
