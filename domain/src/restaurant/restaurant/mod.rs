//! A shop: its life from draft to closed, its hours, delivery zones, commercial terms and pauses. Not its menu or stock.

mod command;
mod decide;
mod event;
mod rejection;
mod rules;
mod state;
mod transitions;

pub use super::terms::{SmallOrder, Tax, TaxMode, TaxRate, Terms};
pub use command::{RestaurantCommand, RestaurantCommandKind};
pub use event::{PauseKind, Registration, RestaurantEvent, SourceRef, StaffRole, StyleLimit, Zone};
pub use rejection::{Missing, RestaurantRejection};
pub use state::{Device, LiveShop, Pause, Restaurant, RestaurantStage, Shop, StaffMember};
pub use transitions::TRANSITIONS;

#[cfg(test)]
mod tests;
