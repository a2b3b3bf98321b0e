//! Settings: the only place that reads the environment, once, at the start. One struct per concern;
//! every fault is reported at once, by the name of its variable.
//!
//! A variable `X` may also be given as `X_FILE`, the path of a file that holds it, as container
//! secrets are. Development has working defaults for everything; production (`RAMEN_ENV=production`)
//! refuses the ones that would hurt: see [`Config::refusals`].

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::limits;

/// A value that does not print and does not serialise. [`Secret::expose`] is easy to find in a review.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one call that needs it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

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
    /// The marketplace's time.
    pub clock: ClockSettings,
    /// Stripe, or the sandbox's.
    pub stripe: Stripe,
    /// Logs.
    pub telemetry: Telemetry,
    /// Where the process may write: search index, snapshots of runs. `RAMEN_DIR`, `.ramen`.
    pub data_dir: PathBuf,
}

/// `DATABASE_URL`, `VIEWS_DATABASE_URL`, `VAULT_DATABASE_URL` (both default to the first),
/// `RAMEN_DB_CONNECTIONS` (per pool, 16).
#[derive(Clone, Debug)]
pub struct Postgres {
    /// Events and operations. `None` in development: the binary starts a private cluster.
    pub events: Option<Secret<String>>,
    /// Views; the events' when not given.
    pub views: Option<Secret<String>>,
    /// Subject keys; the events' when not given, which production refuses.
    pub vault: Option<Secret<String>>,
    /// Connections of one pool.
    pub connections_max: u32,
}

/// `KAFKA_BROKERS`, `KAFKA_TOPIC_PREFIX` (`ramen`), `KAFKA_PARTITIONS` (12),
/// `KAFKA_SECURITY_PROTOCOL` (`plaintext`).
#[derive(Clone, Debug)]
pub struct Kafka {
    /// `host:port`, separated by commas.
    pub brokers: String,
    /// First part of each topic's name.
    pub topic_prefix: String,
    /// Partitions of a topic that we create.
    pub partitions: u16,
    /// librdkafka's `security.protocol`: `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.
    pub security_protocol: String,
}

/// `RAMEN_LISTEN` (the process's public listener; 127.0.0.1:8080),
/// `RAMEN_HEALTH_LISTEN` (127.0.0.1:7072),
/// `RAMEN_SANDBOX_LISTEN` (127.0.0.1:7073), `RAMEN_SANDBOX_WEBHOOKS` (where the sandbox sends
/// them; none: the listener of this process), `RAMEN_TRUSTED_HOPS` (0), `RAMEN_CORS_ORIGINS` (none),
/// `RAMEN_RATE_QUOTA` (requests of one caller a minute; [`limits::RATE_QUOTA`]).
#[derive(Clone, Debug)]
pub struct Http {
    /// The process's public listener.
    pub listen: SocketAddr,
    /// `/livez`, `/readyz`, `/metrics`: not public.
    pub health_listen: SocketAddr,
    /// The vendors' simulators.
    pub sandbox_listen: SocketAddr,
    /// Origin of the API that the simulators send webhooks to; this process when not given.
    pub sandbox_webhooks: Option<String>,
    /// Proxies of ours in front: the client's address is so many places from the right of
    /// `X-Forwarded-For`. 0: the header is ignored.
    pub trusted_hops: usize,
    /// Origins that browsers may call from.
    pub cors_origins: Vec<String>,
    /// Requests of one caller in [`limits::RATE_WINDOW`].
    pub rate_quota: u32,
}

/// `RAMEN_TOKEN_KEYS` (`id:base64 of a 32-byte Ed25519 seed`, comma-separated: the first signs, all
/// verify), `RAMEN_TOKEN_ISSUER`, `RAMEN_TOKEN_AUDIENCE`.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Seeds by key id.
    pub keys: Vec<NamedKey>,
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
}

/// `RAMEN_VAULT_KEYS` (`id:base64 of 32 bytes`, comma-separated: the first wraps, all unwrap).
#[derive(Clone, Debug)]
pub struct Vault {
    /// Key-encryption keys by id.
    pub keys: Vec<NamedKey>,
}

/// 256 bits with a public name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedKey {
    /// The name: stored beside what the key made.
    pub id: String,
    /// The key.
    pub key: Secret<[u8; 32]>,
}

