//! Values that two contexts use. Holding one is knowing that it is good: fields are private, and serde reads through `parse`.

pub mod actor;
pub mod address;
pub mod allergen;
pub mod bounded;
pub mod bowl;
pub mod collect;
pub mod commission;
pub mod contact;
pub mod currency;
pub mod fault;
pub mod flags;
pub mod geo;
pub mod handover;
pub mod hours;
pub mod ids;
pub mod key;
pub mod kitchen;
pub mod money;
pub mod opaque;
pub mod quantity;
pub mod refusal;
pub(crate) mod sample;
pub mod sealed;
pub mod tax;
pub mod text;
pub mod time;
