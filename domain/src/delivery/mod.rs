//! Transport from shop to door.

pub mod delivery;
