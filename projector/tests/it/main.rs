//! The projector against a real database: any cut of the feed gives the same rows, repeats change
//! nothing, gaps are filled, what cannot be folded waits for somebody, and the index says what the views
//! say.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on may panic, in its helpers too"
)]

mod cuts;
mod faults;
mod feed;
mod history;
mod index;
mod index_cost;
mod index_versions;
mod indexed;
mod rebuild;
mod stages;
mod together;
mod world;
