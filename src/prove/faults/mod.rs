//! `ramen prove faults`: between the services and what they depend on stand proxies that break the network while
//! people order. Of each fault it is taken down what callers saw of it, and how long after its end everything that had
//! waited was done; then the checker reads the books.
//!
//! Reading order: `cells` (what goes wrong with whom), `lines` (the proxies), `session` (one dependency: a rig, its
//! traffic, its cells, its books), `cell` (one fault from its beginning to quiet), `recovery`, `promise` (what callers
//! may see), `report`, `page` (the published table).

mod cell;
mod cells;
mod lines;
mod page;
mod promise;
mod recovery;
mod report;
mod session;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use infra::clock::Clock;

use cells::Dependency;
use report::Report;

/// What to break, for how long, and where to say what came of it.
#[derive(Args, Clone, Debug)]
pub(crate) struct FaultsArgs {
    /// Only this cell (`postgres:refuse`), or all of a dependency (`postgres`); may be repeated
    #[arg(long = "only", value_name = "CELL")]
    only: Vec<String>,
    /// No new cell begins after so many minutes, of which each dependency has its share
    #[arg(long)]
    minutes: Option<u64>,
    /// Seconds that a fault stays; a delay longer than that stays until the first of what it holds has come
    #[arg(long, default_value_t = 10)]
    hold: u64,
    /// Seed of the traffic and of what the proxies draw
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Also write the report there, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also write the table there, as the page that is published
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// The commit that the page and the report name
    #[arg(long, default_value = "unknown")]
    commit: String,
}

/// Breaks, checks and reports.
///
/// # Errors
/// When callers saw what was not promised, something did not recover in time, or the books do not agree.
pub(crate) async fn run(args: FaultsArgs) -> anyhow::Result<()> {
    super::until_interrupted(prove(&args)).await
}

async fn prove(args: &FaultsArgs) -> anyhow::Result<()> {
    let cells = cells::of(&args.only, Duration::from_secs(args.hold))?;
    let until = args
        .minutes
        .map(|minutes| Duration::from_secs(minutes * 60));
    let watch = Clock::system().stopwatch();
    let mut report = Report::new(args.commit.clone(), args.seed);
    let mut ahead = cells.len();
    for dependency in Dependency::ALL {
        let of_it = cells.iter().filter(|cell| cell.dependency == dependency);
        let of_it: Vec<_> = of_it.collect();
        let left = until.map(|until| until.saturating_sub(watch.elapsed()));
        let share = left.map(|left| share(left, of_it.len(), ahead));
        ahead -= of_it.len();
        Box::pin(session::run(args.seed, of_it, share, &mut report)).await?;
        // What has been seen is kept, whatever becomes of the rest.
        write(args, &report)?;
    }
    report.print();
    if !report.is_clean() {
        bail!("not everything was as promised");
    }
    Ok(())
}

/// The share of the time that is left for so many of the cells that are ahead.
fn share(left: Duration, cells: usize, ahead: usize) -> Duration {
    let of = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    left * of(cells) / of(ahead).max(1)
}

fn write(args: &FaultsArgs, report: &Report) -> anyhow::Result<()> {
    if let Some(path) = &args.json {
        std::fs::write(path, format!("{:#}\n", report.json()))?;
    }
    if let Some(path) = &args.page {
        std::fs::write(path, page::of(report))?;
    }
    Ok(())
}
