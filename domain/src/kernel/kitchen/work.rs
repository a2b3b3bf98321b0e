//! The times of an order in a kitchen: alone, and after what is booked already.

use chrono::{DateTime, Utc};

use super::{Batch, Kitchen, KitchenBooking, KitchenCapacity, SLOT};
use crate::kernel::flags::Flags;
use crate::kernel::quantity::{Minutes, Seconds};

/// Waiting is promised in steps of so many minutes, so that not every minute makes another promise.
pub const WAIT_STEP: u32 = 5;

/// An order as the kitchen sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KitchenWork {
    /// The bowls, by how long they cook.
    pub batches: Vec<Batch>,
    /// How long packing takes, one bowl after the other.
    pub packing: Seconds,
}

/// Slots that are free for an order, and how much later than usual it is ready with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Free {
    /// The slots.
    pub booking: KitchenBooking,
    /// How long the order waits, in steps of five minutes.
    pub wait: Minutes,
}

impl KitchenWork {
    /// One bowl as most are, when nothing is chosen yet.
    pub fn usual(flags: &Flags) -> Self {
        Self {
            batches: vec![Batch {
                bowls: 1,
                cook: flags.usual_cook,
            }],
            packing: flags.usual_pack,
        }
    }

    /// How many bowls.
    pub fn bowls(&self) -> u32 {
        self.batches
            .iter()
            .fold(0, |sum, batch| sum.saturating_add(batch.bowls))
    }

    /// From the order to ready, in a kitchen that does nothing else. A shop never promises faster than its usual time.
    pub fn prep(&self, flags: &Flags) -> Minutes {
        Minutes::new(self.finish().get().div_ceil(60)).max(flags.kitchen_prep)
    }

    /// From the order to ready in an idle kitchen, with all waves of a large order; nothing when that is beyond the
    /// horizon.
    pub fn lead(&self, capacity: Option<&KitchenCapacity>, flags: &Flags) -> Option<Minutes> {
        let waves = match capacity {
            Some(capacity) if self.bowls() > 0 => {
                let (idle, horizon) = (Kitchen::default(), flags.kitchen_horizon);
                let epoch = DateTime::UNIX_EPOCH;
                idle.earliest(capacity, &self.batches, epoch, horizon)?
                    .waves()
            }
            Some(_) | None => Minutes::new(0),
        };
        let prep = self.prep(flags).get();
        Some(Minutes::new(prep.saturating_add(waves.get())))
    }

    /// The earliest slots from which it is ready within a window of this length that begins at `ready`, with its lead.
    /// Nothing is put before `now`. A bowl may leave the boiler as late as its slot ends.
    pub fn ready_at(
        &self,
        kitchen: &Kitchen,
        capacity: &KitchenCapacity,
        (now, ready): (DateTime<Utc>, DateTime<Utc>),
        (lead, length): (Minutes, Minutes),
        flags: &Flags,
    ) -> Option<KitchenBooking> {
        let boils_at = ready - lead.span() + self.prep(flags).span() - self.finish().span();
        let within = Minutes::new(length.get().saturating_sub(SLOT.get()));
        kitchen.earliest(capacity, &self.batches, boils_at.max(now), within)
    }

    /// The earliest slots that are free for it; nothing when there are none within the horizon.
    pub fn earliest(
        &self,
        kitchen: &Kitchen,
        capacity: &KitchenCapacity,
        flags: &Flags,
        now: DateTime<Utc>,
    ) -> Option<Free> {
        // When the first bowl goes into the boiler if nothing is in its way.
        let boils_at = now + self.prep(flags).span() - self.finish().span();
        let horizon = flags.kitchen_horizon;
        let booking = kitchen.earliest(capacity, &self.batches, boils_at, horizon)?;
        let wait = wait(&booking, boils_at);
        Some(Free { booking, wait })
    }

    /// From the first bowl in the boiler to the last one sealed: bowls boil beside each other.
    fn finish(&self) -> Seconds {
        let slowest = self.batches.iter().map(|batch| batch.cook.get()).max();
        Seconds::new(slowest.unwrap_or(0).saturating_add(self.packing.get()))
    }
}

/// From the instant that was hoped for to the slot that was free, and the waves after the first, in steps.
fn wait(booking: &KitchenBooking, boils_at: DateTime<Utc>) -> Minutes {
    let seconds = booking
        .starts()
        .map_or(0, |starts| (starts - boils_at).num_seconds().max(0));
    let minutes = u32::try_from(seconds.unsigned_abs().div_ceil(60)).unwrap_or(u32::MAX);
    let minutes = minutes.saturating_add(booking.waves().get());
    Minutes::new(minutes.div_ceil(WAIT_STEP).saturating_mul(WAIT_STEP))
}
