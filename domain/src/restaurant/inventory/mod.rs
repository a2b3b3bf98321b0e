//! What a shop has in stock, and what of it is held for orders: open, committed, then consumed or released. With the stock
//! an order books its slots in the kitchen. Also gives out the order numbers of a service date, since it sees every
//! checkout of the shop. Its id is the shop's.

mod command;
mod decide;
mod event;
mod rejection;
mod rules;
mod state;
mod transitions;

pub use command::{InventoryCommand, InventoryCommandKind, KitchenWanted};
pub use event::{InventoryEvent, ReleaseReason, ShortHold};
pub use rejection::InventoryRejection;
pub use state::{EightySix, Hold, HoldEnd, HoldStage, Inventory, InventoryStage, Stock};
pub use transitions::TRANSITIONS;

#[cfg(test)]
mod tests;
