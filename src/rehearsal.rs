//! `ramen simulate`: a stack of its own on a fast clock, a day played on it, a report.

use std::path::Path;

use anyhow::Context as _;
use infra::config::Config;
use infra::telemetry::{self, Telemetry};

use crate::check::{self, CheckArgs};
use crate::cli::config_from_environment;
use crate::client::{History, Recording};
use crate::demo::paper::Paper;
use crate::door;
use crate::local::{Purpose, ServiceArgs, Services as Local};
use crate::services::configured;
use crate::simulate::{self, Day, Played, Scene, SimulateArgs};
use crate::stack::{self, Services, Stack};

/// Requests of one caller a minute of the fast clock: the day's people call from one address.
const RATE_QUOTA: u32 = 100_000_000;
/// Where the last day's history is kept, in the data folder.
const HISTORY: &str = "simulated/history.jsonl";

/// Plays the day that `args` name and prints what became of it.
///
/// # Errors
/// When the stack does not start, the day cannot be played, an order does not end as it was meant to,
/// or the books do not agree afterwards.
pub(crate) async fn simulate(args: SimulateArgs) -> anyhow::Result<()> {
    let Config {
        mut telemetry,
        data_dir,
        ..
    } = config_from_environment()?;
    if telemetry.filter == "info" {
        "error".clone_into(&mut telemetry.filter);
    }
    let Telemetry { traces, .. } = telemetry::init(&telemetry)?;
    let day = args.day()?;
    simulate::announce(&day, args.speed(&day));
    let kept = data_dir.join(HISTORY);
    let history = History::begin(kept.parent().context("a file in no folder")?)?;
    let folder = tempfile::Builder::new()
        .prefix("ramen-simulate.")
        .tempdir()?;
    let services = ServiceArgs::throwaway(folder.path(), args.feed());
    let local = Local::start(&services, Purpose::Throwaway).await?;
    let config = configured(defaults()?, local.addresses(), folder.path());
    let played = play(config, &args, &day, history, &kept).await;
    traces.flush().await;
    local.stop().await?;
    played
}

/// The settings of a stack on any free ports. Nothing of the environment is in them: a rehearsal must
/// not reach the databases, vendors and keys of the marketplace that is configured there.
fn defaults() -> anyhow::Result<Config> {
    let mut config = Config::read(&|_| Ok(None))?;
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    config.http.listen = any;
    config.http.health_listen = any;
    config.http.sandbox_listen = any;
    config.http.rate_quota = RATE_QUOTA;
    Ok(config)
}

async fn play(
    mut config: Config,
    args: &SimulateArgs,
    day: &Day,
    history: History,
    kept: &Path,
) -> anyhow::Result<()> {
    stack::migrate(&config).await?;
    let speed = args.speed(day);
    config.clock.speed = speed;
    config.clock.origin = Some(simulate::origin(day, speed)?);
    // Every clock of the rehearsal counts from the same moment.
    config.clock.anchor = Some(infra::clock::Clock::system().now());
    let metrics = telemetry::Metrics::detached();
    let stack = Stack::start(&config, Services::all(), metrics).await?;
    let ended = play_on(&config, &stack, args, day, history, kept).await;
    let stopped = stack.tasks.shut_down().await;
    let (played, are_clean) = ended?;
    stopped.context("the stack did not stop cleanly")?;
    let strayed = played.tally.strayed();
    anyhow::ensure!(are_clean, "the books do not agree");
    anyhow::ensure!(
        strayed == 0,
        "{strayed} orders did not end as they were meant to"
    );
    Ok(())
}

/// Plays the day on a running stack, reports, and checks the books: are they clean?
async fn play_on(
    config: &Config,
    stack: &Stack,
    args: &SimulateArgs,
    day: &Day,
    history: History,
    kept: &Path,
) -> anyhow::Result<(Played, bool)> {
    let recording = Recording::of(&stack.base, &history, args.seed()).await?;
    let (tokens, logins) = (stack.tokens.clone(), stack.logins.clone());
    let clock = stack.clock.clone();
    let scene = Scene {
        door: door::door(&stack.base, clock.clone(), tokens, logins, Some(recording))?,
        vendor: stack.vendor.clone(),
        clock,
    };
    let played = simulate::play(day, &scene, args.seed()).await;
    let written = history.finish().await?;
    if let Ok(played) = &played {
        simulate::report(played, config.clock.speed, scene.door.api());
    }
    let paper = Paper::new();
    let verdict = match &played {
        Ok(_) => {
            paper.heading("The books, read by code that shares nothing with the marketplace's");
            Some(check::run(books(config, stack, written.path())?).await)
        }
        Err(_) => None,
    };
    written.keep(kept)?;
    paper.heading("What every client sent and was answered");
    Paper::line(format!(
        "is in {}, until the next day is played: a line of JSON for each write",
        kept.display()
    ));
    let played = played?;
    let is_clean = verdict
        .transpose()?
        .is_some_and(|verdict| verdict.is_clean());
    Ok((played, is_clean))
}

/// What the checker is to look at: everything that the rehearsal has left.
fn books(config: &Config, stack: &Stack, history: &Path) -> anyhow::Result<CheckArgs> {
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
        history: Some(history.to_owned()),
        verifiers: stack.verifiers.clone(),
        json: false,
        full: true,
        live: check::LiveArgs::default(),
    })
}
