//! Which command is possible at which stage of a delivery, and where it leads.

use super::command::DeliveryCommandKind::{
    self, ArriveAtDropoff, ArriveAtPickup, Assign, AttemptContact, Cancel, CorrectDropoff, Deliver,
    Depart, Fail, OverridePickup, PickUp, Request, Unassign, VerifyPickup,
};
use super::state::DeliveryStage;

/// From, command, to. What is not here is refused.
///
/// News that comes late is kept and leaves the stage as it is. A wrong code leaves it too.
pub const TRANSITIONS: &[(DeliveryStage, DeliveryCommandKind, DeliveryStage)] = &[
    (DeliveryStage::Absent, Request, DeliveryStage::Requested),
    (DeliveryStage::Requested, Assign, DeliveryStage::Assigned),
    (DeliveryStage::Requested, Cancel, DeliveryStage::Cancelled),
    (DeliveryStage::Unassigned, Assign, DeliveryStage::Assigned),
    (DeliveryStage::Unassigned, Cancel, DeliveryStage::Cancelled),
    (DeliveryStage::Assigned, Assign, DeliveryStage::Assigned),
    (DeliveryStage::Assigned, Unassign, DeliveryStage::Unassigned),
    (
        DeliveryStage::Assigned,
        ArriveAtPickup,
        DeliveryStage::AtPickup,
    ),
    (
        DeliveryStage::Assigned,
        VerifyPickup,
        DeliveryStage::Assigned,
    ),
    (
        DeliveryStage::Assigned,
        OverridePickup,
        DeliveryStage::Assigned,
    ),
    (DeliveryStage::Assigned, PickUp, DeliveryStage::PickedUp),
    (DeliveryStage::Assigned, Cancel, DeliveryStage::Cancelled),
    (DeliveryStage::AtPickup, Assign, DeliveryStage::Assigned),
    (DeliveryStage::AtPickup, Unassign, DeliveryStage::Unassigned),
    (
        DeliveryStage::AtPickup,
        VerifyPickup,
        DeliveryStage::AtPickup,
    ),
    (
        DeliveryStage::AtPickup,
        OverridePickup,
        DeliveryStage::AtPickup,
    ),
    (DeliveryStage::AtPickup, PickUp, DeliveryStage::PickedUp),
    (DeliveryStage::AtPickup, Cancel, DeliveryStage::Cancelled),
    (
        DeliveryStage::PickedUp,
        ArriveAtPickup,
        DeliveryStage::PickedUp,
    ),
    (DeliveryStage::PickedUp, Depart, DeliveryStage::EnRoute),
    (
        DeliveryStage::PickedUp,
        ArriveAtDropoff,
        DeliveryStage::AtDropoff,
    ),
    (
        DeliveryStage::PickedUp,
        AttemptContact,
        DeliveryStage::PickedUp,
    ),
    (DeliveryStage::PickedUp, Deliver, DeliveryStage::Delivered),
    (DeliveryStage::PickedUp, Deliver, DeliveryStage::PickedUp),
    (DeliveryStage::PickedUp, Fail, DeliveryStage::Failed),
    (
        DeliveryStage::EnRoute,
        ArriveAtPickup,
        DeliveryStage::EnRoute,
    ),
    (
        DeliveryStage::EnRoute,
        ArriveAtDropoff,
        DeliveryStage::AtDropoff,
    ),
    (
        DeliveryStage::EnRoute,
        AttemptContact,
        DeliveryStage::EnRoute,
    ),
    (DeliveryStage::EnRoute, Deliver, DeliveryStage::Delivered),
    (DeliveryStage::EnRoute, Deliver, DeliveryStage::EnRoute),
    (DeliveryStage::EnRoute, Fail, DeliveryStage::Failed),
    (
        DeliveryStage::AtDropoff,
        ArriveAtPickup,
        DeliveryStage::AtDropoff,
    ),
    (DeliveryStage::AtDropoff, Depart, DeliveryStage::AtDropoff),
    (
        DeliveryStage::AtDropoff,
        AttemptContact,
        DeliveryStage::AtDropoff,
    ),
    (DeliveryStage::AtDropoff, Deliver, DeliveryStage::Delivered),
    (DeliveryStage::AtDropoff, Deliver, DeliveryStage::AtDropoff),
    (DeliveryStage::AtDropoff, Fail, DeliveryStage::Failed),
    (
        DeliveryStage::Delivered,
        ArriveAtPickup,
        DeliveryStage::Delivered,
    ),
    (DeliveryStage::Delivered, Depart, DeliveryStage::Delivered),
    (
        DeliveryStage::Delivered,
        ArriveAtDropoff,
        DeliveryStage::Delivered,
    ),
    (DeliveryStage::Failed, ArriveAtPickup, DeliveryStage::Failed),
    (DeliveryStage::Failed, Depart, DeliveryStage::Failed),
    (
        DeliveryStage::Failed,
        ArriveAtDropoff,
        DeliveryStage::Failed,
    ),
    (
        DeliveryStage::Requested,
        CorrectDropoff,
        DeliveryStage::Requested,
    ),
    (
        DeliveryStage::Unassigned,
        CorrectDropoff,
        DeliveryStage::Unassigned,
    ),
    (
        DeliveryStage::Assigned,
        CorrectDropoff,
        DeliveryStage::Assigned,
    ),
    (
        DeliveryStage::AtPickup,
        CorrectDropoff,
        DeliveryStage::AtPickup,
    ),
    (
        DeliveryStage::PickedUp,
        CorrectDropoff,
        DeliveryStage::PickedUp,
    ),
    (
        DeliveryStage::EnRoute,
        CorrectDropoff,
        DeliveryStage::EnRoute,
    ),
    (
        DeliveryStage::AtDropoff,
        CorrectDropoff,
        DeliveryStage::AtDropoff,
    ),
];
