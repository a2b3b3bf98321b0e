//! What banks and Radar do after a payment: disputes, reviews, early fraud warnings.

use crate::stripe::Job;
use crate::stripe::methods::Aftermath;
use crate::stripe::model::{Charge, Dispute, Mark, Subject};
use crate::stripe::store::Tx;

/// When a dispute or warning follows the capture, in seconds.
const AFTERMATH_SECONDS: f64 = 2.0;

/// A review or warning about `charge`.
pub(crate) fn new_mark(tx: &Tx<'_>, prefix: &str, charge: &Charge) -> Mark {
    let (id, created) = (tx.id(prefix), tx.now());
    Mark {
        id,
        charge: charge.id.clone(),
        intent: charge.intent.clone(),
        created,
    }
}

/// Puts in line what follows the capture of this card.
pub(crate) fn after_capture(tx: &Tx<'_>, charge: &Charge) {
    let id = charge.id.clone();
    match charge.method.card.aftermath {
        Aftermath::Dispute { reason, status } => {
            let (reason, status) = (reason.to_owned(), status.to_owned());
            tx.later(
                AFTERMATH_SECONDS,
                Job::Dispute {
                    charge: id,
                    reason,
                    status,
                },
            );
        }
        Aftermath::FraudWarning => tx.later(AFTERMATH_SECONDS, Job::WarnOfFraud { charge: id }),
        Aftermath::Nothing
        | Aftermath::Review
        | Aftermath::Blocked
        | Aftermath::FundsAtOnce
        | Aftermath::RefundPending
        | Aftermath::RefundFails => {}
    }
}

/// The customer disputes a captured charge. False when there is none, or it is disputed already.
pub(crate) fn dispute(tx: &mut Tx<'_>, charge: &str, reason: String, status: String) -> bool {
    let Some(charge) = tx.state.charges.get(charge).cloned() else {
        return false;
    };
    if charge.captured_at.is_none() || charge.dispute.is_some() {
        return false;
    }
    let withdrawn = !status.starts_with("warning");
    let dispute = Dispute {
        id: tx.id("dp_"),
        charge: charge.id.clone(),
        intent: charge.intent.clone(),
        amount: charge.amount_captured - charge.amount_refunded,
        currency: charge.currency.clone(),
        created: tx.now(),
        reason,
        status,
    };
    let dispute = tx.put_dispute(dispute);
    let disputed = Charge {
        dispute: Some(dispute.id.clone()),
        ..Charge::clone(&charge)
    };
    tx.put_charge(disputed);
    tx.emit("charge.dispute.created", Subject::Dispute(dispute.clone()));
    if withdrawn {
        tx.emit("charge.dispute.funds_withdrawn", Subject::Dispute(dispute));
    }
    true
}

/// The issuer warns of fraud. False when there is no such charge.
pub(crate) fn warn_of_fraud(tx: &mut Tx<'_>, charge: &str) -> bool {
    let Some(charge) = tx.state.charges.get(charge).cloned() else {
        return false;
    };
    let warning = new_mark(tx, "issfr_", &charge);
    let warning = tx.put_fraud_warning(warning);
    tx.emit(
        "radar.early_fraud_warning.created",
        Subject::FraudWarning(warning),
    );
    true
}
