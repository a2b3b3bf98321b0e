//! The faults a simulator can inject, as the control surface names them.
//!
//! `rules` decides when one strikes, `spoil` does it to an answer; connection-level faults are
//! carried out by `front` and `serve`, webhook faults by `webhooks`.

pub(crate) mod rules;
pub(crate) mod spoil;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One fault. In JSON an object with `name`, or just the name where nothing else is needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub(crate) enum Fault {
    /// Do the work, never answer.
    TimeoutAfterSuccess,
    /// Do nothing, never answer.
    TimeoutBefore,
    /// Do the work, then reset the connection.
    ResetAfterSuccess,
    /// Reset the connection at once.
    ResetBefore,
    /// Do the work, send half of the answer, reset the connection.
    ResetMidBody,
    /// Answer with `status`; `times` or `for` of the rule make the burst.
    StatusBurst {
        #[serde(default = "internal_server_error")]
        status: u16,
        /// Whether the work is done before the error is answered.
        #[serde(default)]
        executed: bool,
        /// Whether the error becomes the stored answer of the idempotency key. By default an
        /// executed 500 does and a gateway's 502, 503 or 504 does not.
        #[serde(default)]
        saved: Option<bool>,
        #[serde(default)]
        body: ErrorBody,
        /// Further answer headers, such as `stripe-should-retry`.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// Answer 429 without doing the work.
    RateLimit {
        #[serde(default)]
        retry_after: RetryAfter,
    },
    /// Do the work and send a body that cannot be read.
    MalformedBody {
        #[serde(default)]
        how: Malformed,
    },
    /// Send everything, head included, at this pace.
    SlowHeaders { bytes_per_second: u32 },
    /// Send the head at once and the body at this pace.
    SlowBody { bytes_per_second: u32 },
    /// Take this many simulated seconds for the work; the idempotency key is held meanwhile.
    SlowWork { seconds: f64 },
    /// Answer 401: once, or for as long as the same credentials come.
    Unauthorized {
        #[serde(default)]
        until_credentials_change: bool,
    },
    /// Do something to the webhook of a matching event.
    Webhook(WebhookFault),
}

/// What happens to a webhook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub(crate) enum WebhookFault {
    /// It never leaves.
    Lost,
    /// It leaves `copies` times more.
    Duplicated {
        #[serde(default = "one")]
        copies: u32,
    },
    /// It leaves this much later, in simulated seconds.
    Delayed { seconds: f64 },
    /// It waits until a later event has left.
    Reordered,
    /// It is delivered before the response of the call that causes it.
    BeforeResponse,
    /// It waits until the object has reached its end state and that has been delivered.
    AfterEndState,
    /// Its signed timestamp is this many seconds in the past.
    OldTimestamp {
        #[serde(default = "ten_minutes")]
        seconds: i64,
    },
    /// Its signed timestamp is this many seconds in the future.
    FutureTimestamp {
        #[serde(default = "ten_minutes")]
        seconds: i64,
    },
    /// Its signature is wrong.
    BadSignature,
    /// It is signed with the endpoint's previous secret alone, or an unknown one.
    OldSecret,
    /// It carries an event type that does not exist.
    UnknownEvent,
    /// It says the opposite about live mode.
    WrongLivemode,
    /// It comes with this many distinct events of the same content, at once.
    Flood {
        #[serde(default = "thousand")]
        count: u32,
    },
}

/// The body of an injected error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorBody {
    /// As the vendor's own application sends it.
    #[default]
    Vendor,
    /// A proxy's page.
    Html,
    /// Nothing.
    Empty,
}

/// The `Retry-After` header of an injected 429.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RetryAfter {
    /// `1`.
    #[default]
    Seconds,
    /// An HTTP date one second ahead.
    Date,
    /// No header.
    Absent,
    /// `86400`.
    Absurd,
}

/// How an injected body is broken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Malformed {
    /// The first half of the JSON text, with a matching length.
    #[default]
    Truncated,
    /// A page instead of JSON, with the answer's own status.
    Html,
    /// No body.
    Empty,
    /// Bytes that are no UTF-8.
    InvalidUtf8,
    /// The object without its `id`.
    FieldMissing,
    /// The first number as text.
    NumberAsText,
    /// Five mebibytes of padding inside the object.
    Huge,
}

impl Fault {
    /// The name by which the control surface knows it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::TimeoutAfterSuccess => "timeout_after_success",
            Self::TimeoutBefore => "timeout_before",
            Self::ResetAfterSuccess => "reset_after_success",
            Self::ResetBefore => "reset_before",
            Self::ResetMidBody => "reset_mid_body",
            Self::StatusBurst { .. } => "status_burst",
            Self::RateLimit { .. } => "rate_limit",
            Self::MalformedBody { .. } => "malformed_body",
            Self::SlowHeaders { .. } => "slow_headers",
            Self::SlowBody { .. } => "slow_body",
            Self::SlowWork { .. } => "slow_work",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Webhook(_) => "webhook",
        }
    }
}

fn internal_server_error() -> u16 {
    500
}

fn one() -> u32 {
    1
}

fn ten_minutes() -> i64 {
    600
}

fn thousand() -> u32 {
    1_000
}
