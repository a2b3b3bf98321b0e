//! Who may call: keys, versions, content type, idempotency. What they may call is in `routes`.

use std::sync::PoisonError;

use axum::body::Bytes;
use http::{Method, StatusCode};

use super::error::ApiError;
use super::idempotency::{KEY_MAX, Stored};
use super::model::Cause;
use super::params::Params;
use super::{API_VERSION, Stripe, routes};
use crate::call::{Answer, Call};
use crate::form;
use crate::record::Breach;
use crate::world::Done;

/// Which of the account's keys the caller has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Our backend.
    Secret,
    /// A customer's browser.
    Publishable,
}

/// A call that may run.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) params: Params,
    pub(crate) caller: Caller,
    key: Option<String>,
    request_id: String,
    version: String,
}

/// Checks a call and claims its idempotency key.
///
/// # Errors
/// The answer, when the call is refused or replayed.
pub(super) fn admit(stripe: &Stripe, call: &Call) -> Result<Work, Box<Answer>> {
    let request_id = stripe.world.random.id("req_", 14);
    let refuse = |error: &ApiError| {
        report(stripe, error, call.method.as_str(), &call.path);
        let answer = Answer::json(error.status, &error.body(false));
        let key = call.header("idempotency-key");
        Box::new(finished(answer, &request_id, API_VERSION, key))
    };
    let work = checked(stripe, call, &request_id).map_err(|error| refuse(&error))?;
    let Some(key) = &work.key else {
        return Ok(work);
    };
    let fingerprint = work.params.fingerprint();
    let now = stripe.world.clock.now();
    match stripe.keys.begin(key, &work.path, &fingerprint, now) {
        Ok(None) => Ok(work),
        Ok(Some(kept)) => Err(Box::new(replayed(kept, &work.version, key, &request_id))),
        Err(error) => Err(refuse(&error)),
    }
}

/// Carries a call out and keeps its answer under its key.
pub(super) fn work(stripe: &Stripe, work: Work, saved: Option<&Answer>) -> Done {
    let Work {
        method,
        path,
        params,
        caller,
        key,
        request_id,
        version,
    } = work;
    let now = stripe.world.clock.now();
    let cause = Cause {
        request_id: request_id.clone(),
        idempotency_key: key.clone(),
    };
    let (result, deliver_first) = stripe.transact(now, Some(cause), |tx| {
        routes::run(tx, &method, &path, params, caller)
    });
    let (answer, begun) = match result {
        Ok(value) => (Answer::json(StatusCode::OK, &value), true),
        Err(error) => {
            if caller == Caller::Secret {
                report(stripe, &error, method.as_str(), &path);
            }
            let body = error.body(caller == Caller::Publishable);
            (Answer::json(error.status, &body), error.stored)
        }
    };
    if let Some(key) = &key {
        if begun || saved.is_some() {
            let kept = stored(saved.unwrap_or(&answer), &request_id);
            if let Some(kept) = stripe.keys.keep(key, kept, now) {
                stripe.world.journal.note("key", &kept);
            }
        } else {
            stripe.keys.free(key);
        }
    }
    let answer = finished(answer, &request_id, &version, key.as_deref());
    Done {
        answer,
        deliver_first,
    }
}

/// Everything that is checked before the idempotency key.
fn checked(stripe: &Stripe, call: &Call, request_id: &str) -> Result<Work, ApiError> {
    let sent = String::from_utf8_lossy(&call.body);
    let joint = if call.query.is_empty() || sent.is_empty() {
        ""
    } else {
        "&"
    };
    let caller = caller(stripe, call, &sent)?;
    let version = version(call)?;
    if let Some(account) = call.header("stripe-account") {
        return Err(ApiError::forbidden(
            "account_invalid",
            format!(
                "The provided key does not have access to account '{account}' (or that account \
                 does not exist). Application access may have been revoked."
            ),
        ));
    }
    if call.method == Method::POST && !call.body.is_empty() {
        let kind = call.header("content-type").unwrap_or_default();
        if !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(ApiError::bad_request(format!(
                "Invalid request (check that your POST content type is \
                 application/x-www-form-urlencoded, not '{kind}')."
            )));
        }
    }
    let key = key(stripe, call, caller)?;
    Ok(Work {
        method: call.method.clone(),
        path: call.path.clone(),
        params: Params::parse(&format!("{}{joint}{sent}", call.query)),
        caller,
        key,
        request_id: request_id.to_owned(),
        version,
    })
}

