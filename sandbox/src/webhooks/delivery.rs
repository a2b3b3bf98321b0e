//! One event on its way to one endpoint.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Outgoing, Twist};
use crate::faults::WebhookFault;

/// An event on its way to an endpoint, with the attempts made.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub(super) event: Arc<dyn Outgoing>,
    /// Index of the endpoint.
    pub(super) endpoint: usize,
    pub(super) state: State,
    /// When the next attempt is due.
    pub(super) due: Option<DateTime<Utc>>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) twist: Twist,
    pub(super) forgery: Forgery,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// Leaves when it is due.
    Waiting,
    /// Leaves after a later delivery to the same endpoint.
    HeldForNext,
    /// Leaves after the end state of its object has been delivered.
    HeldForEnd,
    /// On the wire.
    Sending,
    /// Confirmed with a 2xx.
    Delivered,
    /// All attempts were used up.
    Failed,
    /// A fault swallowed it.
    Lost,
}

/// One attempt.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Attempt {
    pub(super) at: DateTime<Utc>,
    pub(super) status: Option<u16>,
    pub(super) error: Option<String>,
    pub(super) took_ms: u64,
}

/// What is wrong with the signature.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Forgery {
    /// Added to the signed time, in seconds.
    pub(super) shifted_seconds: i64,
    pub(super) bad_signature: bool,
    pub(super) old_secret: bool,
}

impl Delivery {
    /// A delivery that has not left, prepared as `fault` asks.
    pub(super) fn new(
        event: Arc<dyn Outgoing>,
        endpoint: usize,
        fault: Option<&WebhookFault>,
    ) -> Self {
        let mut twist = Twist::default();
        let mut forgery = Forgery::default();
        match fault {
            Some(WebhookFault::OldTimestamp { seconds }) => forgery.shifted_seconds = -seconds,
            Some(WebhookFault::FutureTimestamp { seconds }) => forgery.shifted_seconds = *seconds,
            Some(WebhookFault::BadSignature) => forgery.bad_signature = true,
            Some(WebhookFault::OldSecret) => forgery.old_secret = true,
            Some(WebhookFault::UnknownEvent) => twist.kind = Some("sandbox.unheard_of"),
            Some(WebhookFault::WrongLivemode) => twist.wrong_livemode = true,
            Some(
                WebhookFault::Lost
                | WebhookFault::Duplicated { .. }
                | WebhookFault::Delayed { .. }
                | WebhookFault::Reordered
                | WebhookFault::BeforeResponse
                | WebhookFault::AfterEndState
                | WebhookFault::Flood { .. },
            )
            | None => {}
        }
        let (state, attempts) = (State::Waiting, Vec::new());
        Self {
            event,
            endpoint,
            state,
            due: None,
            attempts,
            twist,
            forgery,
        }
    }

    /// Whether nothing more will happen to it by itself.
    pub(super) fn is_finished(&self) -> bool {
        matches!(self.state, State::Delivered | State::Failed | State::Lost)
    }

    /// Whether it leaves by itself when it is due, or is on the wire.
    pub(super) fn is_under_way(&self) -> bool {
        matches!(self.state, State::Waiting | State::Sending)
    }

    /// Makes a delivery that waits for its first attempt due at `now`; false when it is already
    /// on its way.
    pub(super) fn leaves_at_once(&mut self, now: DateTime<Utc>) -> bool {
        let held = matches!(
            self.state,
            State::Waiting | State::HeldForNext | State::HeldForEnd
        );
        if held {
            self.state = State::Waiting;
            self.due = Some(now);
        }
        held
    }

    /// The delivery as the control surface shows it.
    pub(super) fn shown(&self, id: u64) -> Value {
        json!({
            "id": id, "event": self.twist.id.as_deref().unwrap_or(self.event.id()),
            "type": self.twist.kind.unwrap_or(self.event.kind()), "subject": self.event.subject(),
            "endpoint": self.endpoint, "state": self.state, "due": self.due,
            "attempts": self.attempts,
        })
    }
}
