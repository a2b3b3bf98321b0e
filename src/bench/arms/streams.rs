//! Which aggregate the next command is for.

use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use uuid::Uuid;

/// The streams of a workload.
pub(in crate::bench) enum Streams {
    /// Each command has an aggregate of its own.
    Fresh,
    /// One after the other, and from the first again.
    InTurn { ids: Vec<Uuid>, drawn: AtomicU64 },
    /// The commands share aggregates, the nth one with a weight of 1/n.
    Zipf {
        ids: Vec<Uuid>,
        /// Sums of the weights, rising to 1.
        until: Vec<f64>,
        drawn: AtomicU64,
        seed: u64,
    },
}

impl Streams {
    /// These, one after the other.
    pub(in crate::bench) fn in_turn(ids: Vec<Uuid>) -> Self {
        Self::InTurn {
            ids,
            drawn: AtomicU64::new(0),
        }
    }

    /// So many aggregates whose popularity falls with 1/n.
    #[expect(clippy::cast_precision_loss, reason = "some thousand aggregates")]
    pub(in crate::bench) fn zipf(count: usize, seed: u64) -> Self {
        let mut sum = 0.0;
        let mut until: Vec<f64> = (1..=count)
            .map(|rank| {
                sum += 1.0 / rank as f64;
                sum
            })
            .collect();
        for bound in &mut until {
            *bound /= sum;
        }
        Self::Zipf {
            ids: (0..count).map(|rank| named(seed, rank)).collect(),
            until,
            drawn: AtomicU64::new(0),
            seed,
        }
    }

    /// The aggregate of the next command; none for a new one.
    pub(in crate::bench) fn next(&self) -> Option<Uuid> {
        match self {
            Self::Fresh => None,
            Self::InTurn { ids, drawn } => {
                let nth = usize::try_from(drawn.fetch_add(1, Ordering::Relaxed)).ok()?;
                ids.get(nth % ids.len().max(1)).copied()
            }
            Self::Zipf {
                ids,
                until,
                drawn,
                seed,
            } => {
                let nth = drawn.fetch_add(1, Ordering::Relaxed);
                let mut rng = StdRng::seed_from_u64(seed.wrapping_add(nth));
                let draw: f64 = rng.random();
                let rank = until.partition_point(|bound| *bound < draw);
                ids.get(rank.min(ids.len().saturating_sub(1))).copied()
            }
        }
    }
}

/// The nth aggregate of a seed.
pub(in crate::bench) fn named(seed: u64, nth: usize) -> Uuid {
    let nth = u64::try_from(nth).unwrap_or(u64::MAX);
    Uuid::from_u64_pair(seed | 0x7000, nth | 1 << 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_asked_for_most() {
        let streams = Streams::zipf(1000, 1);
        let first = named(1, 0);
        let drawn = (0..10_000).filter(|_| streams.next() == Some(first));
        // The share of the first of a thousand is 1 / H(1000) = 13.4 %.
        let drawn = drawn.count();
        assert!((1200..1500).contains(&drawn), "{drawn}");
    }
}
