//! Who may carry.

pub mod driver;
