//! What is measured, a file each.

mod append_alone;
mod append_together;
mod cached_menu;
mod checkout;
mod cold_start;
mod long_history;
mod same;

use anyhow::bail;
use infra::clock::Clock;

use super::rounds::{Measured, Pace};
use super::server::Server;

/// What every scenario gets.
pub(super) struct Stage<'a> {
    pub(super) server: &'a Server,
    pub(super) clock: &'a Clock,
    pub(super) pace: Pace,
}

/// A scenario's name and what it is about.
pub(super) struct Listed {
    pub(super) id: &'static str,
    pub(super) about: &'static str,
    /// Whether it is in the short run.
    pub(super) in_ci: bool,
}

/// Every scenario, in the order in which `all` runs them.
pub(super) const ALL: &[Listed] = &[
    Listed {
        id: "aa",
        about: "ours against ours: how far the machine can be believed",
        in_ci: true,
    },
    Listed {
        id: "b1",
        about: "append alone: one client, commands of one and of three events",
        in_ci: true,
    },
    Listed {
        id: "b2",
        about: "append together: 64 and 256 in flight, new and shared aggregates",
        in_ci: true,
    },
    Listed {
        id: "b3",
        about: "long history: a command on aggregates of 1 to 10,000 events",
        in_ci: true,
    },
    Listed {
        id: "b4",
        about: "checkout: one POST at full rate, and the whole journey of a guest",
        in_ci: true,
    },
    Listed {
        id: "b7",
        about: "cached menu: the query API against the least that answers over HTTP",
        in_ci: true,
    },
    Listed {
        id: "b12",
        about: "cold start: the query API from exec to the first answer of search",
        in_ci: false,
    },
];

/// Runs one scenario.
///
/// # Errors
/// When nothing has that name, or its run is void.
pub(super) async fn run(id: &str, stage: &Stage<'_>) -> anyhow::Result<Vec<Measured>> {
    match id {
        "aa" => same::run(stage).await,
        "b1" => append_alone::run(stage).await,
        "b2" => append_together::run(stage).await,
        "b3" => long_history::run(stage).await,
        "b4" => checkout::run(stage).await,
        "b7" => cached_menu::run(stage).await,
        "b12" => cold_start::run(stage).await,
        _ => bail!("no scenario is named {id}; `ramen bench list` names them"),
    }
}
