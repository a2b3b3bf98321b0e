//! A circuit breaker: stops calling a vendor that does not answer, and asks once a second whether it
//! does again. Pure: the time is an argument, so tests need no clock.

use std::collections::VecDeque;
use std::time::Duration;

/// So many failures in a row open it (reliability §5).
const STREAK_MAX: u32 = 5;
/// The share of failures is taken over this span.
const WINDOW: Duration = Duration::from_secs(10);
/// Fewer calls than this in the window say nothing about the share.
const WINDOW_CALLS_MIN: usize = 20;
/// A call that has been open for this long counts as failed then, or a vendor that swallows calls
/// would be noticed only after their deadlines.
const SLOW: Duration = Duration::from_secs(3);
/// An open breaker lets one call through in this span.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// So many probes in a row close it.
const PROBES_TO_CLOSE: u32 = 3;

/// The breaker of one operation class of one vendor.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: State,
    /// Ends of calls in the window: when, and whether failed.
    ended: VecDeque<(Duration, bool)>,
    failed_in_a_row: u32,
    /// Calls under way that have not been counted as slow.
    open: Vec<(CallId, Duration)>,
    started: u64,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open {
        /// When the next call may go through.
        probe_at: Duration,
        /// Probes that succeeded since the last failure.
        succeeded: u32,
    },
}

/// Names a call to the breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CallId(u64);

impl Breaker {
    /// Lets a call through, or says how long the breaker stays shut.
    pub(super) fn admit(&mut self, now: Duration) -> Result<CallId, Duration> {
        self.count_slow(now);
        if let State::Open { probe_at, .. } = &mut self.state {
            if now < *probe_at {
                return Err(probe_at.saturating_sub(now));
            }
            *probe_at = now + PROBE_EVERY;
        }
        self.started += 1;
        let id = CallId(self.started);
        self.open.push((id, now));
        Ok(id)
    }

    /// Notes how a call ended. One that was counted as slow is not counted again.
    pub(super) fn finish(&mut self, id: CallId, now: Duration, failed: bool) {
        self.count_slow(now);
        let Some(place) = self.open.iter().position(|(open, _)| *open == id) else {
            return;
        };
        self.open.swap_remove(place);
        self.note(now, failed);
    }

    /// Whether calls are being turned away.
    pub(super) fn is_open(&self) -> bool {
        self.state != State::Closed
    }

    fn count_slow(&mut self, now: Duration) {
        let before = self.open.len();
        self.open
            .retain(|(_, since)| now.saturating_sub(*since) < SLOW);
        for _ in self.open.len()..before {
            self.note(now, true);
        }
    }

    fn note(&mut self, now: Duration, failed: bool) {
        self.failed_in_a_row = if failed { self.failed_in_a_row + 1 } else { 0 };
        self.ended.push_back((now, failed));
        while self
            .ended
            .front()
            .is_some_and(|(at, _)| now.saturating_sub(*at) > WINDOW)
        {
            self.ended.pop_front();
        }
        let failing = self.is_failing();
        match &mut self.state {
            State::Closed if failing => self.open_at(now),
            State::Closed => {}
            State::Open { .. } if failed => self.open_at(now),
            State::Open { succeeded, .. } => {
                *succeeded += 1;
                if *succeeded >= PROBES_TO_CLOSE {
                    self.state = State::Closed;
                    self.ended.clear();
                }
            }
        }
    }

    fn is_failing(&self) -> bool {
        let failed = self.ended.iter().filter(|(_, failed)| *failed).count();
        let share = self.ended.len() >= WINDOW_CALLS_MIN && failed * 2 >= self.ended.len();
        self.failed_in_a_row >= STREAK_MAX || share
    }

    fn open_at(&mut self, now: Duration) {
        self.state = State::Open {
            probe_at: now + PROBE_EVERY,
            succeeded: 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn call(breaker: &mut Breaker, at: Duration, failed: bool) {
        let id = breaker.admit(at).unwrap();
        breaker.finish(id, at, failed);
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..STREAK_MAX {
            call(&mut breaker, SECOND, true);
        }
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_it() {
        let mut breaker = Breaker::default();
        for failed in [true, true, true, true, false, true, true, true, true] {
            call(&mut breaker, SECOND, failed);
        }
        assert!(!breaker.is_open());
        call(&mut breaker, SECOND, true);
        assert_eq!(breaker.admit(SECOND), Err(PROBE_EVERY));
    }

    #[test]
    fn half_of_twenty_calls_in_ten_seconds_open_it() {
        let mut breaker = Breaker::default();
        for call_number in 0..19 {
            call(&mut breaker, SECOND, call_number % 2 == 0);
        }
        assert!(!breaker.is_open());
        call(&mut breaker, SECOND, true);
        assert!(breaker.is_open());
    }

    #[test]
    fn failures_of_long_ago_do_not_count() {
        let mut breaker = Breaker::default();
        for call_number in 0..19 {
            call(&mut breaker, SECOND, call_number % 2 == 0);
        }
        call(&mut breaker, SECOND * 12, true);
        assert!(!breaker.is_open());
    }

    #[test]
    fn calls_that_hang_count_as_failed_after_three_seconds() {
        let mut breaker = Breaker::default();
        let hanging: Vec<_> = (0..5).map(|_| breaker.admit(SECOND).unwrap()).collect();
        assert_eq!(breaker.admit(SECOND * 4), Err(PROBE_EVERY));
        // What they answer in the end is no success.
        for id in hanging {
            breaker.finish(id, SECOND * 5, false);
        }
        assert!(breaker.is_open());
    }

    #[test]
    fn one_probe_a_second_and_three_successes_close_it() {
        let mut breaker = opened();
        for second in 2..=4 {
            let probe = breaker.admit(SECOND * second).unwrap();
            assert!(breaker.admit(SECOND * second).is_err());
            breaker.finish(probe, SECOND * second, false);
        }
        assert!(!breaker.is_open());
        assert!(breaker.admit(SECOND * 4).is_ok());
    }

    #[test]
    fn a_failed_probe_starts_the_count_again() {
        let mut breaker = opened();
        call(&mut breaker, SECOND * 2, false);
        call(&mut breaker, SECOND * 3, false);
        call(&mut breaker, SECOND * 4, true);
        call(&mut breaker, SECOND * 5, false);
        assert!(breaker.is_open());
    }
}
