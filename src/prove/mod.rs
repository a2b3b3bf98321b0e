//! `ramen prove`: the promises of `docs/reliability.md` put to the proof on a marketplace of real processes
//! (`rig`), with real traffic (`simulate`), and judged by the checker (`check`).
//!
//! Reading order: `evening` (what every proof stands in), then the proofs: `kill`, `faults`, `load`.

mod evening;
mod faults;
mod kill;
mod load;

use clap::Subcommand;
use infra::telemetry::{self, Telemetry};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::config_from_environment;

/// What is to be proved.
#[derive(Subcommand, Clone, Debug)]
pub(crate) enum ProveArgs {
    /// Processes killed, stopped and made to panic at every kill point lose nothing and come back
    Kill(kill::KillArgs),
    /// The same request many times at once, to two command APIs, is executed once
    Load(load::LoadArgs),
    /// Postgres, Kafka and Stripe that are away, slow or wrong do no harm, and what waited for them is done
    Faults(faults::FaultsArgs),
}

/// Proves it, and prints a report.
///
/// # Errors
/// When something is not as promised, or could not be tried.
pub(crate) async fn run(args: ProveArgs) -> anyhow::Result<()> {
    match args {
        ProveArgs::Kill(args) => kill::run(args).await,
        ProveArgs::Load(args) => load::run(args).await,
        ProveArgs::Faults(args) => faults::run(args).await,
    }
}

/// Does the work with logs of errors alone. Interrupted, the work is dropped, and with it the rig and all its
/// processes.
async fn until_interrupted(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let mut telemetry = config_from_environment()?.telemetry;
    if telemetry.filter == "info" {
        "error".clone_into(&mut telemetry.filter);
    }
    let Telemetry { traces, .. } = telemetry::init(&telemetry)?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let proved = tokio::select! {
        proved = work => proved,
        _ = interrupt.recv() => Err(anyhow::anyhow!("interrupted")),
        _ = terminate.recv() => Err(anyhow::anyhow!("terminated")),
    };
    traces.flush().await;
    proved
}
