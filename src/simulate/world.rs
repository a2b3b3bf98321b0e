//! What all orders of a played day share, and how a life can end early.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::day::Day;
use super::fleet::Fleet;
use super::stage::{OpenShop, Scene};
use super::tally::Outcome;
use crate::client::{CallError, Courier, Dispatcher};

/// Desks of staff who send couriers: each may call the API some twenty times a second.
pub(super) const DESKS: usize = 8;

/// What all orders of the day share.
pub(super) struct World<'day> {
    /// The day.
    pub(super) day: &'day Day,
    /// The marketplace.
    pub(super) scene: &'day Scene,
    /// When second 0 of the day is.
    pub(super) midnight: DateTime<Utc>,
    /// Shops in the day's order.
    pub(super) shops: Vec<OpenShop>,
    /// Staff who send couriers.
    pub(super) desks: Vec<Dispatcher>,
    /// Couriers' whereabouts.
    pub(super) fleet: Fleet,
    /// Couriers' sessions, opened when first needed.
    pub(super) couriers: Vec<OnceCell<(Uuid, Courier)>>,
}

/// Why a life ended before its time.
pub(super) enum Stop {
    /// The order has ended, as its events say.
    Ended(Outcome),
    /// The order has ended, as the API says in these problem details.
    Refused(Outcome, Value),
    /// Something that should work did not.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Stop {
    fn from(fault: anyhow::Error) -> Self {
        Self::Failed(fault)
    }
}

impl From<CallError> for Stop {
    fn from(fault: CallError) -> Self {
        Self::Failed(fault.into())
    }
}

impl World<'_> {
    /// Seconds after the day's midnight.
    pub(super) fn now_s(&self) -> i64 {
        (self.scene.clock.now() - self.midnight).num_seconds()
    }

    /// Waits for a second of the day.
    pub(super) async fn until(&self, second: i64) {
        self.scene
            .clock
            .sleep_until(self.midnight + TimeDelta::seconds(second))
            .await;
    }
}
