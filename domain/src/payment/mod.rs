//! Money in and money back.

pub mod minimum;
pub mod payment;
pub mod vendor;
