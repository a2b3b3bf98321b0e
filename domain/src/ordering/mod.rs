//! What a customer wants and what was promised: carts, the quotes they get, and orders.
//!
//! Nothing here names a shop's menu or stock: prices and validity come from `joint::price_cart`,
//! which copies what an order needs into the values of this folder.

pub mod bill;
pub mod cart;
pub mod fulfilment;
pub mod line;
pub mod order;
pub mod quote;
pub mod quote_difference;
pub mod seller;
pub mod settlement;
pub mod tax;
pub mod window;
