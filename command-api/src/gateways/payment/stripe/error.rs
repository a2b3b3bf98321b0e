//! What can go wrong with a call to Stripe, and which of the four outcomes that is.
//!
//! Source of the table: integrations §3, "Errors", after docs.stripe.com/error-low-level.

use std::fmt::Display;
use std::time::Duration;

use serde::Deserialize;
use stripe_client_core::StripeClientErr;

use crate::gateways::policy::{Again, Try};
use crate::gateways::{Outcome, Refusal};

/// The runner waits this long where Stripe does not say how long.
const NOT_DONE_PAUSE: Duration = Duration::from_secs(1);

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum StripeError {
    /// The HTTP client cannot be built.
    #[error("no HTTP client for Stripe")]
    Client(#[source] reqwest::Error),
    /// No connection: nothing was sent.
    #[error("cannot connect to Stripe")]
    NotSent(#[source] reqwest::Error),
    /// It was sent and the answer is missing or unreadable.
    #[error("no readable answer from Stripe: {0}")]
    Lost(String),
    /// Stripe answered with an error.
    #[error("Stripe answered {}", .0.status)]
    Answered(Box<ErrorAnswer>),
    /// The simulator answered where only the vendor may.
    #[error("the simulator answered in place of Stripe")]
    Sandbox,
}

/// Stripe's error, leniently: a body without it is not Stripe's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ErrorObject {
    /// The sort of error.
    #[serde(rename = "type")]
    pub kind: String,
    /// A stable word.
    pub code: Option<String>,
    /// The bank's word.
    pub decline_code: Option<String>,
}

/// The body of an error answer.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorBody {
    pub(super) error: ErrorObject,
}

/// An error answer, with the headers that say what to do about it.
#[derive(Debug, Default)]
pub struct ErrorAnswer {
    /// HTTP status.
    pub status: u16,
    /// The error, when the body is one of Stripe's.
    pub error: Option<ErrorObject>,
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
    /// `Stripe-Should-Retry`.
    pub should_retry: Option<bool>,
    /// `Idempotent-Replayed`: the answer is the stored one of an earlier call with the key.
    pub replayed: bool,
}

/// Codes that say that the object is not where the call expects it, often because an earlier call of
/// ours got through: the object is read, and decides.
const MOVED_ON: [&str; 5] = [
    "payment_intent_unexpected_state",
    "charge_already_captured",
    "charge_already_refunded",
    "charge_expired_for_capture",
    "resource_missing",
];

/// Codes that must not be told to whoever holds the card.
const NEUTRAL: [&str; 3] = ["lost_card", "stolen_card", "fraudulent"];

impl StripeError {
    /// Whether only a look at the object can tell what is true: a stored failure is repeated for its
    /// key for ever, and a refusal may be the echo of our own success.
    pub(super) fn needs_a_look(&self) -> bool {
        match self {
            Self::Answered(answer) => {
                let code = answer
                    .error
                    .as_ref()
                    .and_then(|error| error.code.as_deref());
                let stored_failure = answer.replayed && answer.status >= 500;
                stored_failure || code.is_some_and(|code| MOVED_ON.contains(&code))
            }
            Self::Client(_) | Self::NotSent(_) | Self::Lost(_) | Self::Sandbox => false,
        }
    }

    /// The refusal to give when the look shows that nothing has happened.
    pub(super) fn refusal(&self) -> Refusal {
        match self {
            Self::Answered(answer) => answer.refusal(),
            Self::Client(_) | Self::NotSent(_) | Self::Lost(_) => Refusal::new("vendor_error"),
            Self::Sandbox => Refusal::alarming("sandbox_in_production"),
        }
    }

    /// One try that ended like this.
    pub(super) fn into_try<T>(self) -> Try<T> {
        match self {
            Self::Client(_) | Self::NotSent(_) => Try {
                outcome: Outcome::NotDone {
                    after: NOT_DONE_PAUSE,
                    why: self.to_string().into(),
                },
                again: Again::Backoff,
                failed: true,
            },
            Self::Lost(_) => Try {
                outcome: Outcome::Unknown {
                    why: self.to_string().into(),
                },
                again: Again::Backoff,
                failed: true,
            },
            Self::Sandbox => Try {
                outcome: Outcome::Rejected(self.refusal()),
                again: Again::Never,
                failed: true,
            },
            Self::Answered(answer) => answer.into_try(),
        }
    }
}

impl StripeClientErr for StripeError {
    fn deserialize_err(message: impl Display) -> Self {
        Self::Lost(message.to_string())
    }
}

