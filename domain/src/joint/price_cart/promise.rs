//! When an order can be there: what its kitchen and its way take, after the bowls that were promised before it.
//!
//! A shop that says what its kitchen can do promises the earliest slots of its boiler that are free, and books them with
//! the stock. A shop that does not say so promises its usual time.

use chrono::{DateTime, Utc};

use super::Priced;
use crate::joint::Market;
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::flags::Flags;
use crate::kernel::kitchen::{Batch, KitchenBooking, KitchenCapacity, SLOT};
use crate::kernel::quantity::{Minutes, Seconds};
use crate::ordering::line::OrderLine;
use crate::ordering::quote::{PromiseMinutes, Quote, QuoteContent, QuoteId};

/// Waiting is promised in steps of so many minutes, so that not every minute makes another quote.
const STEP: u32 = 5;

/// A promise, with what it books of the kitchen.
pub(super) struct Promised {
    pub(super) minutes: PromiseMinutes,
    pub(super) kitchen: Option<KitchenBooking>,
}

/// The times of an order in a kitchen that does nothing else.
struct Work {
    /// The bowls, by how long they cook.
    batches: Vec<Batch>,
    /// From the first bowl in the boiler to the last one sealed.
    finish: Seconds,
    /// From the order to ready.
    prep: Minutes,
}

impl Priced<'_> {
    /// Bowls boil beside each other and are packed one after the other; a shop never promises faster than its usual
    /// time, and a full kitchen later by as long as the order waits for the boiler.
    pub(super) fn promise(&self, market: &Market<'_>) -> Result<Promised, Faults> {
        let work = self.work(market.flags);
        let booked = match self.live.capacity {
            Some(capacity) if work.bowls() > 0 => Some(booking(capacity, &work, market).map_err(
                |(code, at, detail)| {
                    let mut faults = Faults::default();
                    faults.add(code, &Pointer::root().at(at), detail);
                    faults
                },
            )?),
            Some(_) | None => None,
        };
        let (kitchen, wait) = match booked {
            Some((booking, wait)) => (Some(booking), wait),
            None => (None, Minutes::default()),
        };
        let travel = self
            .zone
            .map_or(market.flags.pickup_travel, |zone| zone.minutes);
        let prep = Minutes::new(work.prep.get().saturating_add(wait.get()));
        let min = prep.get().saturating_add(travel.get());
        let max = min.saturating_add(market.flags.promise_window.get());
        let minutes = PromiseMinutes {
            min: Minutes::new(min),
            max: Minutes::new(max),
            prep,
            travel,
        };
        Ok(Promised { minutes, kitchen })
    }

    fn work(&self, flags: &Flags) -> Work {
        let orders = || self.lines.iter().map(|line| &line.line);
        let batch = |line: &OrderLine| {
            let cook = line.bowl.as_ref()?.cook_seconds;
            Some(Batch {
                bowls: line.quantity.get(),
                cook,
            })
        };
        let packing = |line: &OrderLine| {
            let each = line.bowl.as_ref().map_or(0, |bowl| bowl.pack_seconds.get());
            each.saturating_mul(line.quantity.get())
        };
        let batches: Vec<Batch> = orders().filter_map(batch).collect();
        let slowest = batches.iter().map(|batch| batch.cook.get()).max();
        let finish = orders()
            .map(packing)
            .fold(slowest.unwrap_or(0), u32::saturating_add);
        Work {
            batches,
            finish: Seconds::new(finish),
            prep: Minutes::new(finish.div_ceil(60)).max(flags.kitchen_prep),
        }
    }
}

impl Work {
    fn bowls(&self) -> u32 {
        self.batches
            .iter()
            .fold(0, |sum, batch| sum.saturating_add(batch.bowls))
    }

    /// When the first bowl goes into the boiler if nothing is in its way.
    fn boils_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + self.prep.span() - self.finish.span()
    }
}

/// The earliest slots that are free, and how much longer than usual the order takes with them.
fn booking(
    capacity: &KitchenCapacity,
    work: &Work,
    market: &Market<'_>,
) -> Result<(KitchenBooking, Minutes), (&'static str, &'static str, String)> {
    let bowls = work.bowls();
    if let Some(most) = capacity.max_bowls_per_order
        && bowls > most.get()
    {
        let detail = format!("this shop takes orders of at most {} bowls", most.get());
        return Err(("too_many_bowls", "lines", detail));
    }
    let boils_at = work.boils_at(market.now);
    let booking = market
        .stock
        .kitchen()
        .earliest(
            capacity,
            &work.batches,
            boils_at,
            market.flags.kitchen_horizon,
        )
        .ok_or_else(|| {
            let detail = "the kitchen has all that it can do; try again later".to_owned();
            ("kitchen_full", "restaurant", detail)
        })?;
    let wait = wait(&booking, boils_at);
    Ok((booking, wait))
}

/// From the instant that was hoped for to the slot that was free, and the waves after the first, in steps.
fn wait(booking: &KitchenBooking, boils_at: DateTime<Utc>) -> Minutes {
    let seconds = booking
        .starts()
        .map_or(0, |starts| (starts - boils_at).num_seconds().max(0));
    let minutes = u32::try_from(seconds.unsigned_abs().div_ceil(60)).unwrap_or(u32::MAX);
    let minutes = minutes.saturating_add(booking.waves().get());
    Minutes::new(minutes.div_ceil(STEP).saturating_mul(STEP))
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
    if current.content.kitchen.is_none() {
        return Err(Box::new(current));
    }
    let longest = flags.kitchen_horizon.get().saturating_add(SLOT.get());
    (1..=longest / STEP)
        .map(|steps| Quote::new(later(&current.content, steps * STEP)))
        .find(|quote| quote.quote_id == seen)
        .ok_or_else(|| Box::new(current))
}

/// The same with a promise so many minutes later.
fn later(content: &QuoteContent, minutes: u32) -> QuoteContent {
    let prep = Minutes::new(content.promise.prep.get().saturating_add(minutes));
    QuoteContent {
        promise: content.promise.with_prep(prep),
        ..content.clone()
    }
}
