//! A door is put right: the order says where it is, and the courier who is on the way learns it in the same commit.

use crate::decider::{Class, Context, Decider as _, Fault, Rejection, check_allowed};
use crate::delivery::delivery::{Delivery, DeliveryCommand, DeliveryEvent, DeliveryRejection};
use crate::kernel::actor::Actor;
use crate::kernel::address::Address;
use crate::kernel::flags::Flags;
use crate::kernel::geo::GeoPoint;
use crate::kernel::patch::Patch;
use crate::kernel::quantity::Metres;
use crate::kernel::sealed::Sealed;
use crate::kernel::text::Note;
use crate::ordering::order::{Order, OrderCommand, OrderCommandKind, OrderEvent, OrderRejection};

/// What is wrong about a door.
#[derive(Clone, Debug)]
pub struct DoorCorrection {
    /// What the courier should know there.
    pub door_note: Patch<Note>,
    /// The exact place, when it is another.
    pub pin: Option<GeoPoint>,
}

impl DoorCorrection {
    /// The address with what was put right; nothing when it says so already.
    pub fn of(self, known: &Address) -> Option<Address> {
        let corrected = Address {
            door_note: self.door_note.of(known.door_note.clone()),
            pin: self.pin.unwrap_or(known.pin),
            ..known.clone()
        };
        (corrected != *known).then_some(corrected)
    }
}

/// The doors of an order, both sealed.
#[derive(Clone, Copy, Debug)]
pub struct Doors<'a> {
    /// As it was agreed: what every correction is measured against, so that many small ones lead nowhere else.
    pub agreed: &'a Sealed<Address>,
    /// As it is known now.
    pub known: &'a Sealed<Address>,
}

/// A door put right, as the vault's reader has seen it.
#[derive(Clone, Debug)]
pub struct DoorRequest {
    /// Where it is and what to know there, sealed.
    pub address: Sealed<Address>,
    /// The pin in it.
    pub pin: GeoPoint,
    /// The pin that was agreed.
    pub agreed: GeoPoint,
    /// Who asks.
    pub by: Actor,
}

/// The events of a correction, to be appended in one commit.
#[derive(Clone, Debug, PartialEq)]
pub struct CorrectedDoor {
    /// To the order.
    pub order: Vec<OrderEvent>,
    /// To its transport, when one was asked for.
    pub delivery: Vec<DeliveryEvent>,
}

/// Why a door stays as it is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CorrectDoorRejection {
    /// The order says no.
    #[error(transparent)]
    Order(OrderRejection),
    /// The transport says no.
    #[error(transparent)]
    Delivery(DeliveryRejection),
}

impl Rejection for CorrectDoorRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Order(rejection) => rejection.code(),
            Self::Delivery(rejection) => rejection.code(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Order(rejection) => rejection.class(),
            Self::Delivery(rejection) => rejection.class(),
        }
    }

    fn faults(&self) -> Vec<Fault> {
        match self {
            Self::Order(rejection) => rejection.faults(),
            Self::Delivery(rejection) => rejection.faults(),
        }
    }
}

/// The doors of an order that somebody may still go to. Asked before anything is opened: the data of an old order may
/// be gone.
///
/// # Errors
/// [`CorrectDoorRejection::Order`] when it is over, or fetched.
pub fn doors(order: &Order) -> Result<Doors<'_>, CorrectDoorRejection> {
    let refused = CorrectDoorRejection::Order;
    let body = order.body().ok_or(refused(OrderRejection::OrderUnknown))?;
    check_allowed(order, OrderCommandKind::CorrectDoor)
        .map_err(|stage| refused(OrderRejection::NotAllowed(stage)))?;
    let doors = body.agreed_door().zip(body.door());
    let (agreed, known) = doors
        .filter(|_| body.is_delivery())
        .ok_or(refused(OrderRejection::CustomerCollects))?;
    Ok(Doors { agreed, known })
}

/// Puts a door right. `last` is the transport that the order asked for last; absent when it asked for none.
///
/// # Errors
/// [`CorrectDoorRejection`]; a courier who is done cannot be told.
pub fn correct_door(
    order: &Order,
    last: &Delivery,
    request: DoorRequest,
    flags: &Flags,
    context: &Context,
) -> Result<CorrectedDoor, CorrectDoorRejection> {
    let dropoff = request.address.clone();
    let command = OrderCommand::CorrectDoor {
        address: request.address,
        moved: Metres::new(request.agreed.distance_m(request.pin)),
        most: flags.pin_correction,
        by: request.by,
    };
    let order = order
        .decide(command, context)
        .map_err(CorrectDoorRejection::Order)?;
    let delivery = if order.is_empty() || last.stage().leaves_room() {
        Vec::new()
    } else {
        last.decide(DeliveryCommand::CorrectDropoff { dropoff }, context)
            .map_err(CorrectDoorRejection::Delivery)?
    };
    Ok(CorrectedDoor { order, delivery })
}
