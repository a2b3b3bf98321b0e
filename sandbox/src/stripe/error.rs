//! Stripe's errors: what refuses a call, as the body Stripe sends, with what it means for us.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::methods::{self, Decline};
use super::model::{Charge, Intent, PaymentMethod};
use super::render;

/// A refused call.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    kind: &'static str,
    code: Option<&'static str>,
    message: String,
    param: Option<Box<str>>,
    intent: Option<Arc<Intent>>,
    declined: Option<Box<Declined>>,
    /// Whether the call had begun, so that its idempotency key keeps this answer.
    pub(crate) stored: bool,
    /// The sort of breach of Stripe's contract that this is, if it is one.
    pub(crate) breach: Option<&'static str>,
}

/// What a decline says further.
#[derive(Debug)]
struct Declined {
    decline_code: &'static str,
    charge: String,
    method: Arc<PaymentMethod>,
}

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            code: None,
            message: message.into(),
            param: None,
            intent: None,
            declined: None,
            stored: false,
            breach: None,
        }
    }

    /// 400 for a malformed parameter; nothing was begun.
    pub(crate) fn invalid(code: &'static str, param: &str, message: impl Into<String>) -> Self {
        let breach = Some("invalid_request");
        let (code, param) = (Some(code), Some(param.into()));
        let plain = Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message);
        Self {
            code,
            param,
            breach,
            ..plain
        }
    }

    /// 400 for a call that is malformed as a whole.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        let plain = Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message);
        Self {
            breach: Some("invalid_request"),
            ..plain
        }
    }

    /// 401: no key, or not ours.
    pub(crate) fn unauthenticated(message: impl Into<String>) -> Self {
        let plain = Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", message);
        Self {
            breach: Some("authentication"),
            ..plain
        }
    }

    /// 403: the key may not do that. The status for a publishable key is **unconfirmed**.
    pub(crate) fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        let plain = Self::new(StatusCode::FORBIDDEN, "invalid_request_error", message);
        Self {
            code: Some(code),
            breach: Some("authentication"),
            ..plain
        }
    }

    /// 404 for an address that does not exist.
    pub(crate) fn no_route(method: &http::Method, path: &str) -> Self {
        let message = format!(
            "Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or \
             we can help at https://support.stripe.com/."
        );
        let plain = Self::new(StatusCode::NOT_FOUND, "invalid_request_error", message);
        Self {
            breach: Some("unknown_route"),
            ..plain
        }
    }

    /// 404 for an object in the path that does not exist. Reading it is no breach: after a lost
    /// answer that is how we find out.
    pub(crate) fn missing(noun: &str, id: &str) -> Self {
        let message = format!("No such {noun}: '{id}'");
        let plain = Self::new(StatusCode::NOT_FOUND, "invalid_request_error", message);
        Self {
            code: Some("resource_missing"),
            param: Some("id".into()),
            ..plain
        }
    }

    /// 400 for an object named in a parameter that does not exist.
    pub(crate) fn missing_param(noun: &str, id: &str, param: &str) -> Self {
        let message = format!("No such {noun}: '{id}'");
        Self {
            breach: None,
            ..Self::invalid("resource_missing", param, message)
        }
    }

    /// 400 for a move that the object's state forbids.
    pub(crate) fn illegal(
        code: &'static str,
        intent: Option<Arc<Intent>>,
        message: impl Into<String>,
    ) -> Self {
        let plain = Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message);
        let breach = Some("illegal_move");
        Self {
            code: Some(code),
            intent,
            stored: true,
            breach,
            ..plain
        }
    }

    /// The same error where the vendor's side made the move impossible: no breach of ours.
    pub(crate) fn blameless(self) -> Self {
        Self {
            breach: None,
            ..self
        }
    }

    /// The same error, counted as a breach of this sort.
    pub(crate) fn counted_as(self, class: &'static str) -> Self {
        Self {
            breach: Some(class),
            ..self
        }
    }

    /// 402: the card was declined.
    pub(crate) fn declined(decline: Decline, charge: &Charge, intent: Arc<Intent>) -> Self {
        let message = methods::message(decline);
        let plain = Self::new(StatusCode::PAYMENT_REQUIRED, "card_error", message);
        Self {
            code: Some(decline.code),
            intent: Some(intent),
            declined: Some(Box::new(Declined {
                decline_code: decline.decline_code,
                charge: charge.id.clone(),
                method: charge.method.clone(),
            })),
            stored: true,
            ..plain
        }
    }

    /// 400 for a key that was used for another call.
    pub(crate) fn key_reused(message: impl Into<String>) -> Self {
        let plain = Self::new(StatusCode::BAD_REQUEST, "idempotency_error", message);
        Self {
            breach: Some("idempotency_mismatch"),
            ..plain
        }
    }

    /// 409 while another call with the key is running.
    pub(crate) fn key_in_use(key: &str) -> Self {
        let message = format!(
            "There is currently another in-progress request using this Idempotent Key (that \
             probably means you submitted twice, and the other request is still going through): \
             {key}. Please try again later."
        );
        let plain = Self::new(StatusCode::CONFLICT, "idempotency_error", message);
        Self {
            code: Some("idempotency_key_in_use"),
            ..plain
        }
    }

    /// An error of Stripe's own, for faults.
    pub(crate) fn injected(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self {
                breach: None,
                ..Self::unauthenticated("Invalid API Key provided: sk_test_****")
            },
            StatusCode::TOO_MANY_REQUESTS => {
                let message = "Request rate limit exceeded. Learn more about rate limits here: \
                               https://stripe.com/docs/rate-limits.";
                let plain = Self::new(status, "invalid_request_error", message);
                Self {
                    code: Some("rate_limit"),
                    ..plain
                }
            }
            _ => {
                let message = "An unknown error occurred. Let us know at \
                               https://support.stripe.com/.";
                Self::new(status, "api_error", message)
            }
        }
    }

    /// The body; with `public` the payment inside is cut down for a publishable key.
    pub(crate) fn body(&self, public: bool) -> Value {
        let mut error = json!({ "message": self.message, "type": self.kind });
        if let Some(code) = self.code {
            error["code"] = json!(code);
            let page = code.replace('_', "-");
            error["doc_url"] = json!(format!("https://stripe.com/docs/error-codes/{page}"));
        }
        if let Some(param) = &self.param {
            error["param"] = json!(param);
        }
        if let Some(intent) = &self.intent {
            let whole = render::intent(intent);
            error["payment_intent"] = if public { render::public(whole) } else { whole };
        }
        if let Some(declined) = &self.declined {
            error["decline_code"] = json!(declined.decline_code);
            error["charge"] = json!(declined.charge);
            error["payment_method"] = render::payment_method(&declined.method);
        }
        json!({ "error": error })
    }

    /// What was wrong, in Stripe's words.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}
