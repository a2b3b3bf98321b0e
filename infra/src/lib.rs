//! I/O that two or more services share. Nothing here decides business questions, and nothing that
//! only one service needs lives here.
//!
//! Reading order: `event_store` (the truth), `feed` and `kafka` (how it travels), `http` (the rules
//! of the wire), `vault` (personal data), `lifecycle`, `clock`, `config`, `telemetry`, `limits`.
//!
//! To add a limit: a constant with its reason in `limits`. To add a setting: a field in `config`.

pub mod applied;
pub mod availability;
pub mod clock;
pub mod config;
pub mod dish_range;
pub mod event_store;
pub mod fault;
pub mod feed;
pub mod http;
pub mod kafka;
pub mod lifecycle;
pub mod limits;
pub mod postgres;
pub mod search_schema;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod vault;
