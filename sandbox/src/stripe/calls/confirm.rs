//! Confirming a payment: the method, the challenge, the issuer's answer.

use std::sync::Arc;

use serde_json::json;

use crate::stripe::Job;
use crate::stripe::calls::risk;
use crate::stripe::error::ApiError;
use crate::stripe::methods::{
    self, AUTHENTICATION_REQUIRED, Aftermath, Card, Challenge, Decline, Outcome,
};
use crate::stripe::model::{
    AUTHORISATION_SECONDS, Capture, Charge, Failure, Intent, IntentStatus, NextAction,
    PaymentError, PaymentMethod, Subject,
};
use crate::stripe::params::Params;
use crate::stripe::store::Tx;

const UNEXPECTED: &str = "payment_intent_unexpected_state";

/// How a payment is to be confirmed.
#[derive(Debug, Default)]
pub(crate) struct Confirmation {
    method: Option<String>,
    off_session: bool,
    return_url: Option<String>,
}

impl Confirmation {
    /// Takes the fields that both creating with `confirm` and confirming accept.
    pub(crate) fn parse(params: &mut Params, method: Option<String>) -> Result<Self, ApiError> {
        let off_session = params.boolean("off_session")?.unwrap_or(false);
        let return_url = params.text("return_url");
        params.boolean("use_stripe_sdk")?;
        params.boolean("error_on_requires_action")?;
        Ok(Self {
            method,
            off_session,
            return_url,
        })
    }
}

/// `POST /v1/payment_intents/{id}/confirm`.
///
/// # Errors
/// A malformed parameter, a state that forbids it, or 402 when the card is declined.
pub(crate) fn call(
    tx: &mut Tx<'_>,
    intent: &Arc<Intent>,
    mut params: Params,
) -> Result<Arc<Intent>, ApiError> {
    let method = params.text("payment_method");
    let usage = params.choice("setup_future_usage", &["off_session", "on_session"])?;
    let confirmation = Confirmation::parse(&mut params, method)?;
    params.finish()?;
    let mut changed = Intent::clone(intent);
    changed.setup_future_usage = usage.or(changed.setup_future_usage);
    confirm(tx, &Arc::new(changed), confirmation)
}

/// Confirms a payment.
///
/// # Errors
/// A state that forbids it, a missing method, or 402 when the card is declined.
pub(crate) fn confirm(
    tx: &mut Tx<'_>,
    intent: &Arc<Intent>,
    confirmation: Confirmation,
) -> Result<Arc<Intent>, ApiError> {
    match intent.status {
        IntentStatus::RequiresPaymentMethod
        | IntentStatus::RequiresConfirmation
        | IntentStatus::RequiresAction => {}
        IntentStatus::Processing
        | IntentStatus::RequiresCapture
        | IntentStatus::Succeeded
        | IntentStatus::Canceled => {
            let message = format!(
                "This PaymentIntent's payment_method could not be updated because it has a status \
                 of {}.",
                intent.status.as_str()
            );
            return Err(ApiError::illegal(UNEXPECTED, Some(intent.clone()), message).blameless());
        }
    }
    let Some(id) = confirmation
        .method
        .clone()
        .or_else(|| intent.payment_method.clone())
    else {
        let message = "You cannot confirm this PaymentIntent because it's missing a payment \
                       method. You can either update the PaymentIntent with a payment method and \
                       then confirm it again, or confirm it again directly with a payment method.";
        return Err(ApiError::illegal(UNEXPECTED, Some(intent.clone()), message));
    };
    let method = method(tx, &id, intent.about.customer.clone())?;
    let mut changed = Intent::clone(intent);
    changed.payment_method = Some(method.id.clone());
    changed.last_error = None;
    changed.next_action = None;
    match demand(&method, confirmation.off_session) {
        Demand::Challenge => Ok(challenge(tx, changed, confirmation.return_url)),
        Demand::Refuse => decline(tx, changed, &method, AUTHENTICATION_REQUIRED),
        Demand::Nothing => ask_issuer(tx, changed, &method, false),
    }
}

/// The method behind `id`: a test card becomes a fresh method, as Stripe copies it.
///
/// # Errors
/// `resource_missing` for anything else that is not known.
pub(crate) fn method(
    tx: &mut Tx<'_>,
    id: &str,
    customer: Option<String>,
) -> Result<Arc<PaymentMethod>, ApiError> {
    if let Some(known) = tx.state.methods.get(id) {
        return Ok(known.clone());
    }
    let missing = || ApiError::missing_param("PaymentMethod", id, "payment_method");
    let card = Card::parse(id).ok_or_else(missing)?;
    let (id, created) = (tx.id("pm_"), tx.now());
    Ok(tx.put_method(PaymentMethod {
        id,
        card,
        created,
        customer,
        set_up: false,
    }))
}

