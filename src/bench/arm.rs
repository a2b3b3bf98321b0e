//! One way of doing a scenario's work, run in turns with the others.

use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use hdrhistogram::Histogram;
use infra::clock::Clock;

use super::meter::SqlMeter;

/// Latencies in microseconds.
pub(super) type Latencies = Histogram<u64>;

/// Longest latency that is told apart, in microseconds: a minute.
const LATENCY_MAX: u64 = 60_000_000;

/// What a block has done.
pub(super) struct Work {
    /// Operations that were answered with success.
    pub(super) operations: u64,
    /// Time of each answer.
    pub(super) latencies: Latencies,
    /// When the last one was answered, where the block went on until everything had settled.
    pub(super) answered: Option<Duration>,
}

/// One way of doing the work.
#[async_trait]
pub(super) trait Arm: Send {
    /// Its name in goals and tables.
    fn name(&self) -> &'static str;

    /// Gets ready for a block, unmeasured.
    async fn ready(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    /// Does the work for about so long.
    async fn block(&mut self, span: Duration) -> anyhow::Result<Work>;

    /// Looks whether all that was said to be done is done, once and right. A wrong answer voids the run.
    async fn verify(&mut self) -> anyhow::Result<()>;

    /// Counts its statements, where it has a database.
    fn sql(&self) -> Option<SqlMeter> {
        None
    }

    /// The process that does its work, where that is another one: its time is counted apart.
    fn server(&self) -> Option<u32> {
        None
    }

    /// Gives back what it holds.
    async fn stop(self: Box<Self>) -> anyhow::Result<()>;
}

impl Work {
    /// Nothing yet.
    pub(super) fn none() -> Self {
        Self {
            operations: 0,
            latencies: latencies(),
            answered: None,
        }
    }

    /// Adds operations that took so long together.
    pub(super) fn add(&mut self, operations: u64, took: Duration) {
        self.operations += operations;
        self.latencies.saturating_record(micros(took));
    }

    /// Takes over what another has done.
    ///
    /// # Errors
    /// Never: all histograms have one shape.
    pub(super) fn merge(&mut self, other: &Self) -> anyhow::Result<()> {
        self.operations += other.operations;
        self.latencies
            .add(&other.latencies)
            .context("histograms of two shapes")
    }
}

/// An empty histogram of one shape: 1 µs to 60 s, three digits.
pub(super) fn latencies() -> Latencies {
    Histogram::new_with_bounds(1, LATENCY_MAX, 3).expect("the bounds are in order")
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros())
        .unwrap_or(LATENCY_MAX)
        .clamp(1, LATENCY_MAX)
}

/// So many workers in a closed loop: each asks again as soon as it was answered. `ask` says how many
/// operations an answer stood for.
///
/// # Errors
/// The first error of an answer.
pub(super) async fn closed_loop<Asked>(
    workers: usize,
    span: Duration,
    clock: &Clock,
    ask: impl Fn(usize) -> Asked,
) -> anyhow::Result<Work>
where
    Asked: Future<Output = anyhow::Result<u64>>,
{
    let begun = clock.stopwatch();
    let begun = &begun;
    let ask = &ask;
    let work = futures::future::try_join_all((0..workers).map(|worker| async move {
        let mut work = Work::none();
        while begun.elapsed() < span {
            let watch = clock.stopwatch();
            let operations = ask(worker).await?;
            work.add(operations, watch.elapsed());
        }
        anyhow::Ok(work)
    }))
    .await?;
    let mut all = Work::none();
    for part in &work {
        all.merge(part)?;
    }
    Ok(all)
}
