//! The clock and the source of randomness: the only place that reads either.
//!
//! A [`Clock`] is one of two things. The *running* clock follows the machine's, from an origin and at
//! a speed, so that a simulated day passes in minutes; its sleeps shrink with the speed. The *manual*
//! clock stands still until its [`TestClock`] moves it, and its sleepers wake when it does.
//!
//! Three kinds of time come from here and are not mixed: `now` is the marketplace's time, stored in
//! events and compared with deadlines; `monotonic` is the age of the process, for caches and limits,
//! and moves with a manual clock; a [`Stopwatch`] measures real latencies for metrics.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use domain::decider::Context;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::watch;
use uuid::Uuid;

/// Longest real sleep before the running clock is read again, so that a step of the machine's clock
/// delays a timer by no more than this.
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// A cheap handle on the time and on fresh randomness. Clones share both.
#[derive(Clone)]
pub struct Clock {
    source: Arc<Source>,
    entropy: Arc<Entropy>,
}

enum Source {
    Running(Running),
    Manual(watch::Receiver<Manual>),
}

/// Where a running clock starts and how fast it goes.
struct Running {
    /// The instant of the machine's clock at which the simulated time was `origin`.
    anchor: DateTime<Utc>,
    origin: DateTime<Utc>,
    speed: u32,
    started: Instant,
}

#[derive(Clone, Copy)]
struct Manual {
    now: DateTime<Utc>,
    started: DateTime<Utc>,
}

enum Entropy {
    System,
    Seeded(Box<Mutex<StdRng>>),
}

impl Clock {
    /// The machine's clock as it is.
    pub fn system() -> Self {
        let now = machine_now();
        Self::running(now, now, 1)
    }

    /// A clock that showed `origin` when the machine's clock showed `anchor` and runs `speed` times as
    /// fast since. Processes that share both agree on the time. A speed of 0 counts as 1.
    pub fn running(anchor: DateTime<Utc>, origin: DateTime<Utc>, speed: u32) -> Self {
        Self {
            source: Arc::new(Source::Running(Running {
                anchor,
                origin,
                speed: speed.max(1),
                started: Instant::now(),
            })),
            entropy: Arc::new(Entropy::System),
        }
    }

    /// The marketplace's time, in UTC and whole microseconds: what Postgres can store unchanged.
    pub fn now(&self) -> DateTime<Utc> {
        match &*self.source {
            Source::Running(running) => running.at(machine_now()),
            Source::Manual(manual) => manual.borrow().now,
        }
    }

    /// How many marketplace seconds pass in one real second. A manual clock says 1.
    pub fn speed(&self) -> u32 {
        match &*self.source {
            Source::Running(running) => running.speed,
            Source::Manual(_) => 1,
        }
    }

    /// The age of the clock: real time, unaffected by speed, for a running clock, and what it has been
    /// moved by for a manual one. For caches, limits and breakers.
    pub fn monotonic(&self) -> Duration {
        match &*self.source {
            Source::Running(running) => running.started.elapsed(),
            Source::Manual(manual) => {
                let manual = *manual.borrow();
                (manual.now - manual.started).to_std().unwrap_or_default()
            }
        }
    }

    /// Waits until the marketplace's time is `at` or later.
    pub async fn sleep_until(&self, at: DateTime<Utc>) {
        match &*self.source {
            Source::Running(running) => running.sleep_until(at).await,
            Source::Manual(manual) => {
                let mut manual = manual.clone();
                if manual.wait_for(|time| time.now >= at).await.is_err() {
                    // The `TestClock` is gone, so the time will never come.
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// Waits for a span of the marketplace's time.
    pub async fn sleep(&self, span: Duration) {
        let span = TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
        let at = self
            .now()
            .checked_add_signed(span)
            .unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.sleep_until(at).await;
    }

    /// Starts measuring a real latency.
    pub fn stopwatch(&self) -> Stopwatch {
        Stopwatch(Instant::now())
    }

    /// The time and fresh ids for one decision.
    pub fn context(&self) -> Context {
        Context::new(self.now(), self.random())
    }

    /// Random bytes for identifiers and jitter. Keys, nonces and secrets come from `aws-lc-rs`.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &*self.entropy {
            Entropy::System => machine_random(&mut bytes),
            Entropy::Seeded(rng) => {
                rng.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .fill_bytes(&mut bytes);
            }
        }
        bytes
    }

    /// A fresh `UUIDv7`: what requests, logins and other things outside a decision are called.
    pub fn fresh_id(&self) -> Uuid {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.random()).into_uuid()
    }

    /// A fraction in [0, 1), for jitter.
    pub fn fraction(&self) -> f64 {
        f64::from(u32::from_le_bytes(self.random())) / (f64::from(u32::MAX) + 1.0)
    }

    /// A uniformly random part of `span`: full jitter.
    pub fn jitter(&self, span: Duration) -> Duration {
        span.mul_f64(self.fraction())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock")
            .field("now", &self.now())
            .field("speed", &self.speed())
            .finish()
    }
}

impl Running {
    fn at(&self, machine: DateTime<Utc>) -> DateTime<Utc> {
        let passed = machine - self.anchor;
        let scaled = i32::try_from(self.speed)
            .ok()
            .and_then(|speed| passed.checked_mul(speed));
        scaled
            .and_then(|passed| self.origin.checked_add_signed(passed))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
            .trunc_subsecs(6)
    }

