//! Latencies by name in logarithmic buckets: bounded memory, quantiles within 4 % of the true value.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Buckets per doubling; the width of one is 1/32 of its lower bound.
const SUB_BUCKETS: u64 = 32;
/// Doublings above the first bucket row: up to 2^40 µs, about 12 days.
const DOUBLINGS: usize = 40;

/// Counts of microseconds in buckets that widen with the value.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    longest_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        let buckets = DOUBLINGS * usize::try_from(SUB_BUCKETS).unwrap_or(0);
        Self {
            counts: vec![0; buckets],
            total: 0,
            longest_us: 0,
        }
    }
}

impl Histogram {
    /// Counts one span of time.
    pub(crate) fn add(&mut self, span: Duration) {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let bucket = bucket(micros).min(self.counts.len() - 1);
        self.counts[bucket] += 1;
        self.total += 1;
        self.longest_us = self.longest_us.max(micros);
    }

    /// The upper bound of the bucket that holds the given share of spans; nothing when empty.
    pub(crate) fn quantile(&self, percent: u64) -> Option<Duration> {
        let rank = (self.total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let place = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(Duration::from_micros(
            upper_bound(place).min(self.longest_us),
        ))
    }

    /// Count and the usual quantiles; nothing when empty.
    pub(crate) fn quantiles(&self) -> Option<Quantiles> {
        Some(Quantiles {
            count: self.total,
            p50: self.quantile(50)?,
            p95: self.quantile(95)?,
            p99: self.quantile(99)?,
            longest: Duration::from_micros(self.longest_us),
        })
    }
}

/// What people ask of a set of latencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quantiles {
    /// How many spans.
    pub(crate) count: u64,
    /// Half are at most this.
    pub(crate) p50: Duration,
    /// 95 % are at most this.
    pub(crate) p95: Duration,
    /// 99 % are at most this.
    pub(crate) p99: Duration,
    /// The longest.
    pub(crate) longest: Duration,
}

fn bucket(micros: u64) -> usize {
    let shift = u64::from(
        (micros / SUB_BUCKETS)
            .checked_ilog2()
            .map_or(0, |log| log + 1),
    );
    // Below 2 × SUB_BUCKETS each microsecond has its own bucket; above, `shift - 1` bits are dropped.
    let row = shift.saturating_sub(1);
    usize::try_from(row * SUB_BUCKETS + (micros >> row)).unwrap_or(usize::MAX)
}

fn upper_bound(place: usize) -> u64 {
    let place = u64::try_from(place).unwrap_or(u64::MAX);
    let row = (place / SUB_BUCKETS).saturating_sub(1);
    let within = place - row * SUB_BUCKETS;
    ((within + 1) << row) - 1
}

/// Histograms by the name of what was measured; shared by all sessions of a run.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Mutex<BTreeMap<&'static str, Histogram>>);

impl Latencies {
    /// Counts one span under a name.
    pub(crate) fn add(&self, name: &'static str, span: Duration) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(name)
            .or_default()
            .add(span);
    }

    /// Quantiles of every name, in order of names.
    pub(crate) fn all(&self) -> Vec<(&'static str, Quantiles)> {
        let histograms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        histograms
            .iter()
            .filter_map(|(name, all)| Some((*name, all.quantiles()?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_histogram_has_no_quantiles() {
        assert_eq!(Histogram::default().quantiles(), None);
    }

    #[test]
    fn quantiles_of_one_to_a_hundred_milliseconds() {
        let mut all = Histogram::default();
        (1..=100).for_each(|ms| all.add(Duration::from_millis(ms)));
        let found = all.quantiles().expect("values were added");
        assert_eq!(
            (found.count, found.longest),
            (100, Duration::from_millis(100))
        );
        assert!(found.p50 >= Duration::from_millis(50) && found.p50 < Duration::from_millis(52));
        assert!(found.p99 >= Duration::from_millis(99) && found.p99 <= Duration::from_millis(100));
    }

    proptest! {
        #[test]
        fn a_bucket_holds_its_values_within_four_percent(micros in 0_u64..1 << 40) {
            let bound = upper_bound(bucket(micros));
            prop_assert!(bound >= micros);
            prop_assert!(bound - micros <= micros / 25 + 1, "{micros} {bound}");
            prop_assert!(bucket(micros) < DOUBLINGS * 32);
        }
    }
}
