//! The shops: who sells, what, out of what, when, where to, at what price.

pub mod dish;
pub mod firmness;
pub mod inventory;
pub mod menu;
pub mod menu_document;
pub mod promotion;
pub mod promotion_book;
pub mod restaurant;
pub mod sale_hours;
pub mod terms;
