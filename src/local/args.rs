//! Where things lie and what is already there: arguments that the environment can give.

use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};

use super::kafka::Proxied;

/// What the services are started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Data is kept and survives a power cut; the usual ports are taken when they are free.
    Keep,
    /// Data is thrown away at the end, nothing waits for the disk, ports are any that are free.
    Throwaway,
    /// Data is as durable as what is kept, and thrown away at the end; ports are any that are free.
    Measure,
}

impl Purpose {
    /// Whether somebody comes back to the data.
    pub(super) fn keeps(self) -> bool {
        self == Self::Keep
    }

    /// Whether what is committed survives a power cut.
    pub(super) fn is_durable(self) -> bool {
        self != Self::Throwaway
    }
}

/// How events reach those who follow them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FeedChoice {
    /// Through a broker, private when none is named.
    Kafka,
    /// From the event store itself; no broker is needed.
    Store,
}

/// Where private services keep their data, and services of others to be used in their place.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServiceArgs {
    /// Folder for the data and logs of the private Postgres and Kafka
    #[arg(long, env = "RAMEN_DIR", default_value = ".ramen")]
    pub(crate) dir: PathBuf,
    /// Folder for what was downloaded; `~/.cache/ramen` when not given
    #[arg(long, env = "RAMEN_CACHE")]
    pub(super) cache: Option<PathBuf>,
    /// Home folder of the user
    #[arg(long, env = "HOME", hide = true)]
    pub(super) home: Option<PathBuf>,
    /// A Postgres with PostGIS to use; without it a private one is started
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// Kafka brokers to use (`host:port,…`); without them a private one is started
    #[arg(long, env = "KAFKA_BROKERS")]
    pub(crate) kafka_brokers: Option<String>,
    /// Ports of loopback (`listen:advertised`): the private broker also listens on the first and sends who
    /// comes there to the second, where a proxy stands
    #[arg(long, hide = true, value_name = "PORTS")]
    pub(super) kafka_proxied: Option<Proxied>,
    /// How events reach the views
    #[arg(long, value_enum, default_value_t = FeedChoice::Kafka)]
    pub(crate) feed: FeedChoice,
}

impl ServiceArgs {
    /// Private services in `dir`, whatever the environment names.
    pub(crate) fn throwaway(dir: &std::path::Path, feed: FeedChoice) -> Self {
        let parsed = Parsed::parse_from(["ramen"]);
        Self {
            dir: dir.to_owned(),
            database_url: None,
            kafka_brokers: None,
            kafka_proxied: None,
            feed,
            ..parsed.services
        }
    }

    /// The folder for downloads, which all checkouts of the user share.
    pub(crate) fn cache_dir(&self) -> PathBuf {
        match (&self.cache, &self.home) {
            (Some(cache), _) => cache.clone(),
            (None, Some(home)) => home.join(".cache/ramen"),
            (None, None) => self.dir.join("cache"),
        }
    }
}

/// The arguments as an empty command line and the environment give them.
#[derive(Parser)]
struct Parsed {
    #[command(flatten)]
    services: ServiceArgs,
}
