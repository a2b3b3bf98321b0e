//! Which call does what, and which of them a publishable key may make.

use std::sync::Arc;

use http::Method;
use serde_json::Value;

use super::calls::{cancel, capture, charges, confirm, create, events, expand, intents, refunds};
use super::desk::Caller;
use super::error::ApiError;
use super::model::Intent;
use super::params::Params;
use super::store::{State, Tx};
use super::{balance, render};

/// Carries out one call of the API.
///
/// # Errors
/// Stripe's refusal.
pub(crate) fn run(
    tx: &mut Tx<'_>,
    method: &Method,
    path: &str,
    mut params: Params,
    caller: Caller,
) -> Result<Value, ApiError> {
    let nowhere = || ApiError::no_route(method, path);
    let Some(rest) = path.strip_prefix("/v1/") else {
        return Err(nowhere());
    };
    let segments: Vec<&str> = rest.split('/').collect();
    let expand = params.list("expand");
    let mut value = if caller == Caller::Publishable {
        public(tx, method, &segments, params)?
    } else if method == Method::POST {
        change(tx, &segments, params)?.ok_or_else(nowhere)?
    } else if method == Method::GET {
        read(tx, &segments, params)?.ok_or_else(nowhere)?
    } else {
        return Err(nowhere());
    };
    expand::expand(tx.state, &mut value, &expand)?;
    Ok(value)
}

/// POST with the secret key; `None` when there is no such address.
fn change(tx: &mut Tx<'_>, segments: &[&str], params: Params) -> Result<Option<Value>, ApiError> {
    let intent = match segments {
        ["payment_intents"] => create::create(tx, params)?,
        ["payment_intents", id] => create::update(tx, &changed_intent(tx.state, id)?, params)?,
        ["payment_intents", id, "confirm"] => {
            confirm::call(tx, &changed_intent(tx.state, id)?, params)?
        }
        ["payment_intents", id, "capture"] => {
            capture::call(tx, &changed_intent(tx.state, id)?, params)?
        }
        ["payment_intents", id, "cancel"] => {
            cancel::call(tx, &changed_intent(tx.state, id)?, params)?
        }
        ["refunds"] => return Ok(Some(render::refund(&*refunds::create(tx, params)?))),
        _ => return Ok(None),
    };
    Ok(Some(render::intent(&intent)))
}

/// GET with the secret key; `None` when there is no such address.
fn read(tx: &Tx<'_>, segments: &[&str], mut params: Params) -> Result<Option<Value>, ApiError> {
    let state = &*tx.state;
    let value = match segments {
        ["payment_intents"] => intents::list(state, params)?,
        ["charges"] => charges::list(state, params)?,
        ["refunds"] => refunds::list(state, params)?,
        ["events"] => events::list(state, params, || tx.world.webhooks.unconfirmed())?,
        ["balance"] => balance::balance(state),
        [resource, id] => {
            params.text("client_secret");
            params.finish()?;
            return one(state, resource, id);
        }
        ["radar", "early_fraud_warnings", id] => {
            let found = state
                .fraud_warnings
                .get(*id)
                .map(|found| render::fraud_warning(found));
            found.ok_or_else(|| ApiError::missing("early_fraud_warning", id))?
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

/// One object; `None` when there is no such kind.
fn one(state: &State, resource: &str, id: &str) -> Result<Option<Value>, ApiError> {
    let (noun, found) = match resource {
        "payment_intents" => (
            "payment_intent",
            state.intents.get(id).map(|found| render::intent(found)),
        ),
        "charges" => (
            "charge",
            state.charges.get(id).map(|found| render::charge(found)),
        ),
        "refunds" => (
            "refund",
            state.refunds.get(id).map(|found| render::refund(found)),
        ),
        "events" => (
            "event",
            state.events.get(id).map(|found| render::event(found)),
        ),
        "payment_methods" => (
            "payment_method",
            state
                .methods
                .get(id)
                .map(|found| render::payment_method(found)),
        ),
        "disputes" => (
            "dispute",
            state.disputes.get(id).map(|found| render::dispute(found)),
        ),
        "reviews" => (
            "review",
            state.reviews.get(id).map(|found| render::review(found)),
        ),
        "balance_transactions" => ("balance transaction", balance::transaction(state, id)),
        _ => return Ok(None),
    };
    found.map(Some).ok_or_else(|| ApiError::missing(noun, id))
}

/// What a browser may do: read and confirm a payment whose client secret it has.
fn public(
    tx: &mut Tx<'_>,
    method: &Method,
    segments: &[&str],
    mut params: Params,
) -> Result<Value, ApiError> {
    params.text("key");
    params.text("_stripe_version");
    let (id, confirmed) = match (method, segments) {
        (&Method::GET, ["payment_intents", id]) => (id, false),
        (&Method::POST, ["payment_intents", id, "confirm"]) => (id, true),
        _ => {
            return Err(ApiError::forbidden(
                "secret_key_required",
                "This API call cannot be made with a publishable API key. Please use a secret API \
                 key. You can find a list of your API keys at \
                 https://dashboard.stripe.com/account/apikeys.",
            ));
        }
    };
    let secret = params.required("client_secret")?;
    let intent = intent(tx.state, id)?;
    if intent.client_secret != secret {
        return Err(ApiError::invalid(
            "payment_intent_invalid_parameter",
            "client_secret",
            "The client_secret provided does not match the client_secret associated with the \
             PaymentIntent.",
        ));
    }
    let intent = if confirmed {
        confirm::call(tx, &intent, params)?
    } else {
        params.finish()?;
        intent
    };
    Ok(render::public(render::intent(&intent)))
}

fn intent(state: &State, id: &str) -> Result<Arc<Intent>, ApiError> {
    state
        .intents
        .get(id)
        .cloned()
        .ok_or_else(|| ApiError::missing("payment_intent", id))
}

/// The payment that a call wants to change: naming one that never was is a breach.
fn changed_intent(state: &State, id: &str) -> Result<Arc<Intent>, ApiError> {
    intent(state, id).map_err(|error| error.counted_as("unknown_object"))
}
