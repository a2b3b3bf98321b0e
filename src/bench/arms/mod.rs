//! The arms of the write path: our store, the stock one, and pgbench as the limit.

pub(super) mod ours;
pub(super) mod pgbench;
pub(super) mod stock;
pub(super) mod streams;
