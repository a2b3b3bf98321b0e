//! Work done in steps, and the runner that adds what all of it needs.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use super::pace::{Doorbell, Pace};
use super::stop::Stop;
use crate::clock::Clock;
use crate::limits;

/// What a step has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many things: there may be more, step again at once.
    Did(usize),
    /// So many things, which were all there were: wait as when idle, without looking once more.
    DidAll(usize),
    /// Nothing to do: wait for the doorbell or the poll.
    Idle,
}

impl Progress {
    /// `Did(count)`, or `Idle` for nothing.
    pub fn of(count: usize) -> Self {
        if count == 0 {
            Self::Idle
        } else {
            Self::Did(count)
        }
    }

    /// What a look for up to `most` things has come to.
    pub fn of_up_to(most: usize, count: usize) -> Self {
        match count {
            0 => Self::Idle,
            count if count < most => Self::DidAll(count),
            count => Self::Did(count),
        }
    }
}

/// Work done in steps. A step finishes what it takes; between steps the loop may be stopped. A step
/// may be dropped half way, on the hard stop or when it hangs, so it must be safe to repeat.
pub trait Loop: Send + 'static {
    /// Its name in logs and metrics.
    const NAME: &'static str;
    /// A step that takes longer hangs: it is dropped, and the work is tried again.
    const STEP_MAX: Duration = limits::STEP_MAX;
    /// What a step fails with. Every failure is retried, with backoff.
    type Error: Error + Send + 'static;

    /// Does the next piece of work.
    ///
    /// # Errors
    /// Whatever kept the work from being done; the same work is tried again later.
    fn step(&mut self) -> impl Future<Output = Result<Progress, Self::Error>> + Send;
}

/// Steps `work` until it is asked to stop.
pub(super) async fn run<L: Loop>(
    work: &mut L,
    doorbell: &Doorbell,
    pace: &Pace,
    stop: &Stop,
    clock: &Clock,
) {
    let (mut idle, mut backoff) = (0_u32, Backoff::default());
    while !stop.is_stopping() {
        let watch = clock.stopwatch();
        let outcome = tokio::select! {
            biased;
            () = stop.hard() => return,
            outcome = tokio::time::timeout(L::STEP_MAX, work.step()) => outcome,
        };
        metrics::histogram!("ramen_loop_step_seconds", "loop" => L::NAME).record(watch.seconds());
        let pause = match outcome {
            Ok(Ok(Progress::Did(count))) => {
                count_items::<L>(count);
                (idle, backoff) = (0, Backoff::default());
                // A loop that always has work must not keep others from the thread.
                tokio::task::yield_now().await;
                continue;
            }
            Ok(Ok(Progress::DidAll(count))) => {
                count_items::<L>(count);
                (idle, backoff) = (0, Backoff::default());
                pace.idle_min
            }
            Ok(Ok(Progress::Idle)) => {
                backoff = Backoff::default();
                idle = idle.saturating_add(1);
                Pace::doubled(pace.idle_min, idle - 1, pace.idle_max)
            }
            Ok(Err(error)) => backoff.after::<L>(&error, pace, clock),
            Err(hangs) => backoff.after::<L>(&hangs, pace, clock),
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = doorbell.rung(), if backoff.failed == 0 => idle = 0,
            () = stop.soft() => {}
        }
    }
}

fn count_items<L: Loop>(count: usize) {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    metrics::counter!("ramen_loop_items_total", "loop" => L::NAME).increment(count);
}

/// How often a loop has failed in a row.
#[derive(Default)]
struct Backoff {
    failed: u32,
}

impl Backoff {
    /// The pause after a failure: longer each time, drawn with full jitter.
    fn after<L: Loop>(
        &mut self,
        error: &(dyn Error + 'static),
        pace: &Pace,
        clock: &Clock,
    ) -> Duration {
        metrics::counter!("ramen_loop_failures_total", "loop" => L::NAME).increment(1);
        let wait = clock.jitter(Pace::doubled(
            pace.backoff_min,
            self.failed,
            pace.backoff_max,
        ));
        self.failed = self.failed.saturating_add(1);
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(error, wait_ms, "loop {} failed, trying again", L::NAME);
        wait
    }
}
