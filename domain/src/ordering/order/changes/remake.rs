//! Bowls that went wrong are made again in an order of their own, which costs the customer nothing: at once by our staff,
//! or when the customer takes what was offered.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::super::event::{FaultParty, OrderEvent};
use super::super::rejection::OrderRejection;
use super::super::rules;
use super::super::state::{OfferAnswer, OrderBody, RemakeOffer};
use crate::kernel::actor::Actor;
use crate::kernel::ids::OrderId;
use crate::kernel::text::Reason;
use crate::ordering::line::BowlRef;

/// Bowls that are to be made again, why, and at whose cost.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Again {
    pub(in super::super) bowls: Vec<BowlRef>,
    pub(in super::super) reason: Reason,
    pub(in super::super) fault: FaultParty,
}

impl OrderBody {
    /// The customer may have these bowls made again, if they say so in time.
    pub(in super::super) fn offer_remake(
        &self,
        offer: Uuid,
        again: Again,
        answer_by: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<OrderEvent, OrderRejection> {
        if self.open_offer(now).is_some() {
            return Err(OrderRejection::OfferOpen);
        }
        let bowls = rules::may_remake(self, again.bowls, again.fault)?;
        Ok(OrderEvent::RemakeOffered {
            offer,
            bowls,
            reason: again.reason,
            fault: again.fault,
            answer_by,
            at: now,
        })
    }

    /// The customer does not want what was offered.
    pub(in super::super) fn decline_remake(
        &self,
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<OrderEvent, OrderRejection> {
        rules::is_theirs(self, &by)?;
        let open = self.open_offer(now).ok_or(OrderRejection::NoOffer)?;
        Ok(OrderEvent::RemakeDeclined {
            offer: open.offer,
            by,
            at: now,
        })
    }

    /// The bowls are made again by our staff's word.
    pub(in super::super) fn remake(
        &self,
        remake: OrderId,
        again: Again,
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<OrderEvent, OrderRejection> {
        if self.open_offer(now).is_some() {
            return Err(OrderRejection::OfferOpen);
        }
        let bowls = rules::may_remake(self, again.bowls, again.fault)?;
        Ok(OrderEvent::Remade {
            remake,
            offer: None,
            bowls,
            reason: again.reason,
            fault: again.fault,
            by,
            at: now,
        })
    }

    /// The customer takes what was offered.
    pub(in super::super) fn accept_remake(
        &self,
        remake: OrderId,
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<OrderEvent, OrderRejection> {
        rules::is_theirs(self, &by)?;
        let open = self.open_offer(now).ok_or(OrderRejection::NoOffer)?;
        Ok(OrderEvent::Remade {
            remake,
            offer: Some(open.offer),
            bowls: open.bowls.clone(),
            reason: open.reason.clone(),
            fault: open.fault,
            by,
            at: now,
        })
    }

    /// The offer that can still be answered.
    fn open_offer(&self, now: DateTime<Utc>) -> Option<&RemakeOffer> {
        let last = self.offers.last()?;
        (last.answer.is_none() && now <= last.answer_by).then_some(last)
    }

    /// What the customer said to the last offer.
    pub(in super::super) fn last_answer(&self) -> Option<OfferAnswer> {
        self.offers.last()?.answer
    }

    /// The order in which the last offer was made again, once the customer took it.
    pub fn accepted_offer(&self) -> Option<OrderId> {
        match self.last_answer()? {
            OfferAnswer::Accepted { remake } => Some(remake),
            OfferAnswer::Declined => None,
        }
    }
}