/// `RAMEN_CLOCK_ORIGIN` (RFC 3339; none: the machine's time), `RAMEN_CLOCK_ANCHOR` (the machine's time
/// at which the origin was shown; none: the start), `RAMEN_CLOCK_SPEED` (1).
#[derive(Clone, Copy, Debug)]
pub struct ClockSettings {
    /// What the clock shows at the anchor.
    pub origin: Option<DateTime<Utc>>,
    /// When it showed it. Processes that share it agree on the time.
    pub anchor: Option<DateTime<Utc>>,
    /// Marketplace seconds in one real second.
    pub speed: u32,
}

impl ClockSettings {
    /// The clock that these settings describe.
    pub fn clock(&self) -> crate::clock::Clock {
        let machine = crate::clock::Clock::system().now();
        let anchor = self.anchor.unwrap_or(machine);
        crate::clock::Clock::running(anchor, self.origin.unwrap_or(anchor), self.speed)
    }
}

/// `RAMEN_STRIPE_URL` (none: the sandbox), `RAMEN_STRIPE_SECRET_KEY`, `RAMEN_STRIPE_PUBLISHABLE_KEY`,
/// `RAMEN_STRIPE_WEBHOOK_SECRETS` (comma-separated: two while rotating).
#[derive(Clone, Debug)]
pub struct Stripe {
    /// Origin of the API. `None`: the sandbox on `RAMEN_SANDBOX_LISTEN`.
    pub url: Option<String>,
    /// `sk_…`.
    pub secret_key: Secret<String>,
    /// `pk_…`: public.
    pub publishable_key: String,
    /// `whsec_…`.
    pub webhook_secrets: Vec<Secret<String>>,
}

/// `RAMEN_LOG` (`info`; a tracing filter), `RAMEN_LOG_FORMAT` (`auto`, `pretty`, `json`).
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// Which lines are written.
    pub filter: String,
    /// How.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people when a terminal listens, JSON otherwise.
    Auto,
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// One setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The variable.
    pub name: String,
    /// Why not.
    pub reason: String,
}

/// Everything that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", list(.0))]
pub struct ConfigError(pub Vec<Fault>);

fn list(faults: &[Fault]) -> String {
    let lines: Vec<_> = faults
        .iter()
        .map(|fault| format!("{}: {}", fault.name, fault.reason))
        .collect();
    format!("unusable settings: {}", lines.join("; "))
}

