//! Decisions over several aggregates, committed as one. What is only read here, the caller asserts by
//! version when it appends.

pub mod checkout;
pub mod consent;
pub mod price_cart;
mod priced_line;
pub mod request_delivery;
mod tax;

use chrono::{DateTime, Utc};

use crate::kernel::flags::Flags;
use crate::restaurant::inventory::Inventory;
use crate::restaurant::menu::Menu;
use crate::restaurant::restaurant::Restaurant;

/// What a cart is measured against: one shop, now.
#[derive(Clone, Copy, Debug)]
pub struct Market<'a> {
    /// The shop.
    pub shop: &'a Restaurant,
    /// Its menu.
    pub menu: &'a Menu,
    /// Its stock.
    pub stock: &'a Inventory,
    /// The rules in force.
    pub flags: &'a Flags,
    /// The instant.
    pub now: DateTime<Utc>,
}
