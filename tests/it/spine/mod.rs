//! What every journey stands on: feeds, idempotency, conditional requests, bad input.

mod bad_input;
mod conditional;
mod kafka;
mod two_writers;
