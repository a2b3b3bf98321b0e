//! Reading deliveries.

pub(super) mod list_my_deliveries;
pub(super) mod read_delivery;
