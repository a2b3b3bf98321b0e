//! Settings: the only place that reads the environment, once, at the start. One struct per concern,
//! each in its file with its variables, its defaults and what production refuses of it; every fault
//! is reported at once, by the name of its variable.
//!
//! A variable `X` may also be given as `X_FILE`, the path of a file that holds it, as container
//! secrets are. Development has working defaults for everything; production (`RAMEN_ENV=production`)
//! refuses the ones that would hurt: see [`Config::refusals`].

mod clock;
mod environment;
mod fault;
mod http;
mod kafka;
mod keys;
mod postgres;
mod secret;
mod stripe;
mod telemetry;
mod vars;

use std::path::PathBuf;

pub use clock::ClockSettings;
#[cfg(feature = "faults")]
pub(crate) use environment::fault_plan;
#[cfg(feature = "testing")]
pub(crate) use environment::{test_database_url, test_kafka_brokers};
pub use fault::{ConfigError, Fault};
pub use http::Http;
pub use kafka::Kafka;
pub use keys::{Checkpoints, Tokens, Vault};
pub use postgres::Postgres;
pub use secret::{NamedKey, Secret};
pub use stripe::Stripe;
pub use telemetry::{LogFormat, Telemetry, Traces};

use fault::Refusals;
use vars::{Lookup, Vars};

/// Which rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Defaults and sandbox allowed.
    Development,
    /// Nothing unsafe allowed.
    Production,
}

/// Everything that is configured.
#[derive(Clone, Debug)]
pub struct Config {
    /// `RAMEN_ENV`: `development` (default) or `production`.
    pub stage: Stage,
    /// Databases.
    pub postgres: Postgres,
    /// Brokers; none: the store feed.
    pub kafka: Option<Kafka>,
    /// Listeners and the rules of the wire.
    pub http: Http,
    /// Access tokens.
    pub tokens: Tokens,
    /// Wrapping keys of the vault.
    pub vault: Vault,
    /// Signing keys of the log's checkpoints.
    pub checkpoints: Checkpoints,
    /// The marketplace's time.
    pub clock: ClockSettings,
    /// Stripe, or the sandbox's.
    pub stripe: Stripe,
    /// Logs and traces.
    pub telemetry: Telemetry,
    /// Where the process may write: search index, snapshots of runs. `RAMEN_DIR`, `.ramen`.
    pub data_dir: PathBuf,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`ConfigError`] with every variable that cannot be used.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&environment::variable)
    }

    /// Reads settings from any source of variables.
    ///
    /// # Errors
    /// [`ConfigError`] with every variable that cannot be used.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let mut vars = Vars::new(lookup);
        let stages = [
            ("development", Stage::Development),
            ("production", Stage::Production),
        ];
        let config = Self {
            stage: vars.choice("RAMEN_ENV", &stages),
            postgres: Postgres::read(&mut vars),
            kafka: Kafka::read(&mut vars),
            http: Http::read(&mut vars),
            tokens: Tokens::read(&mut vars),
            vault: Vault::read(&mut vars),
            checkpoints: Checkpoints::read(&mut vars),
            clock: ClockSettings::read(&mut vars),
            stripe: Stripe::read(&mut vars),
            telemetry: Telemetry::read(&mut vars),
            data_dir: PathBuf::from(vars.text("RAMEN_DIR", ".ramen")),
        };
        let mut faults = vars.into_faults();
        faults.extend(config.refusals());
        if faults.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError(faults))
        }
    }

    /// What production refuses (reliability §7): default secrets, the sandbox, plain connections, keys
    /// on the server of what they lock, a clock that is not the world's, fault injection.
    pub fn refusals(&self) -> Vec<Fault> {
        let mut refuse = Refusals::default();
        if self.stage == Stage::Production {
            self.tokens.check(&mut refuse);
            self.vault.check(&mut refuse);
            self.checkpoints.check(&mut refuse);
            self.stripe.check(&mut refuse);
            self.clock.check(&mut refuse);
            if let Some(kafka) = &self.kafka {
                kafka.check(&mut refuse);
            }
            if let Some(traces) = &self.telemetry.traces {
                traces.check(&mut refuse);
            }
            let faulty = cfg!(feature = "faults");
            refuse.when(faulty, "RAMEN_ENV", "this build can inject faults");
            self.postgres.check(&mut refuse);
        }
        refuse.into_faults()
    }
}

#[cfg(test)]
mod tests;
