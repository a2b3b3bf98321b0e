//! How long a loop pauses, and what wakes it before.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::limits;

/// Wakes a loop. Rings while it works are remembered as one.
#[derive(Clone, Debug, Default)]
pub struct Doorbell(Arc<Notify>);

impl Doorbell {
    /// A doorbell that nobody has rung.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes the loop, or keeps it awake.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Completes after the next ring.
    pub async fn rung(&self) {
        self.0.notified().await;
    }
}

/// How long a loop pauses. The defaults are those of [`limits`].
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// First pause when idle, doubled up to `idle_max`.
    pub idle_min: Duration,
    /// Longest pause when idle.
    pub idle_max: Duration,
    /// First backoff after a failure, doubled up to `backoff_max`; each is drawn with full jitter.
    pub backoff_min: Duration,
    /// Longest backoff.
    pub backoff_max: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            idle_min: limits::IDLE_POLL_MIN,
            idle_max: limits::IDLE_POLL_MAX,
            backoff_min: limits::BACKOFF_MIN,
            backoff_max: limits::BACKOFF_MAX,
        }
    }
}

impl Pace {
    /// For work that rings its doorbell: the poll is there for what the bell cannot tell.
    pub fn rung() -> Self {
        Self {
            idle_min: limits::IDLE_POLL_MAX,
            ..Self::default()
        }
    }

    /// `first · 2^nth`, at most `max`.
    pub(super) fn doubled(first: Duration, nth: u32, max: Duration) -> Duration {
        first.saturating_mul(2_u32.saturating_pow(nth)).min(max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_their_maximum() {
        let (first, max) = (Duration::from_millis(5), Duration::from_millis(250));
        let pauses: Vec<_> = (0..8)
            .map(|nth| Pace::doubled(first, nth, max).as_millis())
            .collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 250, 250]);
        assert_eq!(Pace::doubled(first, u32::MAX, max), max);
    }
}
