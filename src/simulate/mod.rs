//! `ramen simulate`: a real day of orders through the public API on a sped-up clock.
//!
//! Reading order: `day` (what is played), `rappi`, `mdrp` and `generate` (where days come from),
//! `stage` (shops, time), `fate` (what is meant to happen), `world` (what all orders share), `appetite`
//! and `life` (one order), `fleet` and `courier` (who carries), `lag` and `probe` (what is measured beside them), `tally`
//! and `report` (what became of it).

mod appetite;
mod courier;
mod day;
mod fate;
mod file;
mod fleet;
mod generate;
mod lag;
mod life;
mod mdrp;
mod play;
mod probe;
mod progress;
mod rappi;
mod report;
mod stage;
mod tally;
mod traffic;
mod world;

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use crate::local::FeedChoice;
pub(crate) use day::Day;
pub(crate) use generate::generate;
pub(crate) use play::{Played, play, play_until};
pub(crate) use report::{announce, report};
use stage::usual_speed;
pub(crate) use stage::{Scene, all_hours, origin};
pub(crate) use traffic::Traffic;

/// Arguments of `simulate`.
#[derive(Args, Clone, Debug)]
pub(crate) struct SimulateArgs {
    /// Folder of a day: Rappi's columns (orders.csv, couriers.csv) or the Meal Delivery Routing
    /// Problem's (orders.txt, couriers.txt, restaurants.txt, `instance_parameters.txt`)
    #[arg(required_unless_present = "generate")]
    folder: Option<PathBuf>,
    /// Play a generated evening of so many orders instead
    #[arg(long, conflicts_with = "folder", value_name = "ORDERS")]
    generate: Option<usize>,
    /// Marketplace seconds in a real second; by length and load of the day when not given
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3600))]
    speed: Option<u32>,
    /// Only the first so many orders
    #[arg(long)]
    orders: Option<usize>,
    /// Seed of what guests choose and do
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How events reach the views
    #[arg(long, value_enum, default_value_t = FeedChoice::Kafka)]
    feed: FeedChoice,
}

impl SimulateArgs {
    /// The day to play.
    ///
    /// # Errors
    /// When the folder holds no day, or an empty one.
    pub(crate) fn day(&self) -> anyhow::Result<Day> {
        let mut day = match (&self.folder, self.generate) {
            (Some(folder), _) if folder.join("orders.csv").is_file() => rappi::read(folder)?,
            (Some(folder), _) if folder.join("orders.txt").is_file() => mdrp::read(folder)?,
            (Some(folder), _) => bail!(
                "{} holds neither orders.csv (Rappi) nor orders.txt (Meal Delivery Routing)",
                folder.display()
            ),
            (None, orders) => generate(self.seed, orders.unwrap_or(0)),
        };
        day.truncate(self.orders.unwrap_or(usize::MAX));
        if day.orders.is_empty() || day.couriers.is_empty() {
            bail!("{} has no orders or no couriers", day.name);
        }
        Ok(day)
    }

    /// How fast to play it.
    pub(crate) fn speed(&self, day: &Day) -> u32 {
        self.speed.unwrap_or_else(|| usual_speed(day))
    }

    /// How events reach the views.
    pub(crate) fn feed(&self) -> FeedChoice {
        self.feed
    }

    /// The seed of what guests choose and do.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }
}
