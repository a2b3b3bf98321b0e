//! `ramen bench`: paired measurements of what the design promises (docs: performance).
//!
//! Every figure that is compared comes from arms that ran in turns in the same minutes: ours, a *peer* built
//! from stock parts, and the *limit* that Postgres itself sets. Reading order: `goal`, `arm`, `rounds`, then a
//! file of `scenarios/`.

mod arm;
mod arms;
mod goal;
mod marketplace;
mod meter;
mod progress;
mod reader;
mod report;
mod responder;
mod rounds;
mod scenarios;
mod server;
mod statistic;
mod verify;
mod workload;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use infra::clock::Clock;

use crate::console;
use crate::local::FeedChoice;
use goal::Verdict;
use report::{Report, Run};
pub(crate) use responder::{ResponderArgs, respond};
use rounds::{Measured, Pace};
use scenarios::{ALL, Stage};
use server::Server;

/// Rounds and seconds of a block for figures that are published.
const WHOLE: (usize, u64) = (15, 2);
/// The same for the short run.
const SHORT: (usize, u64) = (7, 1);

/// What to measure.
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchArgs {
    /// Scenarios by name (`ramen bench list`), `all`, `ci` for the short run, or `compare A B`
    #[arg(required = true)]
    what: Vec<String>,
    /// Rounds; each runs every arm once
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds of a block
    #[arg(long)]
    seconds: Option<u64>,
    /// What the order of arms and the workloads are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where results go; each run has a folder of its own there
    #[arg(long, default_value = ".ramen/bench")]
    out: PathBuf,
}

/// What was measured means nothing: an arm failed or did wrong, or the machine was too busy.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the run is void")]
pub(crate) struct Void;

impl Void {
    /// What the process ends with.
    pub(crate) const EXIT_CODE: u8 = 2;
}

/// Measures, writes the results and prints them.
///
/// # Errors
/// [`Void`] when an arm fails or did wrong; otherwise when a gate is missed or something cannot be started.
pub(crate) async fn run(args: BenchArgs) -> anyhow::Result<()> {
    if let [what, one, other] = &args.what[..]
        && what == "compare"
    {
        return report::compare(one.as_ref(), other.as_ref());
    }
    if args.what == ["list"] {
        list();
        return Ok(());
    }
    let wanted = args.wanted()?;
    let clock = Clock::system();
    let report = Report::begin(&args.out, &clock)?;
    let run = measure(&args, &wanted, &report, &clock).await?;
    report.write(&run)?;
    console::line(run.table());
    console::line(format!("written to {}", report.folder().display()));
    match run.outcome() {
        Outcome::Met => Ok(()),
        Outcome::Missed => bail!("a gate was missed"),
        Outcome::Void => Err(Void.into()),
    }
}

fn list() {
    for listed in ALL {
        let ci = if listed.in_ci { "ci" } else { "" };
        console::line(format!("{:<8} {ci:<3} {}", listed.id, listed.about));
    }
}

/// Starts what the scenarios need, runs them, and stops it again.
async fn measure(
    args: &BenchArgs,
    wanted: &[&str],
    report: &Report,
    clock: &Clock,
) -> anyhow::Result<Run> {
    let folder = report.folder().join("services");
    let server = Server::start(&folder, FeedChoice::Store).await?;
    let stage = Stage {
        server: &server,
        clock,
        pace: args.pace(),
    };
    let measured = all(wanted, &stage).await.context(Void);
    let settings = server.settings().await;
    server.stop().await?;
    std::fs::remove_dir_all(&folder).context("the services' folder cannot be removed")?;
    Ok(Run::new(args, settings?, measured?))
}

async fn all(wanted: &[&str], stage: &Stage<'_>) -> anyhow::Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for id in wanted {
        measured.extend(scenarios::run(id, stage).await?);
    }
    Ok(measured)
}

impl BenchArgs {
    fn is_short(&self) -> bool {
        self.what == ["ci"]
    }

    fn wanted(&self) -> anyhow::Result<Vec<&str>> {
        let is_one = |word: &str| self.what == [word];
        if is_one("all") || is_one("ci") {
            let listed = ALL.iter().filter(|listed| is_one("all") || listed.in_ci);
            return Ok(listed.map(|listed| listed.id).collect());
        }
        for name in &self.what {
            let is_known = ALL.iter().any(|listed| listed.id == name);
            ensure!(
                is_known,
                "no scenario is named {name}; `ramen bench list` names them"
            );
        }
        Ok(self.what.iter().map(String::as_str).collect())
    }

    fn pace(&self) -> Pace {
        let (rounds, seconds) = if self.is_short() { SHORT } else { WHOLE };
        Pace {
            rounds: self.rounds.unwrap_or(rounds),
            block: Duration::from_secs(self.seconds.unwrap_or(seconds)),
            warm_up: Duration::from_secs(1),
            seed: self.seed,
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Every gate was met.
    Met,
    /// One was missed.
    Missed,
    /// What was measured means nothing.
    Void,
}

impl Outcome {
    fn of(verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        let mut outcome = Self::Met;
        for verdict in verdicts {
            outcome = match (outcome, verdict) {
                (Self::Void, _) | (_, Verdict::Void) => Self::Void,
                (Self::Missed, _) | (_, Verdict::Missed) => Self::Missed,
                (Self::Met, Verdict::Met | Verdict::Short | Verdict::Extraordinary) => Self::Met,
            };
        }
        outcome
    }
}
