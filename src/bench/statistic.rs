//! Medians of ratios and how sure they are.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;

/// Resamples of one interval (performance §6.3).
const RESAMPLES: usize = 10_000;
/// Share of the resampled medians that lie on either side outside of the interval.
const TAIL: f64 = 0.025;

/// A median with its 95 % bootstrap interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Interval {
    pub(super) low: f64,
    pub(super) median: f64,
    pub(super) high: f64,
}

impl Interval {
    /// Of the rounds' values; nothing when there are none.
    pub(super) fn of(values: &[f64], seed: u64) -> Option<Self> {
        let median = median(values)?;
        let mut rng = StdRng::seed_from_u64(seed);
        let mut medians: Vec<f64> = Vec::with_capacity(RESAMPLES);
        let mut sample = vec![0.0; values.len()];
        for _ in 0..RESAMPLES {
            for slot in &mut sample {
                *slot = values[rng.random_range(0..values.len())];
            }
            medians.extend(self::median(&sample));
        }
        medians.sort_by(f64::total_cmp);
        Some(Self {
            low: at_share(&medians, TAIL),
            median,
            high: at_share(&medians, 1.0 - TAIL),
        })
    }
}

/// The middle value, or the mean of both.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(sorted[middle - 1], upper))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index into some thousand values"
)]
fn at_share(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let index = (share * last as f64).round() as usize;
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_is_between_two() {
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn an_interval_holds_its_median_and_is_the_same_for_the_same_seed() {
        let values = [1.0, 1.1, 0.9, 1.05, 0.97, 1.3, 0.8];
        let interval = Interval::of(&values, 7).unwrap();
        assert!(interval.low <= interval.median && interval.median <= interval.high);
        assert!(interval.low >= 0.8 && interval.high <= 1.3);
        assert_eq!(Interval::of(&values, 7), Some(interval));
    }

    #[test]
    fn what_never_varies_is_sure() {
        let interval = Interval::of(&[2.0; 9], 1).unwrap();
        assert_eq!((interval.low, interval.high), (2.0, 2.0));
    }
}
