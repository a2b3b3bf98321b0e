//! The whole system on a real Postgres, with the sandbox's Stripe over HTTP. `journeys` are told as a
//! user would tell them; `api` asks each use case alone; `spine` holds what every journey stands on;
//! `published` keeps the documents; `rebuild` makes views and index anew beside it all.
#![expect(clippy::unwrap_used, reason = "support code of tests fails loudly")]

mod access;
mod api;
mod journeys;
mod published;
mod rebuild;
mod spine;
mod support;