/// Whose key it is: in the `Authorization` header, or as Stripe.js sends it, in `key`.
fn caller(stripe: &Stripe, call: &Call, sent: &str) -> Result<Caller, ApiError> {
    let bearer = call
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let given = bearer
        .map(|key| key.trim().to_owned())
        .or_else(|| form::first(sent, "key"))
        .or_else(|| form::first(&call.query, "key"));
    let Some(given) = given else {
        return Err(ApiError::unauthenticated(
            "You did not provide an API key. You need to provide your API key in the \
             Authorization header, using Bearer auth (e.g. 'Authorization: Bearer \
             YOUR_SECRET_KEY').",
        ));
    };
    let secret = stripe
        .secret_key
        .read()
        .unwrap_or_else(PoisonError::into_inner);
    if given == *secret {
        Ok(Caller::Secret)
    } else if given == stripe.publishable_key {
        Ok(Caller::Publishable)
    } else {
        let shown: String = given.chars().take(8).collect();
        Err(ApiError::unauthenticated(format!(
            "Invalid API Key provided: {shown}****"
        )))
    }
}

/// The API version asked for; a malformed one is refused.
fn version(call: &Call) -> Result<String, ApiError> {
    let Some(version) = call.header("stripe-version") else {
        return Ok(API_VERSION.to_owned());
    };
    let date = version.split('.').next().unwrap_or_default();
    if chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").is_ok() {
        return Ok(version.to_owned());
    }
    Err(ApiError::bad_request(format!(
        "Invalid Stripe API version: {version}"
    )))
}

/// The idempotency key of a POST. Our backend must always send one: Stripe does not insist, but
/// without it a repeat after a lost answer would charge twice.
fn key(stripe: &Stripe, call: &Call, caller: Caller) -> Result<Option<String>, ApiError> {
    if call.method != Method::POST {
        return Ok(None);
    }
    let key = call.header("idempotency-key").filter(|key| !key.is_empty());
    match key {
        Some(key) if key.chars().count() > KEY_MAX => Err(ApiError::bad_request(format!(
            "Idempotency keys can be up to {KEY_MAX} characters; yours has {}.",
            key.chars().count()
        ))),
        Some(key) => Ok(Some(key.to_owned())),
        None => {
            if caller == Caller::Secret {
                let detail = "a POST without Idempotency-Key".to_owned();
                breach(
                    stripe,
                    "missing_idempotency_key",
                    detail,
                    call.method.as_str(),
                    &call.path,
                );
            }
            Ok(None)
        }
    }
}

fn report(stripe: &Stripe, error: &ApiError, method: &str, path: &str) {
    if let Some(class) = error.breach {
        breach(stripe, class, error.message().to_owned(), method, path);
    }
}

fn breach(stripe: &Stripe, class: &'static str, detail: String, method: &str, path: &str) {
    let at = stripe.world.clock.now();
    stripe.world.record.breach(Breach {
        at,
        class,
        detail,
        request: format!("{method} {path}"),
    });
}

/// The answer with the headers that Stripe always sends.
fn finished(answer: Answer, request_id: &str, version: &str, key: Option<&str>) -> Answer {
    let in_use = answer.status == StatusCode::CONFLICT;
    let answer = answer
        .with("request-id", request_id)
        .with("stripe-version", version);
    let answer = match key {
        Some(key) => answer
            .with("idempotency-key", key)
            .with("original-request", request_id),
        None => answer,
    };
    if in_use {
        answer.with("stripe-should-retry", "true")
    } else {
        answer
    }
}

fn stored(answer: &Answer, request_id: &str) -> Stored {
    let kind = answer
        .headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    Stored {
        status: answer.status.as_u16(),
        content_type: kind.unwrap_or("application/json").to_owned(),
        body: String::from_utf8_lossy(&answer.body).into_owned(),
        request_id: request_id.to_owned(),
    }
}

fn replayed(kept: Stored, version: &str, key: &str, request_id: &str) -> Answer {
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let answer = Answer::new(status, "application/json", Bytes::from(kept.body));
    finished(answer, request_id, version, Some(key))
        .with("content-type", &kept.content_type)
        .with("original-request", &kept.request_id)
        .with("idempotent-replayed", "true")
}
