//! Postgres and Kafka together: those that are given are used, the others started.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, bail};

use super::kafka::{Broker, Kafka};
use super::postgres::Postgres;
use super::{FeedChoice, Purpose, ServiceArgs, place};
use crate::console;

/// Where the services are.
#[derive(Clone)]
pub(crate) struct Addresses {
    /// A Postgres with PostGIS and the role that owns everything; holds the password.
    pub(crate) database_url: String,
    /// `host:port,…`; none means that the store feed is used.
    pub(crate) kafka_brokers: Option<String>,
}

/// The services of this machine, running until [`Services::stop`].
pub(crate) struct Services {
    addresses: Addresses,
    postgres: Option<Postgres>,
    kafka: Option<Box<Kafka>>,
    /// Held while we run, so that two runs never share one folder.
    _lock: File,
}

impl Services {
    /// Uses what `args` names and starts the rest, both at once.
    ///
    /// # Errors
    /// When another run holds the folder, or something does not come up.
    pub(crate) async fn start(args: &ServiceArgs, purpose: Purpose) -> anyhow::Result<Self> {
        let lock = lock(&args.dir)?;
        let cache = args.cache_dir();
        let (postgres, kafka) = tokio::join!(
            start_postgres(args, &cache, purpose),
            start_kafka(args, &cache, purpose),
        );
        let (postgres, kafka) = match (postgres, kafka) {
            (Ok(postgres), Ok(kafka)) => (postgres, kafka),
            (postgres, kafka) => {
                let failed = postgres.as_ref().err().or(kafka.as_ref().err());
                let message = failed.map_or_else(String::new, |error| format!("{error:#}"));
                stop_both(postgres.ok().flatten(), kafka.ok().flatten()).await?;
                bail!(message);
            }
        };
        let database_url = match (&postgres, &args.database_url) {
            (Some(postgres), _) => postgres.url.clone(),
            (None, Some(url)) => url.clone(),
            (None, None) => bail!("no Postgres was given or started"),
        };
        let kafka_brokers = kafka
            .as_ref()
            .map(|kafka| kafka.brokers.clone())
            .or(args.kafka_brokers.clone())
            .filter(|_| args.feed == FeedChoice::Kafka);
        let addresses = Addresses {
            database_url,
            kafka_brokers,
        };
        Ok(Self {
            addresses,
            postgres,
            kafka,
            _lock: lock,
        })
    }

    /// Where they are.
    pub(crate) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The process ids of the Postgres and the broker that were started here.
    pub(crate) fn process_ids(&self) -> (Option<u32>, Option<u32>) {
        let postgres = self.postgres.as_ref().and_then(Postgres::id);
        let kafka = self.kafka.as_ref().and_then(|kafka| kafka.id());
        (postgres, kafka)
    }

    /// Waits until one of them ends by itself, and says which and how.
    pub(crate) async fn died(&mut self) -> anyhow::Error {
        let postgres = async {
            match &mut self.postgres {
                Some(postgres) => postgres.died().await,
                None => std::future::pending().await,
            }
        };
        let kafka = async {
            match &mut self.kafka {
                Some(kafka) => kafka.died().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            error = postgres => error,
            error = kafka => error,
        }
    }

    /// Stops what was started here.
    ///
    /// # Errors
    /// When something had to be killed.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        stop_both(self.postgres, self.kafka).await
    }
}

async fn start_postgres(
    args: &ServiceArgs,
    cache: &Path,
    purpose: Purpose,
) -> anyhow::Result<Option<Postgres>> {
    if args.database_url.is_some() {
        console::progress("postgres   the one of DATABASE_URL");
        return Ok(None);
    }
    let begun = Instant::now();
    let postgres = Postgres::start(&args.dir, cache, purpose).await?;
    let seconds = begun.elapsed().as_secs_f32();
    console::progress(format!(
        "postgres   ready on 127.0.0.1:{} ({seconds:.1} s)",
        postgres.port
    ));
    Ok(Some(postgres))
}

async fn start_kafka(
    args: &ServiceArgs,
    cache: &Path,
    purpose: Purpose,
) -> anyhow::Result<Option<Box<Kafka>>> {
    if args.feed == FeedChoice::Store {
        console::progress("kafka      none: the store feed was asked for");
        return Ok(None);
    }
    if let Some(brokers) = &args.kafka_brokers {
        console::progress(format!("kafka      the one at {brokers}"));
        return Ok(None);
    }
    let begun = Instant::now();
    match Kafka::start(&args.dir, cache, purpose, args.kafka_proxied).await? {
        Broker::Running(kafka) => {
            let seconds = begun.elapsed().as_secs_f32();
            console::progress(format!(
                "kafka      ready on {} ({seconds:.1} s)",
                kafka.brokers
            ));
            Ok(Some(kafka))
        }
        Broker::Unavailable(reason) => {
            let reason = reason.replace('\n', " ");
            console::progress(format!("kafka      none, the store feed is used: {reason}"));
            Ok(None)
        }
    }
}

async fn stop_both(postgres: Option<Postgres>, kafka: Option<Box<Kafka>>) -> anyhow::Result<()> {
    let postgres = async {
        match postgres {
            Some(postgres) => postgres.stop().await,
            None => Ok(()),
        }
    };
    let kafka = async {
        match kafka {
            Some(kafka) => kafka.stop().await,
            None => Ok(()),
        }
    };
    let (postgres, kafka) = tokio::join!(postgres, kafka);
    postgres.and(kafka)
}

/// Takes the folder for this run; the system gives it back when the process ends, however it ends.
fn lock(dir: &Path) -> anyhow::Result<File> {
    let path = place::absolute(dir)?.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    if file.try_lock().is_err() {
        bail!(
            "another ramen is running in {}; stop it first",
            dir.display()
        );
    }
    Ok(file)
}
