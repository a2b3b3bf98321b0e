//! What is true of a delivery.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::event::{ContactChannel, DeliveryEvent, DeliveryRequest, PickupChecks};
use crate::kernel::actor::Actor;
use crate::kernel::address::Address;
use crate::kernel::ids::DriverId;
use crate::kernel::sealed::Sealed;

/// A delivery.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    body: Option<Box<DeliveryBody>>,
}

/// The stages of a delivery's life, in the order of its way.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    VariantArray,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryStage {
    /// Not requested.
    #[default]
    Absent,
    /// Waits for a driver.
    Requested,
    /// Waits for another driver.
    Unassigned,
    /// A driver comes.
    Assigned,
    /// The driver is at the shop.
    AtPickup,
    /// The driver has the food.
    PickedUp,
    /// The driver is on the way to the door.
    EnRoute,
    /// The driver is at the door.
    AtDropoff,
    /// The customer has it.
    Delivered,
    /// It could not be handed over.
    Failed,
    /// Called off.
    Cancelled,
}

/// What a requested delivery holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryBody {
    /// Where it is.
    pub stage: DeliveryStage,
    /// What to bring where, as it was asked for.
    pub request: DeliveryRequest,
    /// Where to bring it, as it is known now.
    pub dropoff: Sealed<Address>,
    /// Who has it to do.
    pub driver: Option<DriverId>,
    /// When this driver came to the shop.
    pub at_pickup: Option<DateTime<Utc>>,
    /// What this driver found there, and who lets it go all the same.
    pub verified: Option<(PickupChecks, Option<Actor>)>,
    /// When it was picked up.
    pub picked_up_at: Option<DateTime<Utc>>,
    /// When the driver left the shop.
    pub departed_at: Option<DateTime<Utc>>,
    /// When the driver came to the door.
    pub at_dropoff: Option<DateTime<Utc>>,
    /// The attempts to reach the customer.
    pub contacts: Vec<(ContactChannel, DateTime<Utc>)>,
    /// How often the customer's code was wrong.
    pub pin_failures: u32,
}

impl DeliveryStage {
    /// Whether another transport may be asked for: there was none, or it was called off before pickup.
    /// What a driver took along is not carried twice.
    pub fn leaves_room(self) -> bool {
        match self {
            Self::Absent | Self::Cancelled => true,
            Self::Requested
            | Self::Unassigned
            | Self::Assigned
            | Self::AtPickup
            | Self::PickedUp
            | Self::EnRoute
            | Self::AtDropoff
            | Self::Delivered
            | Self::Failed => false,
        }
    }
}

impl Delivery {
    /// What it holds, once requested.
    pub fn body(&self) -> Option<&DeliveryBody> {
        self.body.as_deref()
    }

    pub(super) fn apply(&mut self, event: &DeliveryEvent) {
        if let DeliveryEvent::Requested(request) = event {
            self.body = Some(Box::new(DeliveryBody::new(request)));
        } else if let Some(body) = &mut self.body {
            body.apply(event);
        }
    }
}

impl DeliveryBody {
    fn new(request: &DeliveryRequest) -> Self {
        Self {
            stage: DeliveryStage::Requested,
            request: request.clone(),
            dropoff: request.dropoff.clone(),
            driver: None,
            at_pickup: None,
            verified: None,
            picked_up_at: None,
            departed_at: None,
            at_dropoff: None,
            contacts: Vec::new(),
            pin_failures: 0,
        }
    }

    fn apply(&mut self, event: &DeliveryEvent) {
        match event {
            DeliveryEvent::Requested(_) => {}
            DeliveryEvent::Assigned { driver, .. } => {
                self.stage = DeliveryStage::Assigned;
                self.driver = Some(*driver);
            }
            DeliveryEvent::Unassigned { .. } => {
                self.stage = DeliveryStage::Unassigned;
                self.driver = None;
                self.at_pickup = None;
                self.verified = None;
            }
            DeliveryEvent::ArrivedAtPickup { at } => {
                self.at_pickup = Some(*at);
                self.advance(DeliveryStage::AtPickup);
            }
            DeliveryEvent::PickupVerified {
                checks,
                override_by,
                override_reason: _,
                at: _,
            } => {
                self.verified = Some((*checks, override_by.clone()));
            }
            DeliveryEvent::PickedUp { at } => {
                self.picked_up_at = Some(*at);
                self.advance(DeliveryStage::PickedUp);
            }
            DeliveryEvent::Departed { at } => {
                self.departed_at = Some(*at);
                self.advance(DeliveryStage::EnRoute);
            }
            DeliveryEvent::ArrivedAtDropoff { at } => {
                self.at_dropoff = Some(*at);
                self.advance(DeliveryStage::AtDropoff);
            }
            DeliveryEvent::ContactAttempted { channel, at } => self.contacts.push((*channel, *at)),
            DeliveryEvent::PinFailed { .. } => {
                self.pin_failures = self.pin_failures.saturating_add(1);
            }
            DeliveryEvent::DropoffCorrected { dropoff, .. } => self.dropoff.clone_from(dropoff),
            DeliveryEvent::Delivered { .. } => self.stage = DeliveryStage::Delivered,
            DeliveryEvent::Failed { .. } => self.stage = DeliveryStage::Failed,
            DeliveryEvent::Cancelled { .. } => self.stage = DeliveryStage::Cancelled,
        }
    }

    /// Goes on to a later stage of the way; late news never goes back.
    fn advance(&mut self, to: DeliveryStage) {
        if self.stage.step() < to.step() {
            self.stage = to;
        }
    }
}

impl DeliveryStage {
    /// Its place on the way from shop to door.
    fn step(self) -> usize {
        Self::VARIANTS
            .iter()
            .position(|stage| *stage == self)
            .unwrap_or(0)
    }
}
