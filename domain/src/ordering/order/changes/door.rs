//! The note at the door and its pin are put right, as long as somebody may still go there.

use chrono::{DateTime, Utc};

use super::super::event::OrderEvent;
use super::super::rejection::OrderRejection;
use super::super::rules;
use super::super::state::OrderBody;
use crate::kernel::actor::Actor;
use crate::kernel::address::Address;
use crate::kernel::quantity::Metres;
use crate::kernel::sealed::Sealed;

/// The door as it should have been.
pub(in super::super) struct Door {
    /// Where and what to know there, sealed.
    pub(in super::super) address: Sealed<Address>,
    /// How far its pin is from the one that was agreed.
    pub(in super::super) moved: Metres,
    /// How far it may be.
    pub(in super::super) most: Metres,
}

impl OrderBody {
    /// It is brought to the same door, found better. Nothing that was agreed changes.
    pub(in super::super) fn corrected(
        &self,
        door: Door,
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<OrderEvent, OrderRejection> {
        rules::is_theirs(self, &by)?;
        rules::is_delivery(self)?;
        rules::is_near(door.moved, door.most)?;
        Ok(OrderEvent::DoorCorrected {
            address: door.address,
            moved_m: door.moved,
            by,
            at: now,
        })
    }
}
