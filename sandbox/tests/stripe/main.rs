//! The Stripe simulator over real HTTP: what it answers, sends, refuses and breaks.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

mod faults;
mod idempotency;
mod objects;
mod payments;
mod persistence;
mod refunds;
mod support;
mod webhooks;
