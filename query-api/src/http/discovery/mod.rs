//! Finding shops and dishes.

pub(super) mod search;