impl ErrorAnswer {
    fn into_try<T>(self) -> Try<T> {
        let why = || format!("Stripe answered {} {}", self.status, self.code());
        let again = match (self.should_retry, self.retry_after) {
            (Some(false), _) => Again::Never,
            (_, Some(after)) => Again::After(after),
            (_, None) => Again::Backoff,
        };
        let after = self.retry_after.unwrap_or(NOT_DONE_PAUSE);
        match (self.status, &self.error) {
            // Still running, or too many: this call did not run. The vendor is well.
            (409 | 429, _) => {
                let outcome = Outcome::NotDone {
                    after,
                    why: why().into(),
                };
                Try {
                    outcome,
                    again,
                    failed: false,
                }
            }
            (400..=404, Some(_)) => {
                let outcome = Outcome::Rejected(self.refusal());
                Try {
                    outcome,
                    again: Again::Never,
                    failed: false,
                }
            }
            // 408, 424, 5xx, and whatever is not Stripe's own word, such as a proxy's page.
            (_, _) => {
                let outcome = Outcome::Unknown { why: why().into() };
                Try {
                    outcome,
                    again,
                    failed: true,
                }
            }
        }
    }

    fn refusal(&self) -> Refusal {
        let credentials = matches!(self.status, 401 | 403);
        let kind = self.error.as_ref().map(|error| error.kind.as_str());
        let alarm = credentials || kind == Some("idempotency_error");
        Refusal {
            code: self.code().to_owned(),
            alarm,
        }
    }

    /// The most precise word that may be shown.
    fn code(&self) -> &str {
        let Some(error) = &self.error else {
            return "vendor_error";
        };
        let shown = |code: &&str| !NEUTRAL.contains(code);
        let decline = error.decline_code.as_deref().filter(shown);
        decline.or(error.code.as_deref()).unwrap_or(&error.kind)
    }
}

/// The word for a decline that may be kept and shown.
pub(super) fn shown_decline<'a>(decline: Option<&'a str>, code: Option<&'a str>) -> &'a str {
    let decline = decline.filter(|decline| !NEUTRAL.contains(decline));
    decline.or(code).unwrap_or("card_declined")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, kind: &str, code: Option<&str>) -> ErrorAnswer {
        let error = ErrorObject {
            kind: kind.to_owned(),
            code: code.map(str::to_owned),
            decline_code: None,
        };
        ErrorAnswer {
            status,
            error: Some(error),
            ..ErrorAnswer::default()
        }
    }

    fn outcome(answer: ErrorAnswer) -> Outcome<()> {
        StripeError::Answered(Box::new(answer)).into_try().outcome
    }

    #[test]
    fn the_table_of_the_design_holds() {
        let invalid = "invalid_request_error";
        for (status, name) in [
            (400, "rejected"),
            (401, "rejected"),
            (402, "rejected"),
            (403, "rejected"),
            (404, "rejected"),
            (408, "unknown"),
            (409, "not_done"),
            (424, "unknown"),
            (429, "not_done"),
            (500, "unknown"),
            (502, "unknown"),
            (503, "unknown"),
            (504, "unknown"),
        ] {
            assert_eq!(
                outcome(answered(status, invalid, None)).name(),
                name,
                "{status}"
            );
        }
    }

    #[test]
    fn a_refusal_that_is_not_stripes_own_decides_nothing() {
        let page = ErrorAnswer {
            status: 404,
            ..ErrorAnswer::default()
        };
        assert_eq!(outcome(page).name(), "unknown");
    }

    #[test]
    fn wrong_credentials_and_reused_keys_alarm() {
        let alarms = |answer: ErrorAnswer| answer.refusal().alarm;
        assert!(alarms(answered(401, "invalid_request_error", None)));
        assert!(alarms(answered(400, "idempotency_error", None)));
        assert!(!alarms(answered(402, "card_error", Some("card_declined"))));
    }

    #[test]
    fn a_stolen_card_is_only_declined() {
        let mut answer = answered(402, "card_error", Some("card_declined"));
        if let Some(error) = &mut answer.error {
            error.decline_code = Some("stolen_card".to_owned());
        }
        assert_eq!(answer.refusal().code, "card_declined");
        assert_eq!(
            shown_decline(Some("insufficient_funds"), None),
            "insufficient_funds"
        );
    }

    #[test]
    fn the_vendor_says_when_and_whether_to_come_back() {
        let late = ErrorAnswer {
            retry_after: Some(Duration::from_secs(7)),
            ..answered(429, "rate_limit", None)
        };
        let tried: Try<()> = late.into_try();
        assert_eq!(tried.again, Again::After(Duration::from_secs(7)));
        let never = ErrorAnswer {
            should_retry: Some(false),
            ..answered(500, "api_error", None)
        };
        assert_eq!(never.into_try::<()>().again, Again::Never);
    }

    #[test]
    fn a_replayed_failure_and_an_unexpected_state_are_looked_into() {
        let replayed = ErrorAnswer {
            replayed: true,
            ..answered(500, "api_error", None)
        };
        assert!(StripeError::Answered(Box::new(replayed)).needs_a_look());
        let moved = answered(
            400,
            "invalid_request_error",
            Some("charge_already_captured"),
        );
        assert!(StripeError::Answered(Box::new(moved)).needs_a_look());
        let fresh = answered(500, "api_error", None);
        assert!(!StripeError::Answered(Box::new(fresh)).needs_a_look());
    }
}
