//! A private Postgres and Kafka on this machine: found, set up, started and stopped by the binary.
//!
//! For development, the demo and tests. Production is given `DATABASE_URL` and `KAFKA_BROKERS`
//! and starts nothing from here.
//!
//! Reading order: `services` (both together), `postgres`, `kafka`, then what they stand on:
//! `place` (where data lies and as whom it runs), `child` (a started program), `port`.

mod args;
mod child;
mod commands;
mod kafka;
mod place;
mod port;
mod postgres;
mod services;

pub(crate) use args::{FeedChoice, Purpose, ServiceArgs};
pub(crate) use commands::{LocalServicesArgs, StopSignals, local_services, up};
pub(crate) use kafka::Proxied;
pub(crate) use postgres::program as postgres_program;
pub(crate) use services::{Addresses, Services};
