//! What every journey stands on: feeds, idempotency, conditional requests, bad input, traces.

mod bad_input;
mod budgets;
mod conditional;
mod kafka;
mod metadata;
mod outages;
mod proof;
mod repeats;
mod traces;
mod two_writers;
