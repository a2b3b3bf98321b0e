//! A promotion: what is taken off, where, when, for whom, how often, and who pays for it.
//!
//! It knows its terms and counts its redemptions, each in the commit of the order that it is for.
//! What it takes off a cart is computed in `joint::price_cart`; which promotions need no code is said
//! by the `promotion_book` of their issuer.

mod command;
mod decide;
mod event;
mod rejection;
mod rules;
mod state;
mod transitions;

pub use command::{PromotionCommand, PromotionCommandKind};
pub use event::{Issuer, Limits, PromotionEvent, PromotionTerms, Reduction, Target};
pub use rejection::PromotionRejection;
pub use rules::{Inapplicable, Occasion, check_terms};
pub use state::{Promotion, PromotionBody, PromotionStage};
pub use transitions::TRANSITIONS;

#[cfg(test)]
mod tests;
