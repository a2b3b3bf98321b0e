//! The sandbox's clock: a simulated time that runs at `speed`, can be set, and never waits itself.
//!
//! This is the only place of the crate that reads the machine's clock.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// The slowest speed that is accepted; below it a real wait would not fit a `Duration`.
const SPEED_MIN: f64 = 1e-6;

/// A movable clock.
#[derive(Debug)]
pub(crate) struct Clock {
    dial: RwLock<Dial>,
}

/// `shown` was the simulated time at the real instant `at`.
#[derive(Debug, Clone, Copy)]
struct Dial {
    shown: DateTime<Utc>,
    at: Instant,
    speed: f64,
}

impl Dial {
    fn now(self) -> DateTime<Utc> {
        self.shown + scaled(self.at.elapsed(), self.speed)
    }
}

impl Clock {
    /// A clock that showed `origin` at the real instant `anchor` (each defaults to now).
    pub(crate) fn new(
        origin: Option<DateTime<Utc>>,
        anchor: Option<DateTime<Utc>>,
        speed: f64,
    ) -> Self {
        let at = Instant::now();
        let real = machine_time();
        let speed = speed.max(SPEED_MIN);
        let passed = (real - anchor.unwrap_or(real)).to_std().unwrap_or_default();
        let shown = origin.unwrap_or(real) + scaled(passed, speed);
        Self {
            dial: RwLock::new(Dial { shown, at, speed }),
        }
    }

    /// The simulated time.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.read().now()
    }

    /// Simulated seconds per real second.
    pub(crate) fn speed(&self) -> f64 {
        self.read().speed
    }

    /// Makes the clock show `shown` from now on.
    pub(crate) fn set(&self, shown: DateTime<Utc>) {
        self.turn(|dial| dial.shown = shown);
    }

    /// Moves the clock by `delta`.
    pub(crate) fn advance(&self, delta: TimeDelta) {
        self.turn(|dial| dial.shown += delta);
    }

    /// Changes the speed without a jump.
    pub(crate) fn set_speed(&self, speed: f64) {
        self.turn(|dial| dial.speed = speed.max(SPEED_MIN));
    }

    /// The real time that passes until the clock shows `due`.
    pub(crate) fn real_until(&self, due: DateTime<Utc>) -> Duration {
        let dial = self.read();
        let left = (due - dial.now()).to_std().unwrap_or_default();
        Duration::try_from_secs_f64(left.as_secs_f64() / dial.speed).unwrap_or(Duration::MAX)
    }

    fn read(&self) -> Dial {
        *self.dial.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, change: impl FnOnce(&mut Dial)) {
        let mut dial = self.dial.write().unwrap_or_else(PoisonError::into_inner);
        let (shown, at) = (dial.now(), Instant::now());
        *dial = Dial {
            shown,
            at,
            speed: dial.speed,
        };
        change(&mut dial);
    }
}

/// The machine's own time.
#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox imports nothing of ours: its one clock"
)]
fn machine_time() -> DateTime<Utc> {
    DateTime::<Utc>::from(std::time::SystemTime::now())
}

/// `real` passed at `speed`, as simulated time.
fn scaled(real: Duration, speed: f64) -> TimeDelta {
    Duration::try_from_secs_f64(real.as_secs_f64() * speed)
        .ok()
        .and_then(|simulated| TimeDelta::from_std(simulated).ok())
        .unwrap_or(TimeDelta::zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_and_advancing_move_the_clock() {
        let clock = Clock::new(None, None, 1.0);
        let start = DateTime::from_timestamp(1_700_000_000, 0).expect("a valid instant");
        clock.set(start);
        clock.advance(TimeDelta::days(7));
        let passed = clock.now() - start;
        assert!(
            passed >= TimeDelta::days(7) && passed < TimeDelta::days(7) + TimeDelta::minutes(5)
        );
    }

    #[test]
    fn the_real_wait_shrinks_with_the_speed() {
        let clock = Clock::new(None, None, 60.0);
        let wait = clock.real_until(clock.now() + TimeDelta::seconds(600));
        assert!(wait <= Duration::from_secs(10) && wait > Duration::from_secs(5));
    }

    #[test]
    fn an_anchor_in_the_past_is_honoured_at_speed() {
        let real = machine_time();
        let origin = DateTime::from_timestamp(1_700_000_000, 0).expect("a valid instant");
        let clock = Clock::new(Some(origin), Some(real - TimeDelta::seconds(10)), 60.0);
        assert!(clock.now() - origin >= TimeDelta::seconds(600));
    }
}
