//! A shop: its life from draft to closed, its hours, delivery zones, commercial terms and pauses. Not its menu or stock.

mod command;
mod decide;
mod event;
mod rejection;
mod rules;
mod state;
mod terms;
mod transitions;

pub use command::{RestaurantCommand, RestaurantCommandKind};
pub use event::{PauseKind, Registration, RestaurantEvent, SourceRef, StaffRole, StyleLimit, Zone};
pub use rejection::{Missing, RestaurantRejection};
pub use state::{Device, LiveShop, Pause, Restaurant, RestaurantStage, Shop, StaffMember};
pub use terms::{SmallOrder, Tax, TaxMode, TaxRate, Terms};
pub use transitions::TRANSITIONS;

#[cfg(test)]
mod tests;
