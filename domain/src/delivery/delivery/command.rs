//! What can be asked of a delivery.

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::event::{ContactChannel, DeliveryRequest, PickupChecks, Proof, UnassignReason};
use crate::kernel::actor::Actor;
use crate::kernel::address::Address;
use crate::kernel::handover::UndeliverableReason;
use crate::kernel::ids::DriverId;
use crate::kernel::sealed::Sealed;
use crate::kernel::text::Reason;

/// A request to a delivery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum_discriminants(
    name(DeliveryCommandKind),
    doc = "The commands of a delivery without their fields.",
    derive(Hash, VariantArray, IntoStaticStr, Serialize, Deserialize),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum DeliveryCommand {
    /// Starts it; `joint::request_delivery` makes the request.
    Request {
        /// What to bring where; its time is set when it is decided.
        request: Box<DeliveryRequest>,
    },
    /// Gives it to a driver; from another one, when the food is not picked up yet.
    Assign {
        /// Who.
        driver: DriverId,
        /// Whether that driver is approved now: a fact from the driver's own aggregate.
        approved: bool,
        /// Who says so.
        by: Actor,
    },
    /// Takes it off its driver.
    Unassign {
        /// Why.
        reason: UnassignReason,
    },
    /// The driver is at the shop.
    ArriveAtPickup,
    /// The driver looked at what is to be carried.
    VerifyPickup {
        /// What was found.
        checks: PickupChecks,
    },
    /// The food goes although a check fails.
    OverridePickup {
        /// Who says so: the shop or ops.
        by: Actor,
        /// Why.
        reason: Reason,
    },
    /// The driver has the food.
    PickUp,
    /// The driver leaves for the door.
    Depart,
    /// The driver is at the door.
    ArriveAtDropoff,
    /// The driver tried to reach the customer.
    AttemptContact {
        /// How.
        channel: ContactChannel,
    },
    /// The customer has the food.
    Deliver {
        /// How that is proved.
        proof: Proof,
        /// Whether the code fits, when one was given. The vault's reader compares; codes never come here.
        pin_matches: Option<bool>,
    },
    /// The food cannot be handed over.
    Fail {
        /// Why.
        reason: UndeliverableReason,
    },
    /// The note at the door or its pin was put right; `joint::correct_door` sends it.
    CorrectDropoff {
        /// The door from now on.
        dropoff: Sealed<Address>,
    },
    /// Calls the transport off.
    Cancel {
        /// Why.
        reason: Reason,
    },
}
