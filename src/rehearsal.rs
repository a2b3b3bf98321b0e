//! `ramen simulate`: a stack of its own on a fast clock, a day played on it, a report.

use anyhow::Context as _;
use infra::config::Config;
use infra::telemetry;

use crate::check::{self, CheckArgs};
use crate::cli::config_from_environment;
use crate::door;
use crate::local::{Purpose, ServiceArgs, Services as Local};
use crate::services::configured;
use crate::simulate::{self, Scene, SimulateArgs};
use crate::stack::{self, Services, Stack};

/// Requests of one caller a minute of the fast clock: the day's people call from one address.
const RATE_QUOTA: u32 = 100_000_000;

/// Plays the day that `args` name and prints what became of it.
///
/// # Errors
/// When the stack does not start, the day cannot be played, or the books do not agree afterwards.
pub(crate) async fn simulate(args: SimulateArgs) -> anyhow::Result<()> {
    let mut config = config_from_environment()?;
    if config.telemetry.filter == "info" {
        "error".clone_into(&mut config.telemetry.filter);
    }
    telemetry::init(&config.telemetry)?;
    let day = args.day()?;
    let speed = args.speed(&day);
    simulate::announce(&day, speed);
    let folder = tempfile::Builder::new()
        .prefix("ramen-simulate.")
        .tempdir()?;
    let services = ServiceArgs::throwaway(folder.path(), args.feed());
    let local = Local::start(&services, Purpose::Throwaway).await?;
    let played = play(config, &local, &args, folder.path()).await;
    local.stop().await?;
    played
}

async fn play(
    config: Config,
    local: &Local,
    args: &SimulateArgs,
    folder: &std::path::Path,
) -> anyhow::Result<()> {
    let day = args.day()?;
    let speed = args.speed(&day);
    let mut config = configured(config, local.addresses(), folder);
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    config.http.listen = any;
    config.http.health_listen = any;
    config.http.sandbox_listen = any;
    config.http.rate_quota = RATE_QUOTA;
    stack::migrate(&config).await?;
    config.clock.speed = speed;
    config.clock.origin = Some(simulate::origin(&day, speed)?);
    // Every clock of the rehearsal counts from the same moment.
    config.clock.anchor = Some(infra::clock::Clock::system().now());
    let metrics = telemetry::Metrics::detached();
    let stack = Stack::start(&config, Services::all(), metrics).await?;
    let (tokens, logins) = (stack.tokens.clone(), stack.logins.clone());
    let scene = Scene {
        door: door::door(&stack.base, stack.clock.clone(), tokens, logins)?,
        vendor: stack.vendor.clone(),
        clock: stack.clock.clone(),
    };
    let played = simulate::play(&day, &scene, args.seed()).await;
    if let Ok(played) = &played {
        simulate::report(played, scene.door.api().latencies());
    }
    let verdict = match &played {
        Ok(_) => Some(check::run(books(&config, &stack)?).await),
        Err(_) => None,
    };
    stack
        .tasks
        .shut_down()
        .await
        .context("the stack did not stop cleanly")?;
    played?;
    let clean = verdict
        .transpose()?
        .is_some_and(|verdict| verdict.is_clean());
    anyhow::ensure!(clean, "the books do not agree");
    Ok(())
}

/// What the checker is to look at: everything that the rehearsal has left.
fn books(config: &Config, stack: &Stack) -> anyhow::Result<CheckArgs> {
    let url = config
        .postgres
        .events
        .as_ref()
        .context("the rehearsal has no database")?;
    Ok(CheckArgs {
        database_url: url.expose().clone(),
        views_url: None,
        kafka_brokers: config.kafka.as_ref().map(|kafka| kafka.brokers.clone()),
        topic_prefix: "ramen".to_owned(),
        sandbox_url: Some(stack.vendor.clone()),
        index: Some(config.data_dir.join("search")),
        history: None,
        verifiers: stack.verifiers.clone(),
        json: false,
        full: true,
    })
}
