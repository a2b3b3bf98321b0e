//! Finding shops and dishes.

mod cursor;
pub(crate) mod discover;
mod hit;
mod params;
pub(crate) mod search;
pub(crate) mod suggest;
