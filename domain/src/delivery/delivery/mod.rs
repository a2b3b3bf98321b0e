//! A delivery: one transport of one order from shop to door by one of our own drivers.
//!
//! News may come late: what has happened is kept, and never moves the delivery backwards, except that
//! a driver can be taken off it before pickup.

mod command;
mod decide;
mod event;
mod rejection;
mod rules;
mod state;
mod transitions;

pub use command::{DeliveryCommand, DeliveryCommandKind};
pub use event::{
    ContactChannel, DeliveryEvent, DeliveryRequest, MediaHash, PickupCheck, PickupChecks, Proof,
    UnassignReason,
};
pub use rejection::DeliveryRejection;
pub use state::{Delivery, DeliveryBody, DeliveryStage};
pub use transitions::TRANSITIONS;

#[cfg(test)]
mod tests;
