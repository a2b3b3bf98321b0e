//! The arms of the write path: our store, the stock one, and pgbench as the limit; and of the read side:
//! servers in processes of their own.

pub(super) mod ours;
pub(super) mod pgbench;
pub(super) mod served;
pub(super) mod stock;
pub(super) mod streams;
