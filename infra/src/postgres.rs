//! Pools, roles and migrations. Each schema has its own folder of migrations and its own owner.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool};

use crate::limits;

/// The database roles that the migrations make; a connection takes one and keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Appends events, numbers them, runs processes.
    App,
    /// Writes `views`, reads events.
    Projector,
    /// Reads `views`.
    Query,
    /// Reads everything but the vault.
    Checker,
    /// Reads and writes the vault's keys.
    Vault,
}

impl Role {
    /// When the server ends a statement; the checker reads everything there is.
    fn statement_max(self) -> Duration {
        match self {
            Self::App | Self::Query | Self::Vault => limits::STATEMENT_MAX,
            Self::Projector => limits::PROJECTOR_STATEMENT_MAX,
            Self::Checker => Duration::ZERO,
        }
    }

    fn statement(self) -> &'static str {
        match self {
            Self::App => "SET ROLE ramen_app",
            Self::Projector => "SET ROLE ramen_projector",
            Self::Query => "SET ROLE ramen_query",
            Self::Checker => "SET ROLE ramen_checker",
            Self::Vault => "SET ROLE ramen_vault",
        }
    }
}

/// Waiting for a free connection; beyond it the caller is told to come back (reliability §5).
const ACQUIRE_MAX: Duration = Duration::from_secs(1);

static ES: Migrator = sqlx::migrate!("../migrations/es");
static OPS: Migrator = sqlx::migrate!("../migrations/ops");
static AUTH: Migrator = sqlx::migrate!("../migrations/auth");
static VAULT: Migrator = sqlx::migrate!("../migrations/vault");
static VIEWS: Migrator = sqlx::migrate!("../migrations/views");

/// Brings every schema to this build's version. Safe to run twice and by two processes at once.
///
/// # Errors
/// When a migration fails or one that was applied has been edited since.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    for migrator in [&ES, &OPS, &AUTH, &VAULT, &VIEWS] {
        // The schemas share one table of applied versions, so each folder sees the others' rows.
        let migrator = Migrator {
            migrations: migrator.migrations.clone(),
            ignore_missing: true,
            locking: migrator.locking,
            no_tx: migrator.no_tx,
        };
        migrator.run(pool).await?;
    }
    Ok(())
}

/// A number that changes when any migration does: names the tests' template database.
#[cfg(feature = "testing")]
pub(crate) fn migrations_fingerprint() -> u64 {
    [&ES, &OPS, &AUTH, &VAULT, &VIEWS]
        .into_iter()
        .flat_map(|migrator| migrator.iter())
        .flat_map(|migration| migration.checksum.iter())
        // FNV-1a, 64 bits.
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

/// Connection options for `url`: no plan compilation, statements logged only when slow.
///
/// # Errors
/// When `url` is not a Postgres address.
pub fn options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    let options: PgConnectOptions = url.parse()?;
    Ok(options
        .options([("jit", "off")])
        // The server lets go of a client that has vanished, and of its locks, within half a minute.
        .options([
            ("tcp_keepalives_idle", "10"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "3"),
            ("tcp_user_timeout", "20000"),
        ])
        .log_statements(tracing::log::LevelFilter::Trace)
        .log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_millis(500)))
}

/// A pool of exactly `connections`, each of which has taken `role` and whose statements end when
/// they take longer than the role may. It connects when first used.
pub fn pool(options: PgConnectOptions, role: Role, connections: u32) -> PgPool {
    let statement_max = role.statement_max().as_millis().to_string();
    let options = options.options([("statement_timeout", statement_max.as_str())]);
    PgPoolOptions::new()
        .min_connections(connections.min(1))
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_MAX)
        .test_before_acquire(false)
        // Whoever gave up waiting on it leaves it here. Without a deadline it would be waited for on, and
        // its place in the pool be lost for as long as TCP believes in it.
        .after_release(|connection, _| {
            Box::pin(async {
                in_time(limits::DATABASE_DEADLINE, connection.ping()).await?;
                Ok(true)
            })
        })
        .after_connect(move |connection, _| Box::pin(take_role(connection, role)))
        .connect_lazy_with(options)
}

/// Gives up `work` with the connection it waits on when that takes longer than `within`: the server
/// ends its statements itself, so one that does not answer is not there.
///
/// # Errors
/// As `work`; an I/O error when it takes too long.
pub async fn in_time<T, E: From<sqlx::Error>>(
    within: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let late = || sqlx::Error::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
    tokio::time::timeout(within, work)
        .await
        .unwrap_or_else(|_| Err(late().into()))
}

/// Gives up the login's own rights for those of `role`.
///
/// # Errors
/// When the login may not take the role or the connection is gone.
pub async fn take_role(connection: &mut PgConnection, role: Role) -> Result<(), sqlx::Error> {
    connection.execute(role.statement()).await?;
    Ok(())
}
