//! What every journey stands on: feeds, idempotency, conditional requests, bad input.

mod bad_input;
mod budgets;
mod conditional;
mod kafka;
mod metadata;
mod outages;
mod proof;
mod repeats;
mod two_writers;
