//! `up`, `all` and the single services: from settings to running, and back to stopped.

use std::path::Path;

use infra::config::{Config, Kafka, Secret, Stage};
use infra::telemetry::{self, Metrics, Telemetry};
use tokio_util::sync::CancellationToken;

use crate::cli::config_from_environment;
use crate::local::{self, Addresses, FeedChoice, ServiceArgs};
use crate::running::Running;
use crate::stack::{self, Services, Stack};
use crate::{console, demo, door};

/// Everything on a private Postgres and Kafka, in development with a demo marketplace when the store
/// is empty.
///
/// # Errors
/// When something does not start or dies.
pub(crate) async fn up(args: ServiceArgs) -> anyhow::Result<()> {
    marketplace(args).await
}

/// The same on the store feed, unless a broker is named.
///
/// # Errors
/// As [`up`].
pub(crate) async fn all(mut args: ServiceArgs) -> anyhow::Result<()> {
    if args.kafka_brokers.is_none() {
        args.feed = FeedChoice::Store;
    }
    marketplace(args).await
}

/// Some services, as the environment configures them, until a signal.
///
/// # Errors
/// When one does not start or ends by itself.
pub(crate) async fn some(services: Services) -> anyhow::Result<()> {
    let config = config_from_environment()?;
    let Telemetry { metrics, traces } = telemetry::init(&config.telemetry)?;
    let served = async {
        let stack = Stack::start(&config, services, metrics).await?;
        tracing::info!(address = %stack.base, health = %stack.health, "serving");
        stack.tasks.run_until_stopped().await?;
        anyhow::Ok(())
    };
    let served = served.await;
    traces.flush().await;
    served
}

async fn marketplace(args: ServiceArgs) -> anyhow::Result<()> {
    let mut config = config_from_environment()?;
    // People read what the services print; warnings belong there, the rest into a log.
    if config.telemetry.filter == "info" {
        "warn".clone_into(&mut config.telemetry.filter);
    }
    let Telemetry { metrics, traces } = telemetry::init(&config.telemetry)?;
    let dir = args.dir.clone();
    let served = local::up(&args, move |addresses, stop| async move {
        let config = configured(config, &addresses, &dir);
        let served = serve(&config, &addresses, &dir, metrics, stop).await;
        Running::gone(&dir);
        served
    });
    let served = served.await;
    traces.flush().await;
    served
}

/// `config` with what was started for it.
pub(crate) fn configured(mut config: Config, addresses: &Addresses, dir: &Path) -> Config {
    config.postgres.events = Some(Secret::new(addresses.database_url.clone()));
    config.kafka = addresses.kafka_brokers.as_ref().map(|brokers| Kafka {
        brokers: brokers.clone(),
        ..config.kafka.clone().unwrap_or_else(Kafka::local)
    });
    dir.clone_into(&mut config.data_dir);
    config
}

async fn serve(
    config: &Config,
    addresses: &Addresses,
    dir: &Path,
    metrics: Metrics,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    stack::migrate(config).await?;
    let stack = Stack::start(config, Services::all(), metrics).await?;
    Running {
        database_url: addresses.database_url.clone(),
        kafka_brokers: addresses.kafka_brokers.clone(),
        base: stack.base.clone(),
        vendor: stack.vendor.clone(),
        index: config.data_dir.join("search"),
        verifiers: stack.verifiers.clone(),
        started_at: stack.clock.now(),
    }
    .announce(dir)?;
    let ready = async {
        if config.stage == Stage::Development && is_empty(config).await? {
            let (tokens, logins) = (stack.tokens.clone(), stack.logins.clone());
            let door = door::door(&stack.base, stack.clock.clone(), tokens, logins, None)?;
            let shops = demo::load_demo_marketplace(&door).await?;
            console::progress(format!(
                "demo       {shops} shops of Taipei and Seoul are open"
            ));
        }
        welcome(&stack);
        anyhow::Ok(())
    };
    let began = tokio::select! {
        ready = ready => ready,
        () = stop.cancelled() => Ok(()),
    };
    if began.is_ok() {
        tokio::select! {
            () = stop.cancelled() => {}
            () = stack.tasks.stop().soft_owned() => {}
        }
    }
    stack.tasks.shut_down().await?;
    began
}

/// Whether nothing has ever happened here.
async fn is_empty(config: &Config) -> anyhow::Result<bool> {
    let Some(url) = &config.postgres.events else {
        return Ok(false);
    };
    let options = infra::postgres::options(url.expose())?;
    let pool = infra::postgres::pool(options, infra::postgres::Role::App, 1);
    let some = sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM es.events) AS "some!""#)
        .fetch_one(&pool)
        .await?;
    Ok(!some)
}

fn welcome(stack: &Stack) {
    let base = &stack.base;
    console::line(format!(
        "
Ramen is open.

  API           {base}/v1
  documentation {base}/docs
  health        {health}/readyz  {health}/metrics
  vendors       {vendor}/_sim    (the sandbox: Stripe on loopback)

Try:
  curl -s '{base}/v1/search?q=tonkotsu&near=25.0478,121.5170&radius_m=5000&limit=3'
  scripts/ramen demo             one bowl from cart to door
  scripts/ramen check            the books, checked independently

Ctrl-C stops everything; the data stays.",
        health = stack.health,
        vendor = stack.vendor,
    ));
}
