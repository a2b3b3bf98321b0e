//! The read side against a real database and a real index: who sees what, what is kept and when it is
//! dropped, reading what one has written, following an order, and searching.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on may panic, in its helpers too"
)]

mod answers;
mod caching;
mod following;
mod lists;
mod promising;
mod receipts;
mod rows;
mod scopes;
mod searching;
mod shelf;
mod world;
