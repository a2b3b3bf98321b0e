//! What the API can do: a file for each resource, and for each larger move of a payment.

pub(crate) mod cancel;
pub(crate) mod capture;
pub(crate) mod charges;
pub(crate) mod confirm;
pub(crate) mod create;
pub(crate) mod events;
pub(crate) mod expand;
pub(crate) mod intents;
pub(crate) mod list;
pub(crate) mod refunds;
pub(crate) mod risk;
