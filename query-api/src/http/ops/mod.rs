//! What operations look at.

pub(super) mod read_lag;
pub(super) mod read_parked;
pub(super) mod search_orders;
