//! When the last order is taken: so long before closing, by how it reaches the customer.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::WeeklyHours;
use crate::kernel::quantity::Minutes;
use crate::kernel::tax::FulfilmentKind;
use crate::kernel::time::TimeZone;

/// How long before closing the last order is taken.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct LastOrder {
    /// To be delivered.
    #[serde(default)]
    #[schema(inline)]
    pub delivery: Minutes,
    /// To be fetched.
    #[serde(default)]
    #[schema(inline)]
    pub pickup: Minutes,
}

crate::collect_struct!(LastOrder {
    delivery = Minutes::default(),
    pickup = Minutes::default(),
});

impl LastOrder {
    /// Whether orders are taken until closing.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The minutes of a fulfilment.
    pub fn of(&self, kind: FulfilmentKind) -> Minutes {
        match kind {
            FulfilmentKind::Delivery => self.delivery,
            FulfilmentKind::Pickup => self.pickup,
        }
    }
}

impl WeeklyHours {
    /// The first instant at which no order is taken any more for this fulfilment, when the shop is open.
    pub fn last_order_at(
        &self,
        zone: TimeZone,
        at: DateTime<Utc>,
        kind: FulfilmentKind,
    ) -> Option<DateTime<Utc>> {
        let closes = self.closes_at(zone, at)?;
        Some(closes - self.0.last_order.of(kind).span())
    }

    /// Whether orders are taken at an instant.
    pub fn takes_orders(&self, zone: TimeZone, at: DateTime<Utc>, kind: FulfilmentKind) -> bool {
        self.last_order_at(zone, at, kind)
            .is_some_and(|last| at < last)
    }

    /// Whether an order that was checked out in time stands when it is paid at another instant: before the last order,
    /// or within `grace` of the checkout.
    pub fn order_stands(
        &self,
        zone: TimeZone,
        (checked_out, paid): (DateTime<Utc>, DateTime<Utc>),
        kind: FulfilmentKind,
        grace: Minutes,
    ) -> bool {
        let last = self.last_order_at(zone, checked_out, kind);
        last.is_some_and(|last| {
            checked_out < last && (paid < last || paid - checked_out <= grace.span())
        })
    }
}