/// What the method demands of the customer.
enum Demand {
    Nothing,
    Challenge,
    /// A challenge, but the customer is not there.
    Refuse,
}

fn demand(method: &PaymentMethod, off_session: bool) -> Demand {
    match (method.card.challenge, off_session) {
        (Challenge::Never, _) | (Challenge::OnSession, true) => Demand::Nothing,
        (Challenge::UntilSetUp, true) if method.set_up => Demand::Nothing,
        (Challenge::Always | Challenge::UntilSetUp, true) => Demand::Refuse,
        (Challenge::Always | Challenge::UntilSetUp | Challenge::OnSession, false) => {
            Demand::Challenge
        }
    }
}

fn challenge(tx: &mut Tx<'_>, mut intent: Intent, return_url: Option<String>) -> Arc<Intent> {
    let url = format!("{}/_sim/pages/challenge/{}", tx.base_url, intent.id);
    intent.status = IntentStatus::RequiresAction;
    intent.next_action = Some(NextAction { url, return_url });
    let intent = tx.put_intent(intent);
    tx.emit(
        "payment_intent.requires_action",
        Subject::Intent(intent.clone()),
    );
    intent
}

/// Ends a challenge, passed or failed.
///
/// # Errors
/// When no challenge is open, or 402 when the issuer declines after it.
pub(crate) fn complete_challenge(
    tx: &mut Tx<'_>,
    intent: &Arc<Intent>,
    passed: bool,
) -> Result<Arc<Intent>, ApiError> {
    let method = intent
        .payment_method
        .as_ref()
        .and_then(|id| tx.state.methods.get(id))
        .cloned();
    let (IntentStatus::RequiresAction, Some(method)) = (intent.status, method) else {
        let message = format!("No challenge is open: status {}", intent.status.as_str());
        return Err(ApiError::illegal(UNEXPECTED, Some(intent.clone()), message).blameless());
    };
    let mut changed = Intent::clone(intent);
    changed.next_action = None;
    if !passed {
        return Ok(authentication_failed(tx, changed, method));
    }
    if changed.setup_future_usage.as_deref() == Some("off_session") {
        tx.put_method(PaymentMethod {
            set_up: true,
            ..PaymentMethod::clone(&method)
        });
    }
    ask_issuer(tx, changed, &method, true)
}

fn authentication_failed(
    tx: &mut Tx<'_>,
    mut intent: Intent,
    method: Arc<PaymentMethod>,
) -> Arc<Intent> {
    intent.status = IntentStatus::RequiresPaymentMethod;
    intent.payment_method = None;
    intent.last_error = Some(PaymentError {
        kind: "invalid_request_error".to_owned(),
        code: "payment_intent_authentication_failure".to_owned(),
        decline_code: None,
        message: "The provided PaymentMethod has failed authentication. You can provide \
                  payment_method_data or a new PaymentMethod to attempt to fulfill this \
                  PaymentIntent again."
            .to_owned(),
        charge: None,
        payment_method: method,
    });
    let intent = tx.put_intent(intent);
    tx.emit(
        "payment_intent.payment_failed",
        Subject::Intent(intent.clone()),
    );
    intent
}

/// Asks the issuer, at once or after a while when approvals are slow.
fn ask_issuer(
    tx: &mut Tx<'_>,
    mut intent: Intent,
    method: &Arc<PaymentMethod>,
    authenticated: bool,
) -> Result<Arc<Intent>, ApiError> {
    let (left, seconds) = tx.state.slow_approvals;
    if left == 0 {
        return decide(tx, intent, method, authenticated);
    }
    tx.state.slow_approvals.0 = left - 1;
    intent.status = IntentStatus::Processing;
    let intent = tx.put_intent(intent);
    tx.emit("payment_intent.processing", Subject::Intent(intent.clone()));
    tx.later(
        seconds,
        Job::Decide {
            intent: intent.id.clone(),
            authenticated,
        },
    );
    Ok(intent)
}

/// The issuer's answer for a payment that was processing.
pub(crate) fn decide_processing(tx: &mut Tx<'_>, id: &str, authenticated: bool) {
    let Some(intent) = tx.state.intents.get(id).cloned() else {
        return;
    };
    let method = intent
        .payment_method
        .as_ref()
        .and_then(|id| tx.state.methods.get(id))
        .cloned();
    if let (IntentStatus::Processing, Some(method)) = (intent.status, method)
        && let Err(error) = decide(tx, Intent::clone(&intent), &method, authenticated)
    {
        tracing::debug!(
            intent.id = id,
            reason = error.message(),
            "declined while processing"
        );
    }
}

