//! What changes an order after it was placed: something is short, cooked or made again, later than promised, brought to a
//! door that was put right, or fetched after all.

mod amend;
mod door;
mod refire;
mod remake;
mod short;
mod stock;

use chrono::{DateTime, Utc};

use super::event::{FaultParty, OrderEvent};
use super::rejection::OrderRejection;
use super::rules;
use super::state::OrderBody;
use crate::kernel::actor::Actor;
use crate::kernel::quantity::Minutes;
use crate::kernel::text::Reason;

pub(super) use door::Door;
pub(super) use refire::Refire;
pub(super) use remake::Again;
pub(super) use short::Reported;
pub(super) use stock::Lacking;

impl OrderBody {
    /// The promise moves with the kitchen, and never back.
    pub(super) fn delay(
        &self,
        prep: Minutes,
        reason: Reason,
        party: FaultParty,
        now: DateTime<Utc>,
    ) -> Result<OrderEvent, OrderRejection> {
        rules::prep_in_range(prep)?;
        let start = self.accepted_at.unwrap_or(now);
        let promise = self.promised(prep, start);
        if promise.latest <= self.promise.latest {
            return Err(OrderRejection::NotLater {
                latest: self.promise.latest,
            });
        }
        Ok(OrderEvent::PromiseMoved {
            prep_minutes: prep,
            promise,
            reason,
            party,
            at: now,
        })
    }

    /// The courier is undone and what bringing it costs goes back.
    pub(super) fn switch_to_pickup(
        &self,
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<OrderEvent, OrderRejection> {
        rules::is_theirs(self, &by)?;
        rules::is_delivery(self)?;
        let bill = self
            .bill
            .without_delivery()
            .ok_or(OrderRejection::AmountOverflow)?;
        let bill = match self.fired_at {
            Some(_) => bill,
            None => bill.eaten_here(),
        };
        Ok(OrderEvent::SwitchedToPickup {
            by,
            bill: Box::new(bill),
            at: now,
        })
    }
}
