//! Reading shops: page, menu, stock, kitchen.

pub(super) mod list_promotions;
pub(crate) mod list_windows;
pub(crate) mod menu_page;
pub(crate) mod menu_source;
pub(super) mod read_kitchen;
pub(super) mod read_menu;
pub(crate) mod read_promise;
pub(crate) mod read_restaurant;
pub(crate) mod read_staff;
pub(super) mod read_stock;
