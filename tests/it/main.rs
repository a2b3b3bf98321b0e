//! The whole system on a real Postgres, with the sandbox's Stripe over HTTP. `journeys` are told as a
//! user would tell them; `spine` holds what every journey stands on; `published` keeps the documents.
#![expect(clippy::unwrap_used, reason = "support code of tests fails loudly")]

mod access;
mod journeys;
mod published;
mod spine;
mod support;
