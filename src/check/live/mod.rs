//! `ramen check --live`: the checker on a running system. It follows the log by position and checks what can be judged
//! without rest as events arrive; rows of the views once they have caught up with what was read.
//!
//! **What it remembers** is bounded: the folds of the last 10,000 streams that moved (a stream that was forgotten and
//! moves again is read anew from its beginning), open holds only of each stock among them, the last 100,000 attempts
//! that were captured, and the last 1,000 requests of a stream. A promotion is remembered with everybody who holds a
//! redemption of it, since its limits are about all of them.
//!
//! Reading order: `follow` (a round), `kept` (streams), then `money`, `unnumbered` and `samples`.

mod follow;
mod kept;
mod money;
mod outage;
mod reads;
mod samples;
mod unnumbered;

use std::pin::pin;
use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

pub(super) use follow::{Live, Progress};

use super::report::{Invariant, Report, Verdict};
use super::{CheckArgs, console};
use crate::local::StopSignals;

/// Between two looks at a log that has not grown.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How to follow a running system.
#[derive(Args, Clone, Debug)]
pub(crate) struct LiveArgs {
    /// Follow the log as it grows, on a running system, until Ctrl-C
    #[arg(long, conflicts_with = "full")]
    pub(crate) live: bool,
    /// With --live: begin after this position of the log
    #[arg(long, requires = "live", default_value_t = 0)]
    pub(crate) after: i64,
    /// With --live: seconds between two lines that say how far it is
    #[arg(long, requires = "live", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) every: u64,
    /// With --live: end after so many seconds
    #[arg(long = "for", requires = "live", value_name = "SECONDS")]
    pub(crate) seconds: Option<u64>,
}

impl Default for LiveArgs {
    fn default() -> Self {
        Self {
            live: false,
            after: 0,
            every: 60,
            seconds: None,
        }
    }
}

/// Follows the log until it is told to stop, and returns what it has found by then.
///
/// # Errors
/// When the database cannot be read for another reason than being away.
pub(super) async fn run(args: &CheckArgs) -> anyhow::Result<Verdict> {
    let mut live = Live::begin(args).await?;
    let mut signals = StopSignals::listen()?;
    let mut stop = pin!(async {
        tokio::select! {
            () = signals.next() => {}
            () = end(args.live.seconds) => {}
        }
    });
    let every = Duration::from_secs(args.live.every);
    let mut next_line = Instant::now() + every;
    loop {
        let progress = tokio::select! {
            biased;
            () = &mut stop => break,
            progress = live.advance() => progress?,
        };
        tell(args, &mut live);
        if Instant::now() >= next_line {
            say(args, live.line());
            next_line = Instant::now() + every;
        }
        if progress == Progress::Idle {
            tokio::select! {
                () = &mut stop => break,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }
    tell(args, &mut live);
    say(args, live.line());
    Ok(live.end())
}

async fn end(seconds: Option<u64>) {
    match seconds {
        Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        None => std::future::pending().await,
    }
}

/// Says each violation, and each change between waiting and reading, as soon as it is known.
fn tell(args: &CheckArgs, live: &mut Live) {
    for (invariant, what) in live.untold() {
        say(args, format!("{invariant:<9} violated: {what}"));
    }
    if let Some(news) = live.news() {
        console::progress(format!("check      {news}"));
    }
}

/// A line of the answer; beside it where the answer is JSON.
fn say(args: &CheckArgs, line: String) {
    if args.json {
        console::progress(line);
    } else {
        console::line(line);
    }
}

/// Notes what cannot be judged while the system moves.
fn note_the_rest(args: &CheckArgs, report: &mut Report) {
    let rest = "only on a system at rest (--full)";
    for invariant in [
        Invariant::I1,
        Invariant::I7,
        Invariant::I10,
        Invariant::I13,
        Invariant::I15,
        Invariant::I18,
        Invariant::Breaches,
    ] {
        report.not_run(invariant, rest);
    }
    for (invariant, what) in [
        (Invariant::I2, "records of commands"),
        (
            Invariant::I3,
            "sums of finished orders and the vendor's ledger",
        ),
        (Invariant::I4, "the topics"),
        (Invariant::I5, "the topics"),
        (
            Invariant::I6,
            "rows of streams that have not moved, or of none",
        ),
        (Invariant::I8, "holds of orders that are over"),
        (Invariant::I9, "discounts of orders that are over"),
    ] {
        report.not_run(invariant, format!("{what}: {rest}"));
    }
    if args.verifiers.iter().all(String::is_empty) {
        let why = "signatures of checkpoints: no key named (--verifiers)";
        report.not_run(Invariant::I16, why);
    }
}