/// The development keys are in the source for all to see, which is why production refuses them.
const DEV_TOKEN_KEY: &[u8; 32] = b"ramen development token key, 32!";
const DEV_VAULT_KEY: &[u8; 32] = b"ramen development vault key, 32!";
const DEV_STRIPE_SECRET: &str = "sk_test_sandbox";
const DEV_STRIPE_PUBLISHABLE: &str = "pk_test_sandbox";
const DEV_STRIPE_WEBHOOK: &str = "whsec_sandbox";

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`ConfigError`] with every variable that cannot be used.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&environment)
    }

    /// Reads settings from any source of variables.
    ///
    /// # Errors
    /// [`ConfigError`] with every variable that cannot be used.
    pub fn read(
        lookup: &dyn Fn(&str) -> Result<Option<String>, String>,
    ) -> Result<Self, ConfigError> {
        let mut vars = Vars {
            lookup,
            faults: Vec::new(),
        };
        let config = Self {
            stage: vars.choice(
                "RAMEN_ENV",
                &[
                    ("development", Stage::Development),
                    ("production", Stage::Production),
                ],
            ),
            postgres: Postgres::read(&mut vars),
            kafka: Kafka::read(&mut vars),
            http: Http::read(&mut vars),
            tokens: Tokens {
                keys: vars.keys("RAMEN_TOKEN_KEYS", DEV_TOKEN_KEY),
                issuer: vars.text("RAMEN_TOKEN_ISSUER", "https://ramen.invalid"),
                audience: vars.text("RAMEN_TOKEN_AUDIENCE", "ramen"),
            },
            vault: Vault {
                keys: vars.keys("RAMEN_VAULT_KEYS", DEV_VAULT_KEY),
            },
            clock: ClockSettings {
                origin: vars.optional("RAMEN_CLOCK_ORIGIN"),
                anchor: vars.optional("RAMEN_CLOCK_ANCHOR"),
                speed: vars.number("RAMEN_CLOCK_SPEED", 1, 1..=100_000),
            },
            stripe: Stripe {
                url: vars.optional("RAMEN_STRIPE_URL"),
                secret_key: Secret::new(vars.text("RAMEN_STRIPE_SECRET_KEY", DEV_STRIPE_SECRET)),
                publishable_key: vars.text("RAMEN_STRIPE_PUBLISHABLE_KEY", DEV_STRIPE_PUBLISHABLE),
                webhook_secrets: vars
                    .words("RAMEN_STRIPE_WEBHOOK_SECRETS", DEV_STRIPE_WEBHOOK)
                    .into_iter()
                    .map(Secret::new)
                    .collect(),
            },
            telemetry: Telemetry {
                filter: vars.text("RAMEN_LOG", "info"),
                format: vars.choice(
                    "RAMEN_LOG_FORMAT",
                    &[
                        ("auto", LogFormat::Auto),
                        ("pretty", LogFormat::Pretty),
                        ("json", LogFormat::Json),
                    ],
                ),
            },
            data_dir: PathBuf::from(vars.text("RAMEN_DIR", ".ramen")),
        };
        let mut faults = vars.faults;
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
        if self.stage == Stage::Development {
            return Vec::new();
        }
        let mut faults = Vec::new();
        let mut refuse = |wrong: bool, name: &str, reason: &str| {
            if wrong {
                faults.push(fault(name, reason));
            }
        };
        let has =
            |keys: &[NamedKey], key: &[u8; 32]| keys.iter().any(|named| named.key.expose() == key);
        refuse(
            has(&self.tokens.keys, DEV_TOKEN_KEY),
            "RAMEN_TOKEN_KEYS",
            "production needs a key of its own",
        );
        refuse(
            has(&self.vault.keys, DEV_VAULT_KEY),
            "RAMEN_VAULT_KEYS",
            "production needs a key of its own",
        );
        refuse(
            self.stripe.secret_key.expose() == DEV_STRIPE_SECRET,
            "RAMEN_STRIPE_SECRET_KEY",
            "production needs a key of its own",
        );
        refuse(
            self.stripe
                .webhook_secrets
                .iter()
                .any(|secret| secret.expose() == DEV_STRIPE_WEBHOOK),
            "RAMEN_STRIPE_WEBHOOK_SECRETS",
            "production needs a secret of its own",
        );
        refuse(
            !self.stripe.url.as_deref().is_some_and(is_remote_https),
            "RAMEN_STRIPE_URL",
            "production needs https and no sandbox",
        );
        refuse(
            self.clock.speed != 1 || self.clock.origin.is_some() || self.clock.anchor.is_some(),
            "RAMEN_CLOCK_SPEED",
            "production runs on the world's time",
        );
        refuse(
            self.kafka
                .as_ref()
                .is_some_and(|kafka| !kafka.security_protocol.ends_with("ssl")),
            "KAFKA_SECURITY_PROTOCOL",
            "production needs ssl or sasl_ssl",
        );
        refuse(
            cfg!(feature = "faults"),
            "RAMEN_ENV",
            "this build can inject faults",
        );
        faults.extend(self.postgres.refusals());
        faults
    }
}

impl Postgres {
    fn read(vars: &mut Vars<'_>) -> Self {
        let events = vars.database("DATABASE_URL");
        Self {
            views: vars
                .database("VIEWS_DATABASE_URL")
                .or_else(|| events.clone()),
            vault: vars
                .database("VAULT_DATABASE_URL")
                .or_else(|| events.clone()),
            events,
            connections_max: vars.number("RAMEN_DB_CONNECTIONS", 16, 1..=1_000),
        }
    }

    fn refusals(&self) -> Vec<Fault> {
        let named = [
            ("DATABASE_URL", &self.events),
            ("VIEWS_DATABASE_URL", &self.views),
            ("VAULT_DATABASE_URL", &self.vault),
        ];
        let mut faults = Vec::new();
        let mut servers = Vec::new();
        for (name, url) in named {
            let options = url
                .as_ref()
                .and_then(|url| PgConnectOptions::from_str(url.expose()).ok());
            match options {
                None => faults.push(fault(name, "production needs a server of its own")),
                Some(options) if is_plain(&options) => {
                    faults.push(fault(
                        name,
                        "production needs sslmode=verify-ca or verify-full",
                    ));
                }
                Some(_) => {}
            }
            let options = url
                .as_ref()
                .and_then(|url| PgConnectOptions::from_str(url.expose()).ok());
            servers
                .push(options.map(|options| (options.get_host().to_owned(), options.get_port())));
        }
        if servers[0].is_some() && servers[0] == servers[2] {
            let reason = "keys and what they lock must not share a server";
            faults.push(fault("VAULT_DATABASE_URL", reason));
        }
        faults
    }
}

