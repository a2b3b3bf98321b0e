//! How often one caller may ask: a quota in a window, spent smoothly (the generic cell rate algorithm),
//! told in the two headers of draft-ietf-httpapi-ratelimit-headers.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use moka::sync::Cache;
use uuid::Uuid;

use crate::limits;

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Somebody with a token.
    Principal(Uuid),
    /// Somebody without, by network.
    Network(IpAddr),
}

/// Counts callers. Clones share the counts.
#[derive(Clone, Debug)]
pub struct Limiter {
    /// For each caller the time, in nanoseconds, at which the whole quota is free again.
    full_at: Cache<Key, Arc<AtomicU64>>,
    policy: &'static str,
    quota: u32,
    window: Duration,
}

/// Where a caller stands after asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether the request may go on.
    pub allowed: bool,
    /// Requests left now.
    pub remaining: u32,
    /// When the whole quota is free again.
    pub resets_in: Duration,
    /// When the next request may come; zero when it may at once.
    pub retry_after: Duration,
}

impl Limiter {
    /// A limit of this name: `quota` requests in each `window`.
    pub fn new(policy: &'static str, quota: u32, window: Duration) -> Self {
        let full_at = Cache::builder()
            .max_capacity(limits::RATE_KEYS_MAX)
            .time_to_idle(window.saturating_mul(2).max(Duration::from_secs(1)))
            .build();
        Self {
            full_at,
            policy,
            quota: quota.max(1),
            window,
        }
    }

    /// Its name, as in `RateLimit-Policy`.
    pub fn policy(&self) -> &'static str {
        self.policy
    }

    /// Counts one request at `now`, the age of the clock.
    pub fn take(&self, key: Key, now: Duration) -> Standing {
        let cell = self.full_at.get_with(key, Arc::default);
        let (now, window) = (nanos(now), nanos(self.window));
        let step = (window / u64::from(self.quota)).max(1);
        let mut allowed = false;
        let updated = cell.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
            let next = full_at.max(now).saturating_add(step);
            allowed = next.saturating_sub(now) <= step.saturating_mul(u64::from(self.quota));
            allowed.then_some(next)
        });
        let full_at = match updated {
            Ok(before) => before.max(now).saturating_add(step),
            Err(unchanged) => unchanged,
        };
        let used = full_at.saturating_sub(now);
        let free = step
            .saturating_mul(u64::from(self.quota))
            .saturating_sub(used);
        Standing {
            allowed,
            remaining: u32::try_from(free / step).unwrap_or(u32::MAX),
            resets_in: Duration::from_nanos(used),
            retry_after: Duration::from_nanos(step.saturating_sub(free)),
        }
    }

    /// Tells a caller the policy and where they stand, beside what other limits have told.
    ///
    /// # Panics
    /// Never: names and numbers are what a header may hold.
    pub fn tell(&self, standing: &Standing, headers: &mut HeaderMap) {
        let policy = format!(
            "\"{}\";q={};w={}",
            self.policy,
            self.quota,
            self.window.as_secs()
        );
        let resets =
            standing.resets_in.as_secs() + u64::from(standing.resets_in.subsec_nanos() > 0);
        let state = format!("\"{}\";r={};t={resets}", self.policy, standing.remaining);
        for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
            let value = HeaderValue::from_str(&value).expect("names and numbers are visible ASCII");
            headers.append(HeaderName::from_static(name), value);
        }
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ME: Key = Key::Principal(Uuid::nil());

    #[test]
    fn a_quota_may_be_spent_at_once_and_comes_back_smoothly() {
        let limiter = Limiter::new("burst", 3, Duration::from_mins(1));
        let now = Duration::from_secs(1_000);
        let left: Vec<_> = (0..3).map(|_| limiter.take(ME, now).remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        let refused = limiter.take(ME, now);
        assert!(!refused.allowed);
        assert_eq!(refused.retry_after, Duration::from_secs(20));
        assert!(!limiter.take(ME, now + Duration::from_secs(19)).allowed);
        assert!(limiter.take(ME, now + Duration::from_secs(20)).allowed);
        assert!(
            limiter
                .take(Key::Network(IpAddr::from([1, 2, 3, 4])), now)
                .allowed
        );
    }

    #[test]
    fn the_headers_are_those_of_the_draft() {
        let limiter = Limiter::new("burst", 100, Duration::from_mins(1));
        let standing = limiter.take(ME, Duration::ZERO);
        let mut headers = HeaderMap::new();
        limiter.tell(&standing, &mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"burst\";q=100;w=60");
        assert_eq!(headers["ratelimit"], "\"burst\";r=99;t=1");
    }

    proptest! {
        #[test]
        fn never_more_than_two_quotas_in_a_window(
            quota in 1_u32..50, gaps in prop::collection::vec(0_u64..3_000, 1..300)
        ) {
            let window = Duration::from_mins(1);
            let limiter = Limiter::new("burst", quota, window);
            let (mut now, mut taken) = (Duration::ZERO, Vec::new());
            for gap in gaps {
                now += Duration::from_millis(gap);
                if limiter.take(ME, now).allowed {
                    taken.push(now);
                }
            }
            for (index, start) in taken.iter().enumerate() {
                let inside = taken[index..].iter().take_while(|at| **at < *start + window).count();
                prop_assert!(inside <= 2 * quota as usize, "{inside} of {quota}");
            }
        }
    }
}
