//! The shops: who sells, what, out of what, when, where to, at what price.

pub mod inventory;
pub mod menu;
pub mod restaurant;
