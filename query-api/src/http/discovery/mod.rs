//! Finding shops and dishes.

mod cursor;
mod hit;
mod params;
pub(crate) mod search;
