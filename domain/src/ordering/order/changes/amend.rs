//! Something else is ordered instead, before anything is begun.

use chrono::{DateTime, Utc};

use super::super::event::{Amendment, FaultParty, OrderEvent};
use super::super::rejection::OrderRejection;
use super::super::rules;
use super::super::state::OrderBody;
use crate::kernel::actor::Actor;
use crate::kernel::money::Money;
use crate::kernel::quantity::Minutes;
use crate::kernel::text::Reason;
use crate::ordering::quote::Promise;

impl OrderBody {
    /// The order is another one, within what may be taken; when that takes longer, the promise moves.
    pub(in super::super) fn amended(
        &self,
        amendment: Box<Amendment>,
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<Vec<OrderEvent>, OrderRejection> {
        rules::is_theirs(self, &by)?;
        if self.shorts.iter().any(|found| found.outcome.is_none()) {
            return Err(OrderRejection::ShortOpen);
        }
        rules::is_within(self.authorised(), amendment.bill.total)?;
        let moved = self.rescheduled(&amendment, now);
        let moved = moved.or_else(|| self.slower(&amendment, now));
        let amended = OrderEvent::Amended {
            amendment,
            by,
            at: now,
        };
        Ok(std::iter::once(amended).chain(moved).collect())
    }

    /// Whether it is so already: the same lines and amounts, to the same door, in the same window.
    pub(in super::super) fn is_amended(&self, amendment: &Amendment) -> bool {
        let elsewhere = amendment.address.is_some();
        let another_time = amendment.schedule.is_some() && amendment.schedule != self.schedule;
        self.bill == amendment.bill && !elsewhere && !another_time
    }

    /// What may be taken at most: what was authorised, and once the shop has the order, what was asked for.
    fn authorised(&self) -> Money {
        if self.accepted_at.is_some() {
            self.bill.total
        } else {
            self.terms.total
        }
    }

    /// Another window is another promise.
    fn rescheduled(&self, amendment: &Amendment, now: DateTime<Utc>) -> Option<OrderEvent> {
        let promise = amendment.schedule?.window.promise();
        (promise != self.promise).then(|| moved(amendment.minutes.prep, promise, now))
    }

    /// More to cook, or a longer way, is promised from now on; less never moves a promise.
    fn slower(&self, amendment: &Amendment, now: DateTime<Utc>) -> Option<OrderEvent> {
        let minutes = amendment.minutes;
        let promise = match self.schedule {
            Some(_) => self.promised(minutes.prep, now),
            None => minutes.starting(now),
        };
        if minutes.min <= self.minutes.min || promise.latest <= self.promise.latest {
            return None;
        }
        let waited = self
            .accepted_at
            .map_or(0, |at| (now - at).num_minutes().max(0));
        let waited = u32::try_from(waited).unwrap_or(u32::MAX);
        let prep = Minutes::new(minutes.prep.get().saturating_add(waited));
        Some(moved(prep, promise, now))
    }
}

fn moved(prep_minutes: Minutes, promise: Promise, now: DateTime<Utc>) -> OrderEvent {
    OrderEvent::PromiseMoved {
        prep_minutes,
        promise,
        reason: Reason::parse("amended").expect("a constant text"),
        party: FaultParty::Customer,
        at: now,
    }
}
