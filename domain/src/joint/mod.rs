//! Decisions over several aggregates, committed as one. What is only read here, the caller asserts by
//! version when it appends.

pub mod amend;
pub mod checkout;
pub mod consent;
pub mod correct_door;
pub mod known_device;
pub mod price_cart;
mod priced_line;
pub mod refire;
pub mod remake;
pub mod request_delivery;
pub mod substitute;
mod tax;

use chrono::{DateTime, Utc};

use crate::kernel::flags::Flags;
use crate::kernel::ids::PromotionId;
use crate::restaurant::inventory::Inventory;
use crate::restaurant::menu::Menu;
use crate::restaurant::promotion::Promotion;
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
    /// What may be taken off: the automatic promotions of shop and platform, and the cart's own.
    pub offers: &'a [Offer<'a>],
    /// The rules in force.
    pub flags: &'a Flags,
    /// The instant; of an order for later, that at which its shop is asked.
    pub now: DateTime<Utc>,
}

/// A promotion as a cart meets it.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// Its id.
    pub id: PromotionId,
    /// What is true of it.
    pub promotion: &'a Promotion,
}