impl Kafka {
    /// A broker on this machine, to be named.
    pub fn local() -> Self {
        Self {
            brokers: String::new(),
            topic_prefix: "ramen".to_owned(),
            partitions: 12,
            security_protocol: "plaintext".to_owned(),
        }
    }

    fn read(vars: &mut Vars<'_>) -> Option<Self> {
        let kafka = Self {
            brokers: vars.text("KAFKA_BROKERS", ""),
            topic_prefix: vars.text("KAFKA_TOPIC_PREFIX", "ramen"),
            partitions: vars.number("KAFKA_PARTITIONS", 12, 1..=1_000),
            security_protocol: vars.choice(
                "KAFKA_SECURITY_PROTOCOL",
                &[
                    ("plaintext", "plaintext".to_owned()),
                    ("ssl", "ssl".to_owned()),
                    ("sasl_plaintext", "sasl_plaintext".to_owned()),
                    ("sasl_ssl", "sasl_ssl".to_owned()),
                ],
            ),
        };
        (!kafka.brokers.is_empty()).then_some(kafka)
    }
}

impl Http {
    fn read(vars: &mut Vars<'_>) -> Self {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            listen: vars.parsed("RAMEN_LISTEN", local(8080)),
            health_listen: vars.parsed("RAMEN_HEALTH_LISTEN", local(7072)),
            sandbox_listen: vars.parsed("RAMEN_SANDBOX_LISTEN", local(7073)),
            sandbox_webhooks: vars.optional("RAMEN_SANDBOX_WEBHOOKS"),
            trusted_hops: vars.number("RAMEN_TRUSTED_HOPS", 0, 0..=8),
            cors_origins: vars.words("RAMEN_CORS_ORIGINS", ""),
            rate_quota: vars.number("RAMEN_RATE_QUOTA", limits::RATE_QUOTA, 1..=100_000_000),
        }
    }
}

fn fault(name: &str, reason: &str) -> Fault {
    Fault {
        name: name.to_owned(),
        reason: reason.to_owned(),
    }
}

fn is_plain(options: &PgConnectOptions) -> bool {
    let socket = options.get_socket().is_some() || options.get_host().starts_with('/');
    !socket
        && !matches!(
            options.get_ssl_mode(),
            PgSslMode::VerifyCa | PgSslMode::VerifyFull
        )
}

fn is_remote_https(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host);
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    !host.is_empty() && host != "localhost" && !address.is_ok_and(|address| address.is_loopback())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
fn environment(name: &str) -> Result<Option<String>, String> {
    match std::env::var(name) {
        Ok(value) => return Ok(Some(value)),
        Err(std::env::VarError::NotUnicode(_)) => return Err("is not UTF-8".to_owned()),
        Err(std::env::VarError::NotPresent) => {}
    }
    let Some(path) = std::env::var_os(format!("{name}_FILE")) else {
        return Ok(None);
    };
    match std::fs::read_to_string(&path) {
        Ok(value) => Ok(Some(value.trim_end_matches(['\r', '\n']).to_owned())),
        Err(error) => Err(format!(
            "cannot read {}: {error}",
            PathBuf::from(path).display()
        )),
    }
}

/// `RAMEN_FAULT`, for [`crate::fault`] alone.
#[cfg(feature = "faults")]
pub(crate) fn fault_plan() -> Option<String> {
    environment("RAMEN_FAULT").ok().flatten()
}

/// The server that tests make their databases on.
#[cfg(feature = "testing")]
pub(crate) fn test_database_url() -> Option<String> {
    environment("DATABASE_URL").ok().flatten()
}

/// The broker that tests may use.
#[cfg(feature = "testing")]
pub(crate) fn test_kafka_brokers() -> Option<String> {
    environment("KAFKA_BROKERS").ok().flatten()
}

/// Reads variables and collects what is wrong with them.
struct Vars<'a> {
    lookup: &'a dyn Fn(&str) -> Result<Option<String>, String>,
    faults: Vec<Fault>,
}

