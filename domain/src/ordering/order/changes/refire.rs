//! Bowls are cooked once more before they leave: what was boiled is waste, and their clocks start anew.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::super::event::{FaultParty, OrderEvent};
use super::super::rejection::OrderRejection;
use super::super::rules;
use super::super::state::{BowlClock, OrderBody};
use crate::kernel::quantity::Minutes;
use crate::kernel::text::Reason;
use crate::ordering::line::{BowlRef, BowlSpec};

/// Bowls that are to be cooked once more.
pub(in super::super) struct Refire {
    pub(in super::super) name: Uuid,
    pub(in super::super) bowls: Vec<BowlRef>,
    pub(in super::super) reason: Reason,
    pub(in super::super) fault: FaultParty,
    pub(in super::super) most: u32,
}

impl OrderBody {
    /// The bowls go back into the boiler; when that is later than promised, the promise moves.
    pub(in super::super) fn refire(
        &self,
        wanted: Refire,
        now: DateTime<Utc>,
    ) -> Result<Vec<OrderEvent>, OrderRejection> {
        rules::may_refire(self, wanted.most)?;
        let bowls = self.begun(wanted.bowls)?;
        let stays = |clock: &&BowlClock| !bowls.contains(&clock.bowl_ref());
        let others = self.bowls.iter().filter(stays);
        let moved = self.later_by(&bowls, &wanted.reason, wanted.fault, now);
        let refired = OrderEvent::Refired {
            refire: wanted.name,
            slurp_deadline: others.filter_map(|clock| clock.deadline).min(),
            bowls,
            reason: wanted.reason,
            fault: wanted.fault,
            at: now,
        };
        Ok(std::iter::once(refired).chain(moved).collect())
    }

    /// The bowls that are meant, each once: all that are begun when none is named.
    fn begun(&self, named: Vec<BowlRef>) -> Result<Vec<BowlRef>, OrderRejection> {
        let is_begun = |clock: &BowlClock| clock.boiled_at.is_some() || clock.sealed_at.is_some();
        if named.is_empty() {
            let begun = self.bowls.iter().filter(|clock| is_begun(clock));
            let begun: Vec<_> = begun.map(BowlClock::bowl_ref).collect();
            return if begun.is_empty() {
                Err(OrderRejection::NoBowls)
            } else {
                Ok(begun)
            };
        }
        let bowls = rules::each_once(named);
        for bowl in &bowls {
            let clock = self.bowl(*bowl)?;
            if !is_begun(clock) {
                return Err(OrderRejection::BowlNotBoiled { bowl: *bowl });
            }
        }
        Ok(bowls)
    }

    /// When the bowls cannot be packed in time any more: the later promise.
    fn later_by(
        &self,
        bowls: &[BowlRef],
        reason: &Reason,
        party: FaultParty,
        now: DateTime<Utc>,
    ) -> Option<OrderEvent> {
        let again = self
            .bowls
            .iter()
            .filter(|clock| bowls.contains(&clock.bowl_ref()));
        let slowest = again.map(|clock| lead(&clock.spec)).max()?;
        let accepted_at = self.accepted_at?;
        let seconds = (now + slowest - accepted_at).num_seconds().max(0);
        let prep = u32::try_from(seconds.unsigned_abs().div_ceil(60)).unwrap_or(u32::MAX);
        let prep_minutes = Minutes::new(prep);
        let promise = self.minutes.with_prep(prep_minutes).starting(accepted_at);
        (promise.latest > self.promise.latest).then(|| OrderEvent::PromiseMoved {
            prep_minutes,
            promise,
            reason: reason.clone(),
            party,
            at: now,
        })
    }
}

/// From the boiler to sealed.
fn lead(spec: &BowlSpec) -> TimeDelta {
    spec.cook_seconds.span() + spec.pack_seconds.span()
}
