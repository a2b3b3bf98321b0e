//! The private Postgres of a run: durable, on the real disk, one database for each arm.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use infra::postgres;
use serde::Serialize;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool};

use super::meter::{Processes, SqlMeter};
use crate::local::{self, FeedChoice, Purpose, ServiceArgs, Services};

/// What an arm's durability and speed depend on, as the server says it.
const SETTINGS: [&str; 9] = [
    "server_version",
    "fsync",
    "full_page_writes",
    "synchronous_commit",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "jit",
    "commit_delay",
];

/// A private server, until [`Server::stop`].
pub(super) struct Server {
    services: Services,
    args: ServiceArgs,
    /// Connected as superuser to the database that has `pg_stat_statements`.
    admin: PgPool,
    folder: PathBuf,
}

/// A database of one arm.
#[derive(Clone)]
pub(super) struct Database {
    /// Its name.
    pub(super) name: String,
    /// As superuser.
    pub(super) url: String,
}

/// One setting as the server has it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Setting {
    pub(super) name: String,
    pub(super) value: String,
}

impl Server {
    /// Starts Postgres, and Kafka when `feed` asks for it, with data in `folder`.
    ///
    /// # Errors
    /// When something does not come up.
    pub(super) async fn start(folder: &Path, feed: FeedChoice) -> anyhow::Result<Self> {
        let args = ServiceArgs::throwaway(folder, feed);
        let services = Services::start(&args, Purpose::Measure).await?;
        let options = postgres::options(&services.addresses().database_url)?;
        let admin = PgPoolOptions::new()
            .max_connections(2)
            .connect_with(options.database("postgres"))
            .await?;
        Ok(Self {
            services,
            args,
            admin,
            folder: folder.to_owned(),
        })
    }

    /// A new, empty database.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) async fn empty(&self, name: &str) -> anyhow::Result<Database> {
        let name = format!("bench_{name}");
        sqlx::raw_sql(&format!("CREATE DATABASE {name}"))
            .execute(&self.admin)
            .await
            .with_context(|| format!("the database {name} cannot be made"))?;
        let (server, _) = self
            .services
            .addresses()
            .database_url
            .rsplit_once('/')
            .context("an address without a database")?;
        Ok(Database {
            url: format!("{server}/{name}"),
            name,
        })
    }

    /// A new database with our schemas.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) async fn migrated(&self, name: &str) -> anyhow::Result<Database> {
        let database = self.empty(name).await?;
        let pool = PgPool::connect_with(database.options()?).await?;
        postgres::migrate(&pool).await?;
        pool.close().await;
        Ok(database)
    }

    /// Gives a database up.
    ///
    /// # Errors
    /// When the server does not.
    pub(super) async fn drop(&self, database: &Database) -> anyhow::Result<()> {
        let statement = format!("DROP DATABASE {} WITH (FORCE)", database.name);
        sqlx::raw_sql(&statement).execute(&self.admin).await?;
        Ok(())
    }

    /// Writes all dirty pages, so that no block pays for the one before it.
    ///
    /// # Errors
    /// When the server does not.
    pub(super) async fn checkpoint(&self) -> anyhow::Result<()> {
        sqlx::raw_sql("CHECKPOINT").execute(&self.admin).await?;
        Ok(())
    }

    /// Whose processor time belongs to a block.
    pub(super) fn processes(&self) -> Processes {
        let (postmaster, broker) = self.services.process_ids();
        Processes {
            postmaster,
            broker,
            other: None,
        }
    }

    /// Counts the statements of a database.
    pub(super) fn sql_meter(&self, database: &Database) -> SqlMeter {
        SqlMeter::new(self.admin.clone(), &database.name)
    }

    /// The broker, when there is one.
    pub(super) fn brokers(&self) -> Option<String> {
        self.services.addresses().kafka_brokers.clone()
    }

    /// Where the server's data is: the disk that is measured.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// How a program of the server is run.
    ///
    /// # Errors
    /// When it is not there.
    pub(super) fn program(&self, name: &str) -> anyhow::Result<tokio::process::Command> {
        local::postgres_program(&self.args, name)
    }

    /// The settings that count, read back.
    ///
    /// # Errors
    /// When the server cannot be asked, or is not durable: figures of such a run would mean nothing.
    pub(super) async fn settings(&self) -> anyhow::Result<Vec<Setting>> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT name, current_setting(name) FROM unnest($1::text[]) WITH ORDINALITY s (name, place)
             ORDER BY place",
        )
        .bind(SETTINGS.map(str::to_owned).to_vec())
        .fetch_all(&self.admin)
        .await?;
        for (name, value) in &rows {
            let must_be_on = ["fsync", "full_page_writes", "synchronous_commit"];
            anyhow::ensure!(
                !must_be_on.contains(&name.as_str()) || value == "on",
                "{name} is {value}: what is measured would not be durable"
            );
        }
        Ok(rows
            .into_iter()
            .map(|(name, value)| Setting { name, value })
            .collect())
    }

    /// Stops the server and throws its data away.
    ///
    /// # Errors
    /// When something had to be killed.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.admin.close().await;
        self.services.stop().await
    }
}

impl Database {
    /// How to connect.
    ///
    /// # Errors
    /// When the address does not read.
    pub(super) fn options(&self) -> anyhow::Result<PgConnectOptions> {
        Ok(postgres::options(&self.url)?)
    }

    /// A connection of its own as superuser, for verifying and cleaning.
    ///
    /// # Errors
    /// When it cannot connect.
    pub(super) async fn connect(&self) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::connect_with(&self.options()?).await?)
    }
}