impl Vars<'_> {
    fn get(&mut self, name: &str) -> Option<String> {
        match (self.lookup)(name) {
            Ok(value) => value
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty()),
            Err(reason) => {
                self.refuse(name, &reason);
                None
            }
        }
    }

    fn refuse(&mut self, name: &str, reason: &str) {
        self.faults.push(fault(name, reason));
    }

    fn text(&mut self, name: &str, default: &str) -> String {
        self.get(name).unwrap_or_else(|| default.to_owned())
    }

    fn words(&mut self, name: &str, default: &str) -> Vec<String> {
        let text = self.text(name, default);
        text.split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn optional<T: FromStr>(&mut self, name: &str) -> Option<T>
    where
        T::Err: fmt::Display,
    {
        match self.get(name)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(name, &T::Err::to_string(&error));
                None
            }
        }
    }

    fn parsed<T: FromStr>(&mut self, name: &str, default: T) -> T
    where
        T::Err: fmt::Display,
    {
        self.optional(name).unwrap_or(default)
    }

    fn number<T>(&mut self, name: &str, default: T, range: std::ops::RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + fmt::Display,
        T::Err: fmt::Display,
    {
        let value = self.parsed(name, default);
        if !range.contains(&value) {
            let reason = format!("must be from {} to {}", range.start(), range.end());
            self.refuse(name, &reason);
        }
        value
    }

    /// One of several words; the first is the default.
    fn choice<T: Clone>(&mut self, name: &str, choices: &[(&str, T)]) -> T {
        let word = self.get(name);
        let found = match &word {
            None => choices.first(),
            Some(word) => choices.iter().find(|(known, _)| known == word),
        };
        if found.is_none() {
            let known: Vec<_> = choices.iter().map(|(known, _)| *known).collect();
            self.refuse(name, &format!("must be one of {}", known.join(", ")));
        }
        found
            .or(choices.first())
            .expect("every choice has a default")
            .1
            .clone()
    }

    /// A database address. The fault does not repeat it: it holds a password.
    fn database(&mut self, name: &str) -> Option<Secret<String>> {
        let url = self.get(name)?;
        let scheme = url.starts_with("postgres://") || url.starts_with("postgresql://");
        if !scheme || PgConnectOptions::from_str(&url).is_err() {
            self.refuse(name, "is no postgres:// address");
        }
        Some(Secret::new(url))
    }

    /// `id:base64` pairs. The fault repeats the id alone.
    fn keys(&mut self, name: &str, default: &[u8; 32]) -> Vec<NamedKey> {
        let words = self.words(name, "");
        if words.is_empty() {
            return vec![NamedKey {
                id: "development".to_owned(),
                key: Secret::new(*default),
            }];
        }
        let mut keys: Vec<NamedKey> = Vec::new();
        for word in words {
            let (id, encoded) = word.split_once(':').unwrap_or(("", ""));
            let bytes = STANDARD
                .decode(encoded)
                .ok()
                .and_then(|bytes| bytes.try_into().ok());
            match bytes {
                _ if !is_key_id(id) => {
                    self.refuse(
                        name,
                        "each key is id:base64, the id of 1-32 letters, digits, - or _",
                    );
                }
                None => self.refuse(name, &format!("key {id} is not the base64 of 32 bytes")),
                Some(_) if keys.iter().any(|key| key.id == id) => {
                    self.refuse(name, &format!("key {id} is given twice"));
                }
                Some(bytes) => keys.push(NamedKey {
                    id: id.to_owned(),
                    key: Secret::new(bytes),
                }),
            }
        }
        keys
    }
}

