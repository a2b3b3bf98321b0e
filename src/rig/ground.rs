//! What a rig stands on: a database and topics of its own, on services that are given, or on private
//! ones that end with it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use infra::clock::Clock;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::local::Proxied;

/// A private Kafka starts in seconds; the first time its jars are downloaded.
const READY_WITHIN: Duration = Duration::from_mins(5);
/// Postgres and Kafka write what they hold before they end.
const END_WITHIN: Duration = Duration::from_mins(1);

/// Services to use. Nothing of the environment is read: a rig must not come near the marketplace that is
/// configured there.
#[derive(Args, Clone, Debug)]
pub(crate) struct GroundArgs {
    /// A Postgres whose superuser may make a database for the run; a private one is started without it
    #[arg(long)]
    database_url: Option<String>,
    /// Kafka brokers (`host:port,…`) for topics of the run; private ones are started without a Postgres
    #[arg(long, requires = "database_url")]
    kafka_brokers: Option<String>,
    /// The broker's listener behind a proxy; private services alone have one.
    #[arg(skip)]
    kafka_proxied: Option<Proxied>,
}

impl GroundArgs {
    /// Private services, whose broker has a listener behind a proxy.
    pub(crate) fn behind_proxy(kafka: Proxied) -> Self {
        Self {
            database_url: None,
            kafka_brokers: None,
            kafka_proxied: Some(kafka),
        }
    }
}

/// A database and topics.
pub(crate) struct Ground {
    database_url: String,
    kafka_brokers: Option<String>,
    topic_prefix: String,
    held: Held,
}

enum Held {
    /// The child that runs Postgres and Kafka until its standard input closes.
    Private(Child),
    /// The database that we made on a server of somebody else.
    Database(Box<PgConnectOptions>, String),
}

impl Ground {
    /// Makes a database on the services that `args` names, or starts private ones in `folder`.
    ///
    /// # Errors
    /// When they do not come up or refuse.
    pub(super) async fn prepare(args: &GroundArgs, folder: &Path) -> anyhow::Result<Self> {
        match &args.database_url {
            Some(url) => Self::given(url, args.kafka_brokers.clone()).await,
            None => Self::private(folder, args.kafka_proxied).await,
        }
    }

    async fn given(url: &str, kafka_brokers: Option<String>) -> anyhow::Result<Self> {
        let server = infra::postgres::options(url)?;
        let name = format!("ramen_rig_{}", Clock::system().fresh_id().simple());
        let mut admin = server.connect().await.context("the given Postgres")?;
        admin
            .execute(format!("CREATE DATABASE {name}").as_str())
            .await?;
        admin.close().await?;
        Ok(Self {
            database_url: server.clone().database(&name).to_url_lossy().to_string(),
            kafka_brokers,
            topic_prefix: name.replace('_', "-"),
            held: Held::Database(Box::new(server), name),
        })
    }

    async fn private(folder: &Path, proxied: Option<Proxied>) -> anyhow::Result<Self> {
        // Postgres may run as another user, who has to pass through.
        let dir = folder.join("services");
        std::fs::create_dir_all(&dir)?;
        let log = std::fs::File::create(folder.join("services.log"))?;
        let mut child = Command::new(std::env::current_exe()?)
            .args(["local-services", "--throwaway", "--dir"])
            .arg(&dir)
            .args(proxied.map(|Proxied { listen, advertised }| {
                format!("--kafka-proxied={listen}:{advertised}")
            }))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            // Not killed on drop: it ends them in order when its standard input closes.
            .process_group(0)
            .spawn()
            .context("cannot start Postgres and Kafka")?;
        let said = tokio::time::timeout(READY_WITHIN, addresses(&mut child)).await;
        let (database_url, kafka_brokers) = said.context("Postgres and Kafka take too long")??;
        Ok(Self {
            database_url,
            kafka_brokers,
            topic_prefix: "ramen".to_owned(),
            held: Held::Private(child),
        })
    }

    /// Where the database is; holds the password.
    pub(crate) fn database_url(&self) -> &str {
        &self.database_url
    }

    /// `host:port,…`; none when there is no broker on this machine.
    pub(crate) fn kafka_brokers(&self) -> Option<&str> {
        self.kafka_brokers.as_deref()
    }

    /// First part of the topics' names.
    pub(crate) fn topic_prefix(&self) -> &str {
        &self.topic_prefix
    }

    /// Ends what was started, or drops what was made.
    ///
    /// # Errors
    /// When something had to be killed or cannot be dropped.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        match self.held {
            Held::Private(mut child) => {
                drop(child.stdin.take());
                let ended = tokio::time::timeout(END_WITHIN, child.wait()).await;
                let status = ended.context("Postgres and Kafka do not stop")??;
                anyhow::ensure!(
                    status.success(),
                    "Postgres and Kafka ended badly ({status})"
                );
                Ok(())
            }
            Held::Database(server, name) => {
                let mut admin = server.connect().await?;
                let sql = format!("DROP DATABASE {name} WITH (FORCE)");
                admin.execute(sql.as_str()).await?;
                Ok(())
            }
        }
    }
}

/// Reads what `local-services` says: variables, then `READY`.
async fn addresses(child: &mut Child) -> anyhow::Result<(String, Option<String>)> {
    let out = child.stdout.take().context("no output")?;
    let mut lines = BufReader::new(out).lines();
    let (mut database, mut kafka) = (None, None);
    while let Some(line) = lines.next_line().await? {
        match line.split_once('=') {
            Some(("DATABASE_URL", url)) => database = Some(url.to_owned()),
            Some(("KAFKA_BROKERS", brokers)) => kafka = Some(brokers.to_owned()),
            Some(_) => {}
            None if line == "READY" => {
                return Ok((database.context("no Postgres was named")?, kafka));
            }
            None => {}
        }
    }
    bail!("Postgres and Kafka did not start")
}
