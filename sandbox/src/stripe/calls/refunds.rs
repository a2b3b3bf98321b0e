//! `/v1/refunds`: money back, in parts, never more than was captured.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::stripe::Job;
use crate::stripe::calls::list;
use crate::stripe::error::ApiError;
use crate::stripe::methods::Aftermath;
use crate::stripe::model::{Charge, Refund, RefundStatus, Subject};
use crate::stripe::params::Params;
use crate::stripe::render;
use crate::stripe::store::{State, Tx};

const REASONS: &[&str] = &["duplicate", "fraudulent", "requested_by_customer"];

/// When a pending refund succeeds and a failing one fails, in seconds.
const OUTCOME_SECONDS: f64 = 3.0;

/// Creates a refund.
///
/// # Errors
/// A malformed parameter, nothing to refund, or more than is left.
pub(crate) fn create(tx: &mut Tx<'_>, mut params: Params) -> Result<Arc<Refund>, ApiError> {
    let intent = params.text("payment_intent");
    let charge = params.text("charge");
    let amount = params.integer("amount")?;
    let reason = params.choice("reason", REASONS)?;
    let metadata = params.metadata()?;
    params.finish()?;
    let charge = refundable(tx.state, intent.as_deref(), charge.as_deref())?;
    let left = charge.amount_captured - charge.amount_refunded;
    if left == 0 || charge.released {
        let message = format!("Charge {} has already been refunded.", charge.id);
        return Err(ApiError::illegal("charge_already_refunded", None, message));
    }
    let amount = amount.unwrap_or(left);
    if amount < 1 {
        let message = "Invalid positive integer";
        return Err(ApiError::invalid(
            "parameter_invalid_integer",
            "amount",
            message,
        ));
    }
    if amount > left {
        let message = format!(
            "Refund amount ({amount} {0}) is greater than unrefunded amount on charge ({left} {0})",
            charge.currency
        );
        return Err(ApiError::illegal("amount_too_large", None, message));
    }

    let aftermath = charge.method.card.aftermath;
    let pending = aftermath == Aftermath::RefundPending;
    let id = tx.id("re_");
    let created = tx.now();
    let idempotency_key = tx.key();
    let refund = tx.put_refund(Refund {
        id: id.clone(),
        number: 0,
        intent: charge.intent.clone(),
        charge: charge.id.clone(),
        amount,
        currency: charge.currency.clone(),
        created,
        reason,
        metadata,
        status: if pending {
            RefundStatus::Pending
        } else {
            RefundStatus::Succeeded
        },
        failure_reason: None,
        idempotency_key,
    });
    let charge = add_to_refunded(tx, &charge, amount);
    tx.emit("refund.created", Subject::Refund(refund.clone()));
    tx.emit("charge.refunded", Subject::Charge(charge));
    if pending {
        tx.later(OUTCOME_SECONDS, Job::SettleRefund { refund: id });
    } else if aftermath == Aftermath::RefundFails {
        tx.later(OUTCOME_SECONDS, Job::FailRefund { refund: id });
    }
    Ok(refund)
}

/// The charge that a refund is for.
fn refundable(
    state: &State,
    intent: Option<&str>,
    charge: Option<&str>,
) -> Result<Arc<Charge>, ApiError> {
    let charge = match (intent, charge) {
        (Some(id), _) => {
            let missing = || ApiError::missing_param("payment_intent", id, "payment_intent");
            let intent = state.intents.get(id).ok_or_else(missing)?;
            intent
                .latest_charge
                .as_ref()
                .and_then(|charge| state.charges.get(charge))
        }
        (None, Some(id)) => {
            let missing = || ApiError::missing_param("charge", id, "charge");
            Some(state.charges.get(id).ok_or_else(missing)?)
        }
        (None, None) => {
            return Err(ApiError::bad_request(
                "One of the following params should be provided for this request: payment_intent \
                 or charge.",
            ));
        }
    };
    let Some(charge) = charge.filter(|charge| charge.captured_at.is_some()) else {
        let message = "This PaymentIntent does not have a successful charge to refund.";
        return Err(ApiError::illegal(
            "payment_intent_unexpected_state",
            None,
            message,
        ));
    };
    Ok(charge.clone())
}

fn add_to_refunded(tx: &mut Tx<'_>, charge: &Charge, amount: i64) -> Arc<Charge> {
    let mut changed = charge.clone();
    changed.amount_refunded += amount;
    tx.put_charge(changed)
}

/// A pending refund has reached the customer. False when it was not pending.
pub(crate) fn settle(tx: &mut Tx<'_>, id: &str) -> bool {
    let Some(refund) = tx.state.refunds.get(id).cloned() else {
        return false;
    };
    if refund.status != RefundStatus::Pending {
        return false;
    }
    let settled = Refund {
        status: RefundStatus::Succeeded,
        ..Refund::clone(&refund)
    };
    let settled = tx.put_refund(settled);
    emit_updated(tx, &settled, refund.status);
    true
}

/// A refund has failed, perhaps days after it succeeded: the money is back on our balance. False
/// when it had failed before.
pub(crate) fn fail(tx: &mut Tx<'_>, id: &str, reason: &str) -> bool {
    let Some(refund) = tx.state.refunds.get(id).cloned() else {
        return false;
    };
    if refund.status == RefundStatus::Failed {
        return false;
    }
    let failed = Refund {
        status: RefundStatus::Failed,
        failure_reason: Some(reason.to_owned()),
        ..Refund::clone(&refund)
    };
    let failed = tx.put_refund(failed);
    if let Some(charge) = tx.state.charges.get(&failed.charge).cloned() {
        add_to_refunded(tx, &charge, -failed.amount);
    }
    emit_updated(tx, &failed, refund.status);
    tx.emit("refund.failed", Subject::Refund(failed));
    true
}

fn emit_updated(tx: &mut Tx<'_>, refund: &Arc<Refund>, before: RefundStatus) {
    let previous = json!({ "status": before.as_str() });
    tx.emit_changed(
        "refund.updated",
        Subject::Refund(refund.clone()),
        Some(previous),
    );
}

/// Lists refunds of a payment or charge.
///
/// # Errors
/// A malformed parameter.
pub(crate) fn list(state: &State, mut params: Params) -> Result<Value, ApiError> {
    let intent = params.text("payment_intent");
    let charge = params.text("charge");
    let created = params.created()?;
    let page = list::Page::parse(&mut params)?;
    params.finish()?;
    page.of(&state.refunds, "/v1/refunds", render::refund, |refund| {
        intent.as_ref().is_none_or(|id| *id == refund.intent)
            && charge.as_ref().is_none_or(|id| *id == refund.charge)
            && created.holds(refund.created)
    })
}