fn is_key_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=32).contains(&id.len()) && id.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn read(vars: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let vars: HashMap<_, _> = vars.iter().copied().collect();
        Config::read(&|name| Ok(vars.get(name).map(|value| (*value).to_owned())))
    }

    fn refused(vars: &[(&str, &str)]) -> Vec<String> {
        read(vars)
            .unwrap_err()
            .0
            .into_iter()
            .map(|fault| fault.name)
            .collect()
    }

    const KEY: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fn production() -> Vec<(&'static str, &'static str)> {
        vec![
            ("RAMEN_ENV", "production"),
            (
                "DATABASE_URL",
                "postgres://app@events.example/ramen?sslmode=verify-full",
            ),
            (
                "VAULT_DATABASE_URL",
                "postgres://vault@vault.example/ramen?sslmode=verify-full",
            ),
            ("RAMEN_TOKEN_KEYS", KEY),
            ("RAMEN_VAULT_KEYS", KEY),
            ("RAMEN_STRIPE_URL", "https://api.stripe.com/"),
            ("RAMEN_STRIPE_SECRET_KEY", "sk_live_x"),
            ("RAMEN_STRIPE_WEBHOOK_SECRETS", "whsec_a,whsec_b"),
        ]
    }

    #[test]
    fn development_needs_nothing() {
        let config = read(&[]).unwrap();
        assert_eq!(config.stage, Stage::Development);
        assert_eq!(config.clock.speed, 1);
        assert!(config.kafka.is_none() && config.postgres.events.is_none());
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let names = refused(&[
            ("RAMEN_ENV", "staging"),
            ("RAMEN_LISTEN", "nowhere"),
            ("RAMEN_CLOCK_SPEED", "0"),
            ("RAMEN_CLOCK_ORIGIN", "noon"),
            ("DATABASE_URL", "mysql://x"),
            ("RAMEN_VAULT_KEYS", "k1:short"),
        ]);
        for name in [
            "RAMEN_ENV",
            "RAMEN_LISTEN",
            "RAMEN_CLOCK_SPEED",
            "RAMEN_CLOCK_ORIGIN",
            "DATABASE_URL",
            "RAMEN_VAULT_KEYS",
        ] {
            assert!(
                names.iter().any(|found| found == name),
                "{name} is missing from {names:?}"
            );
        }
    }

    #[test]
    #[cfg(not(feature = "faults"))]
    fn production_starts_when_everything_is_safe() {
        let config = read(&production()).unwrap();
        assert_eq!(config.stripe.webhook_secrets.len(), 2);
    }

    #[test]
    fn production_refuses_each_unsafe_setting() {
        let cases = [
            ("RAMEN_TOKEN_KEYS", ""),
            ("RAMEN_VAULT_KEYS", ""),
            ("RAMEN_STRIPE_URL", ""),
            ("RAMEN_STRIPE_URL", "http://api.stripe.com"),
            ("RAMEN_STRIPE_URL", "https://127.0.0.1:7073"),
            ("RAMEN_STRIPE_URL", "https://[::1]:7073"),
            ("RAMEN_STRIPE_SECRET_KEY", ""),
            ("RAMEN_STRIPE_WEBHOOK_SECRETS", "whsec_sandbox"),
            ("RAMEN_CLOCK_SPEED", "60"),
            ("RAMEN_CLOCK_ORIGIN", "2026-01-01T00:00:00Z"),
            ("DATABASE_URL", "postgres://app@events.example/ramen"),
            ("DATABASE_URL", ""),
            (
                "VAULT_DATABASE_URL",
                "postgres://v@events.example/other?sslmode=verify-full",
            ),
        ];
        for (name, value) in cases {
            let mut vars = production();
            vars.retain(|(known, _)| *known != name);
            vars.push((name, value));
            let names = refused(&vars);
            let expected = if name == "RAMEN_CLOCK_ORIGIN" {
                "RAMEN_CLOCK_SPEED"
            } else {
                name
            };
            assert!(
                names.iter().any(|found| found == expected),
                "{name}={value}: {names:?}"
            );
        }
        let mut vars = production();
        vars.push(("KAFKA_BROKERS", "b:9092"));
        assert!(refused(&vars).contains(&"KAFKA_SECURITY_PROTOCOL".to_owned()));
    }

    #[test]
    fn secrets_do_not_print() {
        let config = read(&[
            ("DATABASE_URL", "postgres://app:hunter2@db/ramen"),
            ("RAMEN_STRIPE_SECRET_KEY", "sk_live_hunter2"),
            ("RAMEN_VAULT_KEYS", KEY),
        ])
        .unwrap();
        let printed = format!("{config:?}");
        assert!(!printed.contains("hunter2") && !printed.contains("[0, 0"));
        let error = read(&[("DATABASE_URL", "nonsense:hunter2")])
            .unwrap_err()
            .to_string();
        assert!(error.contains("DATABASE_URL") && !error.contains("hunter2"));
    }

    #[test]
    fn keys_keep_their_order_and_refuse_repeats() {
        let two = format!("{KEY},k2:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
        let config = read(&[("RAMEN_TOKEN_KEYS", &two)]).unwrap();
        let ids: Vec<_> = config
            .tokens
            .keys
            .iter()
            .map(|key| key.id.as_str())
            .collect();
        assert_eq!(ids, ["k1", "k2"]);
        assert_eq!(
            refused(&[("RAMEN_TOKEN_KEYS", &format!("{KEY},{KEY}"))]),
            ["RAMEN_TOKEN_KEYS"]
        );
    }
}
