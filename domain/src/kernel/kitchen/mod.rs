//! How much a kitchen can boil: baskets over slots of ten minutes, what is booked in them, and the earliest slots left.
//!
//! A bowl takes a basket of the boiler for as long as its noodles cook, so a slot offers *baskets × 600* seconds, which
//! are *baskets × 600 ÷ cook seconds* bowls. An order that fits into one slot boils in one; a larger one boils in waves,
//! in as many consecutive slots as an idle kitchen would need. What is booked is kept by the inventory.

mod capacity;
mod work;

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::capacity::{Baskets, BowlCount, KitchenCapacity};
pub use self::work::{Free, KitchenWork, WAIT_STEP};
use super::quantity::{Minutes, Seconds};

/// How long a slot is.
pub const SLOT: Minutes = Minutes::new(10);
/// How long before the expiry of a new hold, which is minutes ahead of now, slots are over and forgotten: no payment timer
/// is as long.
const REMEMBERED: TimeDelta = TimeDelta::hours(3);
const SLOT_SECONDS: u32 = SLOT.get() * 60;

/// Bowls that cook equally long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// How many.
    pub bowls: u32,
    /// How long each is in the boiler.
    pub cook: Seconds,
}

/// What is booked in a slot.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema,
)]
pub struct SlotLoad {
    /// Bowls.
    pub bowls: u32,
    /// Seconds of baskets.
    pub basket_seconds: u32,
}

/// What an order has booked in one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct SlotBooking {
    /// When the slot begins.
    pub starts: DateTime<Utc>,
    /// How many of its bowls boil in it.
    pub bowls: u32,
    /// For how many seconds of baskets.
    pub basket_seconds: u32,
}

/// What an order has booked: one slot, or several in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct KitchenBooking {
    /// The slots, earliest first; at least one.
    pub slots: Vec<SlotBooking>,
}

/// What is booked in a kitchen, by the beginning of the slot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kitchen(BTreeMap<DateTime<Utc>, SlotLoad>);

/// The beginning of the slot in which an instant lies.
pub fn slot_of(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(SLOT.span()).unwrap_or(at)
}

impl KitchenBooking {
    /// When its first bowl goes into the boiler at the earliest.
    pub fn starts(&self) -> Option<DateTime<Utc>> {
        self.slots.first().map(|slot| slot.starts)
    }

    /// How much longer the last wave takes than the first: a slot for each wave after it.
    pub fn waves(&self) -> Minutes {
        let more = u32::try_from(self.slots.len().saturating_sub(1)).unwrap_or(u32::MAX);
        Minutes::new(more.saturating_mul(SLOT.get()))
    }
}

impl Kitchen {
    /// What is booked in the slot that begins then.
    pub fn load(&self, starts: DateTime<Utc>) -> SlotLoad {
        self.0.get(&starts).copied().unwrap_or_default()
    }

    /// Every slot in which something is booked, earliest first.
    pub fn slots(&self) -> impl Iterator<Item = (DateTime<Utc>, SlotLoad)> {
        self.0.iter().map(|(starts, load)| (*starts, *load))
    }

    /// The earliest slots that take these bowls, of those that begin in the slot of `from` or at most `within` later;
    /// nothing when there is none. Bowls that need no boiler count as bowls.
    pub fn earliest(
        &self,
        capacity: &KitchenCapacity,
        batches: &[Batch],
        from: DateTime<Utc>,
        within: Minutes,
    ) -> Option<KitchenBooking> {
        let slots = within.get() / SLOT.get();
        // What an idle kitchen cannot do by then, none can.
        let waves = Self::default().fill(capacity, batches, slot_of(from), slots)?;
        let waves = u32::try_from(waves.slots.len()).unwrap_or(u32::MAX) - 1;
        (0..=slots)
            .map(|number| later(slot_of(from), number))
            .find_map(|starts| self.fill(capacity, batches, starts, waves))
    }

    /// Puts bowls into the slot and the `more` that follow it, as early as they fit; nothing when they do not.
    fn fill(
        &self,
        capacity: &KitchenCapacity,
        batches: &[Batch],
        first: DateTime<Utc>,
        more: u32,
    ) -> Option<KitchenBooking> {
        let mut left = batches.to_vec();
        let mut slots = Vec::new();
        for number in 0..=more {
            let starts = later(first, number);
            let taken = capacity.take(self.load(starts), &mut left);
            if taken.bowls == 0 {
                return None;
            }
            slots.push(SlotBooking {
                starts,
                bowls: taken.bowls,
                basket_seconds: taken.basket_seconds,
            });
            if left.iter().all(|batch| batch.bowls == 0) {
                return Some(KitchenBooking { slots });
            }
        }
        None
    }

    /// Whether the booking still fits.
    pub fn fits(&self, capacity: &KitchenCapacity, booking: &KitchenBooking) -> bool {
        booking.slots.iter().all(|slot| {
            let load = self.load(slot.starts);
            let (seconds, bowls) = capacity.left(load);
            slot.basket_seconds <= seconds && slot.bowls <= bowls
        })
    }

    /// Notes a booking.
    pub fn book(&mut self, booking: &KitchenBooking) {
        for slot in &booking.slots {
            let load = self.0.entry(slot.starts).or_default();
            load.bowls = load.bowls.saturating_add(slot.bowls);
            load.basket_seconds = load.basket_seconds.saturating_add(slot.basket_seconds);
        }
    }

    /// Gives a booking back. What was forgotten stays forgotten.
    pub fn give_back(&mut self, booking: &KitchenBooking) {
        for slot in &booking.slots {
            if let Some(load) = self.0.get_mut(&slot.starts) {
                load.bowls = load.bowls.saturating_sub(slot.bowls);
                load.basket_seconds = load.basket_seconds.saturating_sub(slot.basket_seconds);
                if *load == SlotLoad::default() {
                    self.0.remove(&slot.starts);
                }
            }
        }
    }

    /// Forgets the slots that are over when a hold that expires then is opened.
    pub fn forget_over(&mut self, expires_at: DateTime<Utc>) {
        self.0 = self.0.split_off(&(expires_at - REMEMBERED));
    }
}

/// The slot so many slots after another.
fn later(starts: DateTime<Utc>, slots: u32) -> DateTime<Utc> {
    starts + TimeDelta::minutes(i64::from(slots) * i64::from(SLOT.get()))
}

#[cfg(test)]
mod tests;
