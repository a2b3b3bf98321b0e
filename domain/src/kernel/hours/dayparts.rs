//! What holds for a part of the hours only: named ranges that sections of a menu refer to, and when the last order is
//! taken.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DayRange, Opening, OpeningRange, WeeklyHours, first_after, holding, on_weekday};
use crate::kernel::key::Key;
use crate::kernel::quantity::Minutes;
use crate::kernel::tax::FulfilmentKind;
use crate::kernel::time::TimeZone;

/// A named part of the week, for instance lunch. It holds whether the shop is open or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Daypart {
    /// The shop's key for it, which sections of its menu name.
    #[schema(inline)]
    pub key: Key,
    /// Its ranges of every week, in the shop's time.
    pub ranges: Vec<OpeningRange>,
}

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

crate::collect_struct!(Daypart { key, ranges });
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

impl Daypart {
    /// The range that holds at an instant, as instants.
    pub fn range_at(&self, zone: TimeZone, at: DateTime<Utc>) -> Option<Opening> {
        holding(|date| self.ranges_on(date), zone, at)
    }

    /// The next instant after `at` at which it begins or ends to hold; none when it never does.
    pub fn changes_after(&self, zone: TimeZone, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let begins = first_after(|date| self.ranges_on(date), zone, at);
        let ends = self.range_at(zone, at).map(|range| range.closes);
        begins.into_iter().chain(ends).min()
    }

    fn ranges_on(&self, date: NaiveDate) -> Vec<DayRange> {
        on_weekday(&self.ranges, date)
    }
}

impl WeeklyHours {
    /// The daypart of this key.
    pub fn daypart(&self, key: &Key) -> Option<&Daypart> {
        self.0.dayparts.iter().find(|daypart| daypart.key == *key)
    }

    /// Whether what is served in a daypart is served at an instant. A daypart that the shop does not have any more
    /// limits nothing.
    pub fn serves(&self, daypart: &Key, zone: TimeZone, at: DateTime<Utc>) -> bool {
        self.daypart(daypart)
            .is_none_or(|daypart| daypart.range_at(zone, at).is_some())
    }

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
