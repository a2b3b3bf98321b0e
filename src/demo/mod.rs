//! The demo marketplace and `ramen demo`.

pub(crate) mod market;
pub(crate) mod marketplace;
pub(crate) mod menus;
pub(crate) mod open_shop;
