//! An order: what was promised to a customer, and what became of it, from payment to completed.
//!
//! [`ROWS`] is the one table: what is not in it is refused with the stage and what is allowed
//! from there. Money and couriers are other aggregates; the process `order_fulfilment` brings their news.

mod changes;
mod command;
mod decide;
mod event;
mod rejection;
mod rules;
mod state;
mod transitions;

pub use command::{OrderCommand, OrderCommandKind};
pub use event::{
    Amendment, CheckedOut, FaultParty, OrderEvent, RejectReason, RemakeOf, ShortAnswer,
    ShortOutcome,
};
pub use rejection::OrderRejection;
pub use rules::slurp_deadline;
pub use state::{BowlClock, OfferAnswer, Order, OrderBody, OrderStage, RemakeOffer, Shortfall};
pub use transitions::{By, ROWS, Row, TRANSITIONS, may_ask};

#[cfg(test)]
mod tests;
