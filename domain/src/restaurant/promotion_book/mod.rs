//! The book of an issuer's automatic promotions: those that hold without a code.
//!
//! A quote reads the shop's book and the platform's like menu and stock, and its checkout asserts
//! both, so that no process sells without a promotion that it has not heard of. A shop's book has the
//! shop's id.

mod command;
mod decide;
mod event;
mod rejection;
mod state;
mod transitions;

pub use command::{PromotionBookCommand, PromotionBookCommandKind};
pub use event::PromotionBookEvent;
pub use rejection::PromotionBookRejection;
pub use state::{PromotionBook, PromotionBookStage};
pub use transitions::TRANSITIONS;
