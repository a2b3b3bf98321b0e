//! A cart: what one customer has chosen at one shop, until checkout.
//!
//! It keeps choices and their limits. Whether the shop can serve them, and at what price, is decided
//! over several aggregates in `joint::price_cart`.

mod command;
mod decide;
mod event;
mod rejection;
mod state;
mod transitions;

pub use command::{CartCommand, CartCommandKind, NoteChange};
pub use event::{CartEvent, CartPromotion};
pub use rejection::CartRejection;
pub use state::{Cart, CartBody, CartLine, CartStage};
pub use transitions::TRANSITIONS;

#[cfg(test)]
mod tests;
