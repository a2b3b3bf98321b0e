//! `POST /v1/payment_intents` and its update.

use std::sync::Arc;

use crate::record::Breach;
use crate::stripe::calls::confirm::{self, Confirmation};
use crate::stripe::error::ApiError;
use crate::stripe::model::{About, Intent, IntentStatus, Subject};
use crate::stripe::params::Params;
use crate::stripe::store::Tx;

/// Largest amount in minor units: eight digits (docs.stripe.com/currencies).
const AMOUNT_MAX: i64 = 99_999_999;

/// Smallest charge by currency, in minor units (docs.stripe.com/currencies, minimum amounts).
/// Other currencies are converted by Stripe; here one minor unit is enough for them.
const AMOUNT_MIN: &[(&str, i64)] = &[
    ("usd", 50),
    ("aed", 200),
    ("aud", 50),
    ("brl", 50),
    ("cad", 50),
    ("chf", 50),
    ("czk", 1500),
    ("dkk", 250),
    ("eur", 50),
    ("gbp", 30),
    ("hkd", 400),
    ("huf", 17500),
    ("inr", 50),
    ("jpy", 50),
    ("mxn", 1000),
    ("myr", 200),
    ("nok", 300),
    ("nzd", 50),
    ("pln", 200),
    ("ron", 200),
    ("sek", 300),
    ("sgd", 50),
    ("thb", 1000),
];

/// Presentment currencies (docs.stripe.com/currencies).
const CURRENCIES: &str = "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd \
    bnd bob brl bsd bwp byn bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur \
    fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl hrk htg huf idr ils inr isk jmd jod jpy kes kgs \
    khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr \
    mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr \
    sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst \
    xaf xcd xof xpf yer zar zmw";

/// Creates a payment, and confirms it when asked to.
///
/// # Errors
/// A malformed parameter, or the outcome of confirming.
pub(crate) fn create(tx: &mut Tx<'_>, mut params: Params) -> Result<Arc<Intent>, ApiError> {
    let amount = params.required_integer("amount")?;
    let currency = currency(&params.required("currency")?)?;
    check_amount(amount, &currency)?;
    let capture_method = params
        .choice(
            "capture_method",
            &["automatic", "automatic_async", "manual"],
        )?
        .unwrap_or_else(|| "automatic_async".to_owned());
    let confirmation_method = params
        .choice("confirmation_method", &["automatic", "manual"])?
        .unwrap_or_else(|| "automatic".to_owned());
    let types = params.list("payment_method_types");
    let enabled = params.boolean("automatic_payment_methods[enabled]")?;
    params.choice(
        "automatic_payment_methods[allow_redirects]",
        &["always", "never"],
    )?;
    check_types(&types, enabled)?;
    let setup_future_usage = params.choice("setup_future_usage", &["off_session", "on_session"])?;
    let about = about(&mut params, About::default())?;
    let method = params.text("payment_method");
    let confirmed = params.boolean("confirm")?.unwrap_or(false);
    let confirmation = Confirmation::parse(&mut params, None)?;
    params.finish()?;

    let customer = about.customer.clone();
    let method = method
        .map(|id| confirm::method(tx, &id, customer))
        .transpose()?;
    let id = tx.id("pi_");
    let intent = tx.put_intent(Intent {
        client_secret: tx.world.random.id(&format!("{id}_secret_"), 25),
        id,
        number: 0,
        amount,
        currency,
        status: match method {
            Some(_) => IntentStatus::RequiresConfirmation,
            None => IntentStatus::RequiresPaymentMethod,
        },
        manual_capture: capture_method == "manual",
        capture_method,
        confirmation_method,
        // Since version 2023-08-16 the dashboard's methods are the default.
        automatic_methods: enabled.unwrap_or(types.is_empty()),
        created: tx.now(),
        about,
        setup_future_usage,
        payment_method: method.as_ref().map(|method| method.id.clone()),
        next_action: None,
        last_error: None,
        latest_charge: None,
        amount_capturable: 0,
        amount_received: 0,
        canceled_at: None,
        cancellation_reason: None,
        review: None,
        captures: Vec::new(),
        keys: Vec::new(),
    });
    notice_second_attempt(tx, &intent);
    tx.emit("payment_intent.created", Subject::Intent(intent.clone()));
    if confirmed {
        return confirm::confirm(tx, &intent, confirmation);
    }
    Ok(intent)
}

