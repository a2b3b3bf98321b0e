//! `ramen simulate`: a real day of orders through the public API on a sped-up clock.

mod day;
mod file;
mod generate;
mod mdrp;
mod rappi;
