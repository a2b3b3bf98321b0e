//! The business rules of Ramen, pure: no I/O, no clock, no random call. Time, ids and facts from elsewhere are arguments.
//!
//! Reading order: [`decider`] (what an aggregate is), [`kernel`] (the values they share), then one aggregate folder, for
//! instance `restaurant::inventory`, and last `aggregates`, the one list of them all.
//!
//! To add an event: a variant and its sample in `event.rs`, then follow the compiler. To add a command: a variant and a row
//! in `transitions.rs`. To add an aggregate: a folder, an id in [`kernel::ids`], a line in `aggregates`.

pub mod aggregates;
pub mod decider;
pub mod delivery;
pub mod driver;
pub mod joint;
pub mod kernel;
pub mod ordering;
pub mod payment;
pub mod processes;
pub mod restaurant;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
