//! Seeded randomness: ids, delays and chances. The same seed and the same order of calls give the
//! same answers.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// One per ten thousand, the unit of chances in the configuration.
const BASIS_POINTS: u32 = 10_000;

/// A source of random choices that may be shared.
#[derive(Debug)]
pub(crate) struct Random(Mutex<StdRng>);

impl Random {
    /// A source that starts at `seed`; `stream` separates sources with one seed.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mixed = seed.wrapping_add(stream.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        Self(Mutex::new(StdRng::seed_from_u64(mixed)))
    }

    /// `prefix` followed by `length` letters and digits.
    pub(crate) fn id(&self, prefix: &str, length: usize) -> String {
        self.with(|random| {
            let mut id = String::with_capacity(prefix.len() + length);
            id.push_str(prefix);
            id.extend((0..length).map(|_| char::from(BASE62[random.random_range(0..62)])));
            id
        })
    }

    /// True in `basis_points` of 10,000 cases.
    pub(crate) fn one_in(&self, basis_points: u32) -> bool {
        basis_points > 0 && self.with(|random| random.random_range(0..BASIS_POINTS)) < basis_points
    }

    /// True with `probability` (0 to 1).
    pub(crate) fn chance(&self, probability: f64) -> bool {
        self.with(|random| random.random_range(0.0..1.0)) < probability
    }

    /// A duration between `min` and `max`, both included, in whole milliseconds.
    pub(crate) fn between(&self, min: Duration, max: Duration) -> Duration {
        let low = u64::try_from(min.as_millis()).unwrap_or(u64::MAX);
        let high = u64::try_from(max.as_millis()).unwrap_or(u64::MAX).max(low);
        Duration::from_millis(self.with(|random| random.random_range(low..=high)))
    }

    fn with<T>(&self, choose: impl FnOnce(&mut StdRng) -> T) -> T {
        choose(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence() {
        let (one, other) = (Random::new(7, 0), Random::new(7, 0));
        assert_eq!(one.id("pi_", 24), other.id("pi_", 24));
        assert_ne!(
            Random::new(8, 0).id("pi_", 24),
            Random::new(7, 0).id("pi_", 24)
        );
        assert_ne!(
            Random::new(7, 1).id("pi_", 24),
            Random::new(7, 0).id("pi_", 24)
        );
    }

    #[test]
    fn no_chance_and_certainty_are_exact() {
        let random = Random::new(1, 0);
        assert!((0..100).all(|_| !random.one_in(0) && random.one_in(10_000)));
    }
}
