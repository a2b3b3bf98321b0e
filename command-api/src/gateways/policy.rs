//! How a vendor is called: deadlines, repetitions, breakers and concurrency, in one table.
//!
//! Times are real, whatever the speed of the marketplace's clock. A call has one deadline over all
//! its tries. Only calls that are safe to repeat come here: reads, and writes with the vendor's key.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use infra::clock::Clock;
use tokio::sync::Semaphore;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::Outcome;
use super::breaker::{Breaker, CallId};
use super::budget::RetryBudget;

/// Connecting to a vendor takes at most this long.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Tries of one call, the first included.
pub const TRIES_MAX: u32 = 3;
/// The pause before the second try is drawn from zero to this, doubled before each further one.
pub const PAUSE_MIN: Duration = Duration::from_millis(200);
/// No pause is drawn from a longer span.
pub const PAUSE_MAX: Duration = Duration::from_secs(5);
/// A vendor's `Retry-After` beyond this is the runner's to wait for, not the call's.
pub const RETRY_AFTER_MAX: Duration = Duration::from_mins(1);
/// Largest answer that is read.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// When as many calls as allowed are under way, come again after this.
pub const BUSY_PAUSE: Duration = Duration::from_millis(250);

/// A class of operations that fail and recover together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Looks and changes nothing.
    Read,
    /// Starts something, usually while a customer waits.
    Create,
    /// Moves money that was agreed before: capture, void, refund.
    Settle,
}

impl Operation {
    /// The name in metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Settle => "settle",
        }
    }
}

/// The rules for one class of operations of one gateway.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The gateway: capability and vendor.
    pub gateway: &'static str,
    /// The class.
    pub operation: Operation,
    /// Over all tries.
    pub deadline: Duration,
    /// Calls under way at once.
    pub in_flight_max: usize,
}

/// The one table (integrations §1, reliability §5). Stripe allows 100 requests a second live and 25
/// in its test environment; with answers in some 400 ms, these numbers stay below the first.
pub const POLICIES: &[Policy] = &[
    Policy {
        gateway: "payment/stripe",
        operation: Operation::Read,
        deadline: Duration::from_secs(10),
        in_flight_max: 16,
    },
    Policy {
        gateway: "payment/stripe",
        operation: Operation::Create,
        deadline: Duration::from_secs(10),
        in_flight_max: 16,
    },
    Policy {
        gateway: "payment/stripe",
        operation: Operation::Settle,
        deadline: Duration::from_secs(20),
        in_flight_max: 16,
    },
];

/// Whether a try may be followed by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// No: it is decided, or the vendor asks not to.
    Never,
    /// After a pause that we draw.
    Backoff,
    /// After the pause that the vendor names.
    After(Duration),
}

/// What one try came to.
#[derive(Debug)]
pub struct Try<T> {
    /// The outcome if it was the last one.
    pub outcome: Outcome<T>,
    /// Whether it may be repeated.
    pub again: Again,
    /// Whether it speaks against the vendor's health.
    pub failed: bool,
}

/// Applies the table to one gateway. Clones share breakers, budget and limits.
#[derive(Clone, Debug)]
pub struct Guard {
    lanes: Arc<[Lane]>,
    budget: Arc<Mutex<RetryBudget>>,
    clock: Clock,
}

#[derive(Debug)]
struct Lane {
    policy: Policy,
    breaker: Mutex<Breaker>,
    permits: Semaphore,
}

impl Guard {
    /// The rules of `gateway`, with breakers that read `clock`.
    pub fn new(gateway: &'static str, clock: Clock) -> Self {
        let rows = POLICIES.iter().filter(|policy| policy.gateway == gateway);
        let lanes: Vec<_> = rows.copied().map(Lane::new).collect();
        Self {
            lanes: lanes.into(),
            budget: Arc::default(),
            clock,
        }
    }

    /// Makes a call with as many tries as the rules allow.
    ///
    /// # Panics
    /// When the table has no row for this operation of the gateway.
    pub async fn call<T, F>(&self, operation: Operation, attempt: impl Fn() -> F) -> Outcome<T>
    where
        F: Future<Output = Try<T>>,
    {
        let lane = self.lane(operation);
        let Ok(_permit) = lane.permits.try_acquire() else {
            return Outcome::NotDone {
                after: BUSY_PAUSE,
                why: "too many calls under way".into(),
            };
        };
        let watch = self.clock.stopwatch();
        let span = tracing::debug_span!(
            "gateway",
            otel.name = %format_args!("{} {}", lane.policy.gateway, operation.name()),
            otel.kind = "client",
            tries = Empty,
            outcome = Empty,
        );
        let outcome = self.tries(lane, attempt, &span);
        let outcome = outcome.instrument(span.clone()).await;
        span.record("outcome", outcome.name());
        let labels = [
            ("gateway", lane.policy.gateway),
            ("operation", operation.name()),
            ("outcome", outcome.name()),
        ];
        metrics::counter!("ramen_gateway_calls_total", &labels).increment(1);
        metrics::histogram!("ramen_gateway_seconds", &labels[..2]).record(watch.seconds());
        outcome
    }

