//! When an order can be there: what its kitchen and its way take, after the bowls that were promised before it.
//!
//! A shop that says what its kitchen can do promises the earliest slots of its boiler that are free, and books them with
//! the stock. A shop that does not say so promises its usual time.

use super::Priced;
use super::later::travel;
use crate::joint::Market;
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::flags::Flags;
use crate::kernel::kitchen::{
    Batch, Free, KitchenBooking, KitchenCapacity, KitchenWork, SLOT, WAIT_STEP,
};
use crate::kernel::quantity::{Minutes, Seconds};
use crate::ordering::line::OrderLine;
use crate::ordering::quote::{PromiseMinutes, Quote, QuoteContent, QuoteId};

/// A promise, with what it books of the kitchen.
pub(in crate::joint) struct Promised {
    pub(in crate::joint) minutes: PromiseMinutes,
    pub(in crate::joint) kitchen: Option<KitchenBooking>,
}

impl Priced<'_> {
    /// The kitchen's time and the way's; a full kitchen is later by as long as the order waits for the boiler. Of an order
    /// for later, its window.
    pub(super) fn promise(&self, market: &Market<'_>) -> Result<Promised, Faults> {
        let work = work_of(self.lines.iter().map(|line| &line.line));
        match &self.schedule {
            Some(schedule) => self.promise_for(schedule, &work, market),
            None => promised(&work, travel(self.zone, market), self.live.capacity, market),
        }
    }
}

/// The kitchen's time for some work and the way's, with the earliest slots that are free.
pub(in crate::joint) fn promised(
    work: &KitchenWork,
    travel: Minutes,
    capacity: Option<&KitchenCapacity>,
    market: &Market<'_>,
) -> Result<Promised, Faults> {
    let free = match capacity {
        Some(capacity) if work.bowls() > 0 => Some(free(capacity, work, market)?),
        Some(_) | None => None,
    };
    let wait = free.as_ref().map_or(0, |free| free.wait.get());
    let prep = Minutes::new(work.prep(market.flags).get().saturating_add(wait));
    let min = prep.get().saturating_add(travel.get());
    let max = min.saturating_add(market.flags.promise_window.get());
    let minutes = PromiseMinutes {
        min: Minutes::new(min),
        max: Minutes::new(max),
        prep,
        travel,
    };
    let kitchen = free.map(|free| free.booking);
    Ok(Promised { minutes, kitchen })
}

/// These lines as the kitchen sees them.
pub(in crate::joint) fn work_of<'a>(
    lines: impl Iterator<Item = &'a OrderLine> + Clone,
) -> KitchenWork {
    let batch = |line: &OrderLine| {
        let cook = line.bowl.as_ref()?.cook_seconds;
        let bowls = line.quantity.get();
        Some(Batch { bowls, cook })
    };
    let packing = |line: &OrderLine| {
        let each = line.bowl.as_ref().map_or(0, |bowl| bowl.pack_seconds.get());
        each.saturating_mul(line.quantity.get())
    };
    KitchenWork {
        batches: lines.clone().filter_map(batch).collect(),
        packing: Seconds::new(lines.map(packing).fold(0, u32::saturating_add)),
    }
}

/// The earliest slots that are free, unless the order is too large or the kitchen full.
fn free(
    capacity: &KitchenCapacity,
    work: &KitchenWork,
    market: &Market<'_>,
) -> Result<Free, Faults> {
    check_size(capacity, work)?;
    let kitchen = market.stock.kitchen();
    work.earliest(kitchen, capacity, market.flags, market.now)
        .ok_or_else(|| {
            let mut faults = Faults::default();
            let detail = "the kitchen has all that it can do; try again later";
            faults.add("kitchen_full", &Pointer::root().at("restaurant"), detail);
            faults
        })
}

/// An order has no more bowls than its shop takes.
pub(super) fn check_size(capacity: &KitchenCapacity, work: &KitchenWork) -> Result<(), Faults> {
    let mut faults = Faults::default();
    if let Some(most) = capacity.max_bowls_per_order
        && work.bowls() > most.get()
    {
        let detail = format!("this shop takes orders of at most {} bowls", most.get());
        faults.add("too_many_bowls", &Pointer::root().at("lines"), detail);
    }
    faults.or(())
}

/// The quote that a customer agreed to, if it can be kept: the present one, or one that differs from it in nothing but a
/// later promise. Bowls before it were finished since, so what was promised still holds.
pub(in crate::joint) fn agreed(
    current: Quote,
    seen: QuoteId,
    flags: &Flags,
) -> Result<Quote, Box<Quote>> {
    if current.quote_id == seen {
        return Ok(current);
    }
    let content = &current.content;
    if content.kitchen.is_none() || content.schedule.is_some() {
        return Err(Box::new(current));
    }
    let longest = flags.kitchen_horizon.get().saturating_add(SLOT.get());
    let promise = (1..=longest / WAIT_STEP)
        .map(|steps| later(content.promise, steps * WAIT_STEP))
        .find(|promise| content.id_with(promise) == seen);
    match promise {
        Some(promise) => Ok(Quote::new(QuoteContent {
            promise,
            ..current.content
        })),
        None => Err(Box::new(current)),
    }
}

/// The same so many minutes later.
fn later(promise: PromiseMinutes, minutes: u32) -> PromiseMinutes {
    promise.with_prep(Minutes::new(promise.prep.get().saturating_add(minutes)))
}
