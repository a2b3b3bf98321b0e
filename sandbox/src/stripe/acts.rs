//! What customers, banks and Stripe do, on request: `POST /_sim/act/{name}`.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Stripe;
use super::calls::{cancel, confirm, refunds, risk};
use super::model::IntentStatus;

const NAMES: &str = "complete_challenge, expire_authorization, settle_refund, fail_refund, \
    open_dispute, warn_of_fraud, slow_approvals, rotate_secret_key";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Challenge {
    payment_intent: String,
    #[serde(default = "pass")]
    outcome: ChallengeOutcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChallengeOutcome {
    Pass,
    Fail,
}

fn pass() -> ChallengeOutcome {
    ChallengeOutcome::Pass
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfIntent {
    payment_intent: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfRefund {
    refund: String,
    /// One of Stripe's failure reasons.
    #[serde(default = "lost_card")]
    reason: String,
}

fn lost_card() -> String {
    "lost_or_stolen_card".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfCharge {
    charge: String,
    #[serde(default = "fraudulent")]
    reason: String,
    #[serde(default = "needs_response")]
    status: String,
}

fn fraudulent() -> String {
    "fraudulent".to_owned()
}

fn needs_response() -> String {
    "needs_response".to_owned()
}

/// The next `confirmations` take `seconds` in `processing`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SlowApprovals {
    confirmations: u32,
    seconds: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretKey {
    secret_key: String,
}

/// Does `name`.
///
/// # Errors
/// A sentence: no such act, a body it does not understand, or a state in which it cannot happen.
pub(crate) fn act(stripe: &Stripe, name: &str, body: &Value) -> Result<Value, String> {
    match name {
        "complete_challenge" => {
            let Challenge {
                payment_intent,
                outcome,
            } = read(body)?;
            complete_challenge(stripe, &payment_intent, outcome == ChallengeOutcome::Pass)
        }
        "expire_authorization" => {
            let OfIntent { payment_intent } = read(body)?;
            expire(stripe, &payment_intent)
        }
        "settle_refund" => {
            let OfRefund { refund, .. } = read(body)?;
            done(
                stripe.change(|tx| refunds::settle(tx, &refund)),
                "no pending refund",
                &refund,
            )
        }
        "fail_refund" => {
            let OfRefund { refund, reason } = read(body)?;
            let failed = stripe.change(|tx| refunds::fail(tx, &refund, &reason));
            done(failed, "no refund that could fail", &refund)
        }
        "open_dispute" => {
            let OfCharge {
                charge,
                reason,
                status,
            } = read(body)?;
            let opened = stripe.change(|tx| risk::dispute(tx, &charge, reason, status));
            done(opened, "no captured, undisputed charge", &charge)
        }
        "warn_of_fraud" => {
            let OfCharge { charge, .. } = read(body)?;
            done(
                stripe.change(|tx| risk::warn_of_fraud(tx, &charge)),
                "no charge",
                &charge,
            )
        }
        "slow_approvals" => {
            let SlowApprovals {
                confirmations,
                seconds,
            } = read(body)?;
            stripe.change(|tx| tx.state.slow_approvals = (confirmations, seconds));
            Ok(json!({ "slow": confirmations }))
        }
        "rotate_secret_key" => {
            let SecretKey { secret_key } = read(body)?;
            stripe.rotate(secret_key);
            Ok(json!({ "rotated": true }))
        }
        other => Err(format!("no act {other}; there are: {NAMES}")),
    }
}

fn read<T: DeserializeOwned>(body: &Value) -> Result<T, String> {
    T::deserialize(body).map_err(|error| error.to_string())
}

fn done(happened: bool, otherwise: &str, id: &str) -> Result<Value, String> {
    if happened {
        Ok(json!({ "done": id }))
    } else {
        Err(format!("{otherwise} {id}"))
    }
}

/// Ends a challenge; says where the payment stands then, declined or not.
pub(crate) fn complete_challenge(stripe: &Stripe, id: &str, passed: bool) -> Result<Value, String> {
    stripe.change(|tx| {
        let intent = tx.state.intents.get(id).cloned();
        let intent = intent.ok_or_else(|| format!("no payment {id}"))?;
        if intent.status != IntentStatus::RequiresAction {
            return Err(format!(
                "no challenge is open: status {}",
                intent.status.as_str()
            ));
        }
        let status = match confirm::complete_challenge(tx, &intent, passed) {
            Ok(intent) => intent.status,
            Err(_declined) => IntentStatus::RequiresPaymentMethod,
        };
        Ok(json!({ "payment_intent": id, "status": status.as_str() }))
    })
}

fn expire(stripe: &Stripe, id: &str) -> Result<Value, String> {
    stripe.change(|tx| {
        let held = tx.state.intents.get(id).map(|intent| intent.status);
        if held != Some(IntentStatus::RequiresCapture) {
            return Err(format!("no authorised payment {id}"));
        }
        cancel::lapse(tx, id);
        Ok(json!({ "payment_intent": id, "status": "canceled" }))
    })
}
