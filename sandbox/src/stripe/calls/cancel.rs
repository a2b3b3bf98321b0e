//! `POST /v1/payment_intents/{id}/cancel`, and the lapse of an authorisation.

use std::sync::Arc;

use crate::stripe::calls::confirm::previous_status;
use crate::stripe::error::ApiError;
use crate::stripe::model::{Charge, Intent, IntentStatus, Subject};
use crate::stripe::params::Params;
use crate::stripe::store::Tx;

const REASONS: &[&str] = &[
    "duplicate",
    "fraudulent",
    "requested_by_customer",
    "abandoned",
];

/// Gives a payment up and releases what was authorised.
///
/// # Errors
/// A malformed parameter, or a payment that has ended.
pub(crate) fn call(
    tx: &mut Tx<'_>,
    intent: &Arc<Intent>,
    mut params: Params,
) -> Result<Arc<Intent>, ApiError> {
    let reason = params.choice("cancellation_reason", REASONS)?;
    params.finish()?;
    if intent.status.is_end() {
        let message = format!(
            "You cannot cancel this PaymentIntent because it has a status of {}. Only a \
             PaymentIntent with one of the following statuses may be canceled: \
             requires_payment_method, requires_capture, requires_reauthorization, \
             requires_confirmation, requires_action, processing.",
            intent.status.as_str()
        );
        let code = "payment_intent_unexpected_state";
        let error = ApiError::illegal(code, Some(intent.clone()), message);
        let lapsed = intent.cancellation_reason.as_deref() == Some("automatic");
        return Err(if lapsed { error.blameless() } else { error });
    }
    if let Some(charge) = release(tx, intent) {
        tx.emit("charge.refunded", Subject::Charge(charge));
    }
    Ok(end(tx, intent, reason))
}

/// The authorisation has lapsed: `charge.expired`, then `payment_intent.canceled`.
pub(crate) fn lapse(tx: &mut Tx<'_>, id: &str) {
    let Some(intent) = tx.state.intents.get(id).cloned() else {
        return;
    };
    if intent.status != IntentStatus::RequiresCapture {
        return;
    }
    if let Some(charge) = release(tx, &intent) {
        tx.emit("charge.expired", Subject::Charge(charge));
    }
    end(tx, &intent, Some("automatic".to_owned()));
}

/// Gives the authorised money back, if there is any.
fn release(tx: &mut Tx<'_>, intent: &Intent) -> Option<Arc<Charge>> {
    let charge = tx.state.charges.get(intent.latest_charge.as_ref()?)?;
    if intent.status != IntentStatus::RequiresCapture || charge.failure.is_some() {
        return None;
    }
    let released = Charge {
        released: true,
        ..Charge::clone(charge)
    };
    Some(tx.put_charge(released))
}

fn end(tx: &mut Tx<'_>, intent: &Intent, reason: Option<String>) -> Arc<Intent> {
    let previous = previous_status(intent.status);
    let mut changed = intent.clone();
    changed.status = IntentStatus::Canceled;
    changed.canceled_at = Some(tx.now());
    changed.cancellation_reason = reason;
    changed.amount_capturable = 0;
    changed.next_action = None;
    let canceled = tx.put_intent(changed);
    let subject = Subject::Intent(canceled.clone());
    tx.emit_changed("payment_intent.canceled", subject, Some(previous));
    canceled
}
