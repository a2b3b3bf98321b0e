//! An order for later is judged as one that is placed when its shop is asked: so early that it can be answered, cooked and
//! brought by the beginning of its window. It holds the kitchen of then, and no stock until then.

use chrono::{DateTime, SecondsFormat, Utc};

use super::Priced;
use super::promise::{Promised, check_size};
use crate::joint::Market;
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::kitchen::KitchenWork;
use crate::kernel::quantity::Minutes;
use crate::ordering::quote::PromiseMinutes;
use crate::ordering::window::{Schedule, Window};
use crate::restaurant::restaurant::{LiveShop, Zone};

/// A window that is asked for, and what decides whether it can be had.
pub(super) struct Wish<'a> {
    pub(super) window: Window,
    /// What is to be cooked.
    pub(super) work: KitchenWork,
    /// The zone that it is brought to; nothing when it is fetched, or cannot be brought.
    pub(super) zone: Option<&'a Zone>,
    pub(super) is_fetched: bool,
    pub(super) live: &'a LiveShop<'a>,
    /// How long before its shop is asked it must be ordered: so long there is to pay for it.
    pub(super) notice: Minutes,
}

impl Wish<'_> {
    /// When its shop is asked. What stands against the window is a fault of it.
    pub(super) fn schedule(&self, market: &Market<'_>, faults: &mut Faults) -> Option<Schedule> {
        let found = faults.0.len();
        let (window, now) = (self.window, market.now);
        let at = Pointer::root().at("fulfilment").at("window");
        let Some(lead) = self.lead(market) else {
            let detail = "this is more than the kitchen can do at once";
            faults.add("kitchen_full", &Pointer::root().at("restaurant"), detail);
            return None;
        };
        let before = lead.span() + market.flags.acceptance_timer.span();
        let earliest = now + self.notice.span() + before;
        if window.from() < earliest {
            let begins = earliest.to_rfc3339_opts(SecondsFormat::Secs, true);
            let detail =
                format!("the earliest window begins at {begins}; or order as soon as possible");
            faults.add("window_too_soon", &at, detail);
        }
        if window.to() > now + market.flags.schedule_horizon.span() {
            let days = market.flags.schedule_horizon.get() / (24 * 60);
            let detail = format!("orders are taken for at most {days} days ahead");
            faults.add("window_too_far", &at, detail);
        }
        if faults.0.len() > found {
            return None;
        }
        let release_at = window.from() - before;
        self.check_closing(release_at, &at, faults);
        Some(Schedule { window, release_at })
    }

    /// From the order to the door, or the counter.
    fn lead(&self, market: &Market<'_>) -> Option<Minutes> {
        let travel = travel(self.zone, market);
        let lead = self.work.lead(self.live.capacity, market.flags)?;
        Some(Minutes::new(lead.get().saturating_add(travel.get())))
    }

    /// Who fetches an order comes while the shop is open.
    fn check_closing(&self, asked_at: DateTime<Utc>, at: &Pointer, faults: &mut Faults) {
        let zone = self.live.profile.time_zone;
        let closes = self.live.hours.closes_at(zone, asked_at);
        if self.is_fetched && closes.is_some_and(|closes| self.window.to() > closes) {
            faults.add(
                "window_after_closing",
                at,
                "the shop closes before this window ends",
            );
        }
    }
}

/// How long the way takes.
pub(super) fn travel(zone: Option<&Zone>, market: &Market<'_>) -> Minutes {
    zone.map_or(market.flags.pickup_travel, |zone| zone.minutes)
}

impl Priced<'_> {
    /// The window, with the slots of the kitchen from which it can be kept.
    pub(super) fn promise_for(
        &self,
        schedule: &Schedule,
        work: &KitchenWork,
        market: &Market<'_>,
    ) -> Result<Promised, Faults> {
        let full = || {
            let mut faults = Faults::default();
            let at = Pointer::root().at("fulfilment").at("window");
            let detail = "the kitchen has all that it can do then; choose another window";
            faults.add("window_full", &at, detail);
            faults
        };
        let (window, travel) = (schedule.window, travel(self.zone, market));
        let lead = work
            .lead(self.live.capacity, market.flags)
            .ok_or_else(full)?;
        let kitchen = match self.live.capacity {
            Some(capacity) if work.bowls() > 0 => {
                check_size(capacity, work)?;
                let times = (market.now, window.from() - travel.span());
                let lengths = (lead, window.length());
                let kitchen = market.stock.kitchen();
                let booking = work.ready_at(kitchen, capacity, times, lengths, market.flags);
                Some(booking.ok_or_else(full)?)
            }
            Some(_) | None => None,
        };
        let min = lead.get().saturating_add(travel.get());
        let minutes = PromiseMinutes {
            min: Minutes::new(min),
            max: Minutes::new(min.saturating_add(window.length().get())),
            prep: lead,
            travel,
        };
        Ok(Promised { minutes, kitchen })
    }
}