    async fn tries<T, F>(&self, lane: &Lane, attempt: impl Fn() -> F, span: &Span) -> Outcome<T>
    where
        F: Future<Output = Try<T>>,
    {
        let watch = self.clock.stopwatch();
        let left = || lane.policy.deadline.saturating_sub(watch.elapsed());
        lock(&self.budget).earn();
        let mut tries = 1;
        loop {
            let pass = match Pass::through(lane, &self.clock) {
                Ok(pass) => pass,
                Err(after) => {
                    return Outcome::NotDone {
                        after,
                        why: "breaker open".into(),
                    };
                }
            };
            span.record("tries", tries);
            let Ok(ended) = tokio::time::timeout(left(), attempt()).await else {
                // Dropping the pass counts the failure.
                return Outcome::Unknown {
                    why: "no answer before the deadline".into(),
                };
            };
            pass.finish(ended.failed);
            let pause = match ended.again {
                Again::Never => return ended.outcome,
                Again::Backoff => self.clock.jitter(backoff(tries)),
                Again::After(pause) => pause,
            };
            let spent = tries == TRIES_MAX || pause > RETRY_AFTER_MAX || pause >= left();
            if spent || !lock(&self.budget).take() {
                return ended.outcome;
            }
            tokio::time::sleep(pause).await;
            tries += 1;
        }
    }

    fn lane(&self, operation: Operation) -> &Lane {
        let found = self
            .lanes
            .iter()
            .find(|lane| lane.policy.operation == operation);
        found.expect("the table has a row for each operation that a gateway uses")
    }
}

impl Lane {
    fn new(policy: Policy) -> Self {
        let permits = Semaphore::new(policy.in_flight_max);
        Self {
            policy,
            breaker: Mutex::default(),
            permits,
        }
    }
}

/// A call that the breaker let through. Dropped without an end, as at a deadline, it has failed.
struct Pass<'a> {
    lane: &'a Lane,
    clock: &'a Clock,
    id: CallId,
    failed: bool,
}

impl<'a> Pass<'a> {
    fn through(lane: &'a Lane, clock: &'a Clock) -> Result<Self, Duration> {
        let id = lock(&lane.breaker).admit(clock.monotonic())?;
        Ok(Self {
            lane,
            clock,
            id,
            failed: true,
        })
    }

    fn finish(mut self, failed: bool) {
        self.failed = failed;
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut breaker = lock(&self.lane.breaker);
        breaker.finish(self.id, self.clock.monotonic(), self.failed);
        let (gateway, operation) = (self.lane.policy.gateway, self.lane.policy.operation.name());
        metrics::gauge!("ramen_breaker_state", "gateway" => gateway, "operation" => operation)
            .set(if breaker.is_open() { 1.0 } else { 0.0 });
    }
}

fn backoff(tries: u32) -> Duration {
    PAUSE_MIN
        .saturating_mul(2_u32.saturating_pow(tries - 1))
        .min(PAUSE_MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use chrono::DateTime;
    use infra::clock::TestClock;

    use super::*;

    fn guard() -> (Guard, TestClock) {
        let hand = TestClock::at(DateTime::UNIX_EPOCH, 1);
        (Guard::new("payment/stripe", hand.clock()), hand)
    }

    fn lost<T>(again: Again) -> Try<T> {
        Try {
            outcome: Outcome::Unknown {
                why: "planted".into(),
            },
            again,
            failed: true,
        }
    }

    /// Calls once, counting tries.
    async fn tries(guard: &Guard, again: Again) -> (u32, Outcome<()>) {
        let count = AtomicU32::new(0);
        let attempt = || async {
            count.fetch_add(1, Ordering::Relaxed);
            lost(again)
        };
        let outcome = guard.call(Operation::Create, attempt).await;
        (count.into_inner(), outcome)
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_outcome_is_tried_three_times() {
        let (guard, _hand) = guard();
        assert_eq!(tries(&guard, Again::Backoff).await.0, TRIES_MAX);
    }

    #[tokio::test]
    async fn a_decided_outcome_and_a_long_retry_after_are_left_to_the_runner() {
        let (guard, _hand) = guard();
        assert_eq!(tries(&guard, Again::Never).await.0, 1);
        let long = Again::After(RETRY_AFTER_MAX + Duration::from_secs(1));
        assert_eq!(tries(&guard, long).await.0, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_open_breaker_answers_not_done_until_its_probes_succeed() {
        let (guard, hand) = guard();
        tries(&guard, Again::Backoff).await;
        tries(&guard, Again::Backoff).await;
        let (count, outcome) = tries(&guard, Again::Never).await;
        assert_eq!((count, outcome.name()), (0, "not_done"));
        for _ in 0..3 {
            hand.advance(Duration::from_secs(1));
            let done = || async {
                Try {
                    outcome: Outcome::Done(()),
                    again: Again::Never,
                    failed: false,
                }
            };
            assert_eq!(guard.call(Operation::Create, done).await, Outcome::Done(()));
        }
        assert_eq!(tries(&guard, Again::Never).await.0, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_an_answer_ends_at_its_deadline_as_unknown() {
        let (guard, _hand) = guard();
        let outcome: Outcome<()> = guard.call(Operation::Create, std::future::pending).await;
        assert_eq!(outcome.name(), "unknown");
    }

    #[tokio::test]
    async fn beyond_the_limit_nothing_is_sent() {
        let (guard, _hand) = guard();
        let max = POLICIES[0].in_flight_max;
        let _taken: Vec<_> = (0..max)
            .map(|_| guard.lanes[0].permits.try_acquire().unwrap())
            .collect();
        let outcome: Outcome<()> = guard
            .call(Operation::Read, || async { lost(Again::Never) })
            .await;
        assert_eq!(outcome.name(), "not_done");
    }

    #[test]
    fn pauses_double_up_to_their_maximum() {
        assert_eq!(
            (1..=7).map(|n| backoff(n).as_millis()).collect::<Vec<_>>(),
            [200, 400, 800, 1_600, 3_200, 5_000, 5_000]
        );
    }
}
