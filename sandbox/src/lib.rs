//! The vendors on loopback: real wire protocols with their own ledgers, clocks and faults.
//!
//! The sandbox shares no code with the adapters that talk to it: it is written from the vendors'
//! documentation, so that a misunderstanding shows. So far it holds Stripe.
//!
//! Reading order: `world` (what the parts share, and the trait `Vendor`), `front` (one request),
//! `faults`, `webhooks`, `control` (`/_sim/`), then the vendor's folder. To add a vendor: a folder
//! with an implementation of `Vendor`, a variant in `world::Job`, a listener in `run`.

// The JSON of a whole charge has more fields than the macro expands by default.
#![recursion_limit = "256"]

mod call;
mod clock;
mod config;
mod control;
mod faults;
mod form;
mod front;
mod journal;
mod ledger;
mod pace;
mod random;
mod record;
mod serve;
mod stripe;
mod timers;
mod webhooks;
mod world;

use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use config::{Config, WebhookEndpoint, WebhookHabits};

use clock::Clock;
use faults::rules::Faults;
use front::Front;
use journal::Journal;
use random::Random;
use record::Record;
use stripe::{Stripe, signature};
use timers::Timers;
use webhooks::Webhooks;
use world::World;

/// Runs the Stripe simulator on `listener` until `stop`.
///
/// # Errors
/// When the state file cannot be read or written, or the HTTP client cannot be built.
pub async fn run(
    config: Config,
    listener: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let address = listener
        .local_addr()
        .context("the sandbox's listener has no address")?;
    let tasks = TaskTracker::new();
    let (records, journal, writer) = match &config.state_file {
        None => (Vec::new(), Journal::default(), None),
        Some(path) => {
            let (journal, writer) = journal::at(path);
            (journal::read(path).await?, journal, Some(writer))
        }
    };
    // Ids must differ from those of every earlier run, which the application may still know.
    let runs = records
        .iter()
        .find(|line| line.kind == "runs")
        .and_then(|line| line.value.as_u64());
    let runs = runs.unwrap_or_default();
    journal.note("runs", &(runs + 1));
    let world = Arc::new(World {
        seed: config.seed,
        clock: Clock::new(config.origin, config.anchor, config.speed),
        random: Random::new(config.seed, runs),
        record: Record::default(),
        faults: Faults::default(),
        timers: Timers::new(),
        webhooks: Webhooks::new(config.webhooks, config.webhook_endpoints, signature::sign)
            .context("building the webhook client")?,
        journal,
        tasks,
        stop,
    });
    let base_url = format!("http://{address}");
    let (secret, publishable) = (config.secret_key, config.publishable_key);
    let stripe = Stripe::new(world.clone(), base_url, secret, publishable, records)
        .context("restoring the records")?;
    let writing = writer.map(|writer| TaskTracker::new().spawn(writer.run()));
    let seed = config.seed;
    tracing::info!(sandbox.address = %address, sandbox.seed = seed, "stripe sandbox listens");
    serve::serve(
        Front {
            world: world.clone(),
            vendor: Arc::new(stripe),
        },
        listener,
    )
    .await;
    drop(world);
    if let Some(writing) = writing {
        writing
            .await
            .context("waiting for the journal")?
            .context("writing the journal")?;
    }
    Ok(())
}
