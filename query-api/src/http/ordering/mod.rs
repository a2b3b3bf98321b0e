//! Reading carts and orders.

pub(super) mod follow_order;
pub(super) mod list_orders;
pub(crate) mod order_status;
pub(super) mod read_cart;
pub(super) mod read_order;
pub(super) mod read_timeline;
pub(in crate::http) mod receipt;
pub(super) mod sealed_parts;