fn decide(
    tx: &mut Tx<'_>,
    intent: Intent,
    method: &Arc<PaymentMethod>,
    authenticated: bool,
) -> Result<Arc<Intent>, ApiError> {
    match method.card.outcome {
        Outcome::Approve => Ok(approve(tx, intent, method, authenticated)),
        Outcome::Decline(codes) => decline(tx, intent, method, codes),
    }
}

fn approve(
    tx: &mut Tx<'_>,
    mut intent: Intent,
    method: &Arc<PaymentMethod>,
    authenticated: bool,
) -> Arc<Intent> {
    let now = tx.now();
    let mut charge = new_charge(tx, &intent, method);
    charge.authenticated = authenticated;
    intent.latest_charge = Some(charge.id.clone());
    if intent.manual_capture {
        charge.capture_before = Some(now + AUTHORISATION_SECONDS);
        intent.status = IntentStatus::RequiresCapture;
        intent.amount_capturable = intent.amount;
        tx.later(
            seconds(AUTHORISATION_SECONDS),
            Job::Lapse {
                intent: intent.id.clone(),
            },
        );
    } else {
        charge.captured_at = Some(now);
        charge.amount_captured = intent.amount;
        intent.status = IntentStatus::Succeeded;
        intent.amount_received = intent.amount;
        let idempotency_key = tx.key();
        intent.captures.push(Capture {
            amount: intent.amount,
            at: now,
            idempotency_key,
        });
    }
    if method.card.aftermath == Aftermath::Review {
        let review = risk::new_mark(tx, "prv_", &charge);
        charge.review = Some(review.id.clone());
        intent.review = Some(review.id.clone());
        let review = tx.put_review(review);
        tx.emit("review.opened", Subject::Review(review));
    }
    let captured = charge.captured_at.is_some();
    let charge = tx.put_charge(charge);
    let intent = tx.put_intent(intent);
    tx.emit("charge.succeeded", Subject::Charge(charge.clone()));
    if captured {
        tx.emit("payment_intent.succeeded", Subject::Intent(intent.clone()));
        risk::after_capture(tx, &charge);
    } else {
        tx.emit(
            "payment_intent.amount_capturable_updated",
            Subject::Intent(intent.clone()),
        );
    }
    intent
}

fn decline(
    tx: &mut Tx<'_>,
    mut intent: Intent,
    method: &Arc<PaymentMethod>,
    codes: Decline,
) -> Result<Arc<Intent>, ApiError> {
    let mut charge = new_charge(tx, &intent, method);
    let message = methods::message(codes).to_owned();
    charge.failure = Some(Failure {
        code: codes.code.to_owned(),
        decline_code: codes.decline_code.to_owned(),
        message: message.clone(),
        blocked: method.card.aftermath == Aftermath::Blocked,
    });
    intent.latest_charge = Some(charge.id.clone());
    intent.status = IntentStatus::RequiresPaymentMethod;
    intent.payment_method = None;
    intent.last_error = Some(PaymentError {
        kind: "card_error".to_owned(),
        code: codes.code.to_owned(),
        decline_code: Some(codes.decline_code.to_owned()),
        message,
        charge: Some(charge.id.clone()),
        payment_method: method.clone(),
    });
    let charge = tx.put_charge(charge);
    let intent = tx.put_intent(intent);
    tx.emit("charge.failed", Subject::Charge(charge.clone()));
    tx.emit(
        "payment_intent.payment_failed",
        Subject::Intent(intent.clone()),
    );
    Err(ApiError::declined(codes, &charge, intent))
}

fn new_charge(tx: &mut Tx<'_>, intent: &Intent, method: &Arc<PaymentMethod>) -> Charge {
    Charge {
        id: tx.id("ch_"),
        number: 0,
        intent: intent.id.clone(),
        amount: intent.amount,
        currency: intent.currency.clone(),
        created: tx.now(),
        about: intent.about.clone(),
        method: method.clone(),
        failure: None,
        authenticated: false,
        captured_at: None,
        amount_captured: 0,
        amount_refunded: 0,
        capture_before: None,
        released: false,
        dispute: None,
        review: None,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a span of days is exact in a double"
)]
fn seconds(span: i64) -> f64 {
    span as f64
}

/// The former status, for `previous_attributes`.
pub(crate) fn previous_status(status: IntentStatus) -> serde_json::Value {
    json!({ "status": status.as_str() })
}