/// Changes a payment that has not been confirmed to its end.
///
/// # Errors
/// A malformed parameter, or a payment whose state forbids the change.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    intent: &Arc<Intent>,
    mut params: Params,
) -> Result<Arc<Intent>, ApiError> {
    let amount = params.integer("amount")?;
    let method = params.text("payment_method");
    let mut changed = Intent::clone(intent);
    changed.about = about(&mut params, changed.about)?;
    params.finish()?;
    let open = matches!(
        intent.status,
        IntentStatus::RequiresPaymentMethod
            | IntentStatus::RequiresConfirmation
            | IntentStatus::RequiresAction
    );
    if (amount.is_some() || method.is_some()) && !open {
        let message = format!(
            "This PaymentIntent's amount and payment method could not be updated because it has a \
             status of {}.",
            intent.status.as_str()
        );
        let code = "payment_intent_unexpected_state";
        return Err(ApiError::illegal(code, Some(intent.clone()), message));
    }
    if let Some(amount) = amount {
        check_amount(amount, &intent.currency)?;
        changed.amount = amount;
    }
    if let Some(id) = method {
        let method = confirm::method(tx, &id, changed.about.customer.clone())?;
        changed.payment_method = Some(method.id.clone());
        changed.status = IntentStatus::RequiresConfirmation;
    }
    Ok(tx.put_intent(changed))
}

/// What the integrator says about the payment; fields not given keep their value.
fn about(params: &mut Params, before: About) -> Result<About, ApiError> {
    let mut metadata = before.metadata;
    metadata.extend(params.metadata()?);
    metadata.retain(|_, value| !value.is_empty());
    Ok(About {
        customer: params.text("customer").or(before.customer),
        description: params.text("description").or(before.description),
        receipt_email: params.text("receipt_email").or(before.receipt_email),
        metadata,
        transfer_group: params.text("transfer_group").or(before.transfer_group),
        statement_descriptor: params
            .text("statement_descriptor")
            .or(before.statement_descriptor),
        statement_descriptor_suffix: params
            .text("statement_descriptor_suffix")
            .or(before.statement_descriptor_suffix),
        shipping: params.tree("shipping").or(before.shipping),
    })
}

fn currency(text: &str) -> Result<String, ApiError> {
    let lower = text.to_lowercase();
    if CURRENCIES.split(' ').any(|known| known == lower) {
        return Ok(lower);
    }
    let message = format!("Invalid currency: {text}.");
    Err(ApiError::invalid(
        "parameter_invalid_value",
        "currency",
        message,
    ))
}

fn check_amount(amount: i64, currency: &str) -> Result<(), ApiError> {
    let least = AMOUNT_MIN
        .iter()
        .find(|(known, _)| *known == currency)
        .map_or(1, |(_, min)| *min);
    if amount < 1 {
        let message = "This value must be greater than or equal to 1.";
        return Err(ApiError::invalid(
            "parameter_invalid_integer",
            "amount",
            message,
        ));
    }
    if amount < least {
        let message = format!("Amount must be at least {least} {currency} in minor units");
        return Err(ApiError::invalid("amount_too_small", "amount", message));
    }
    if amount > AMOUNT_MAX {
        let message = format!("Amount must be no more than {AMOUNT_MAX} {currency}");
        return Err(ApiError::invalid("amount_too_large", "amount", message));
    }
    Ok(())
}

fn check_types(types: &[String], automatic: Option<bool>) -> Result<(), ApiError> {
    if automatic == Some(true) && !types.is_empty() {
        return Err(ApiError::bad_request(
            "You may only specify one of these parameters: automatic_payment_methods, \
             payment_method_types.",
        ));
    }
    match types.iter().find(|kind| *kind != "card") {
        None => Ok(()),
        Some(kind) => {
            let message = format!("The payment method type \"{kind}\" is invalid.");
            Err(ApiError::invalid(
                "parameter_invalid_value",
                "payment_method_types",
                message,
            ))
        }
    }
}

/// A second payment for one attempt of one order is how a customer is charged twice: after a lost
/// answer the same key must be used. Stripe cannot notice that, so the sandbox does.
fn notice_second_attempt(tx: &mut Tx<'_>, intent: &Intent) {
    let metadata = &intent.about.metadata;
    let (Some(order), Some(attempt)) = (metadata.get("order_id"), metadata.get("attempt")) else {
        return;
    };
    let place = (order.clone(), attempt.clone());
    if let Some(first) = tx.state.attempts.insert(place, intent.id.clone()) {
        tx.world.record.breach(Breach {
            at: tx.at,
            class: "duplicate_effect",
            detail: format!(
                "order {order}, attempt {attempt}: {first} and {}",
                intent.id
            ),
            request: "POST /v1/payment_intents".to_owned(),
        });
    }
}