    async fn sleep_until(&self, at: DateTime<Utc>) {
        loop {
            let Ok(left) = (at - self.at(machine_now())).to_std() else {
                return;
            };
            if left.is_zero() {
                return;
            }
            // A microsecond more than the quotient: the clock shows whole microseconds.
            let real = left / self.speed + Duration::from_micros(1);
            tokio::time::sleep(real.min(SLEEP_MAX)).await;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the machine's clock"
)]
fn machine_now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the machine's randomness"
)]
fn machine_random(bytes: &mut [u8]) {
    rand::rng().fill_bytes(bytes);
}

/// A running measurement of real time.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Real time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Real seconds since the start, as histograms take them.
    pub fn seconds(&self) -> f64 {
        self.elapsed().as_secs_f64()
    }
}

/// The hand that moves a manual clock. The clock stands still unless told.
#[derive(Debug)]
pub struct TestClock {
    time: watch::Sender<Manual>,
    clock: Clock,
}

impl fmt::Debug for Manual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.now, f)
    }
}

impl TestClock {
    /// A clock that shows `now`, with randomness that depends on `seed` alone.
    pub fn at(now: DateTime<Utc>, seed: u64) -> Self {
        let now = now.trunc_subsecs(6);
        let (time, receiver) = watch::channel(Manual { now, started: now });
        let clock = Clock {
            source: Arc::new(Source::Manual(receiver)),
            entropy: Arc::new(Entropy::Seeded(Box::new(Mutex::new(
                StdRng::seed_from_u64(seed),
            )))),
        };
        Self { time, clock }
    }

    /// The clock to hand to the code under test.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Moves the clock forward and wakes who was waiting for a time up to the new one.
    pub fn advance(&self, span: Duration) {
        let span = TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
        self.time.send_modify(|time| {
            time.now = time
                .now
                .checked_add_signed(span)
                .unwrap_or(DateTime::<Utc>::MAX_UTC);
        });
    }

    /// Moves the clock to `now`, also backwards, as a machine's clock may.
    pub fn set(&self, now: DateTime<Utc>) {
        self.time
            .send_modify(|time| time.now = now.trunc_subsecs(6));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 123_456_789).unwrap()
    }

    #[test]
    fn time_is_whole_microseconds() {
        assert_eq!(
            TestClock::at(noon(), 1)
                .clock()
                .now()
                .timestamp_subsec_nanos(),
            123_456_000
        );
        assert_eq!(Clock::system().now().timestamp_subsec_nanos() % 1_000, 0);
    }

    #[test]
    fn a_running_clock_starts_at_its_origin_and_follows_its_speed() {
        let anchor = DateTime::from_timestamp(1_000, 0).unwrap();
        let running = Running {
            anchor,
            origin: noon(),
            speed: 60,
            started: Instant::now(),
        };
        let later = running.at(anchor + TimeDelta::seconds(2));
        assert_eq!(later, noon().trunc_subsecs(6) + TimeDelta::seconds(120));
        assert_eq!(running.at(anchor), noon().trunc_subsecs(6));
    }

    #[tokio::test]
    async fn a_fast_clock_sleeps_less() {
        let now = machine_now();
        let clock = Clock::running(now, noon(), 3_600);
        let watch = clock.stopwatch();
        clock.sleep(Duration::from_secs(36)).await;
        assert!(clock.now() >= noon() + TimeDelta::seconds(35));
        assert!(watch.elapsed() < Duration::from_secs(30));
    }

    #[tokio::test]
    async fn sleepers_of_a_manual_clock_wake_when_it_is_moved() {
        let hand = TestClock::at(noon(), 1);
        let clock = hand.clock();
        let mut sleeper = std::pin::pin!(clock.sleep(Duration::from_mins(1)));
        assert!(futures::poll!(&mut sleeper).is_pending());
        hand.advance(Duration::from_secs(59));
        assert!(futures::poll!(&mut sleeper).is_pending());
        hand.advance(Duration::from_secs(1));
        sleeper.await;
        assert_eq!(clock.monotonic(), Duration::from_mins(1));
    }

    #[test]
    fn seeded_ids_repeat_and_do_not_collide() {
        let first = TestClock::at(noon(), 7).clock();
        let second = TestClock::at(noon(), 7).clock();
        let ids: Vec<_> = (0..4).map(|_| first.fresh_id()).collect();
        assert_eq!(ids, (0..4).map(|_| second.fresh_id()).collect::<Vec<_>>());
        assert_ne!(ids[0], ids[1]);
        assert_eq!(ids[0].get_version_num(), 7);
    }

    #[test]
    fn a_fraction_is_below_one() {
        let clock = TestClock::at(noon(), 3).clock();
        assert!((0..1_000).all(|_| (0.0..1.0).contains(&clock.fraction())));
    }
}
