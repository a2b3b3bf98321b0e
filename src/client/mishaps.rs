//! What goes wrong between an app and the API on bad networks, drawn from a seed: a request is sent
//! again although it was answered, sent twice at once, or its answer is lost on the way.
//!
//! Every such request carries one idempotency key, so that it must stay one request whatever happens.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Of a thousand writes, so many are sent again after their answer: an app that was stopped before
/// it had stored the answer asks anew when it wakes up.
const AGAIN: u32 = 20;
/// Of a thousand writes, so many are sent twice at once: a proxy or an impatient thumb.
const TWICE: u32 = 5;
/// Of a thousand writes, so many lose their answer: the connection is cut while one waits.
const LOST: u32 = 5;
/// Latest moment of the cut, in microseconds: when most answers have come.
const CUT_US_MAX: u64 = 20_000;

/// What becomes of one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mishap {
    /// Nothing unusual.
    Nothing,
    /// It is sent again after its answer.
    SentAgain,
    /// It is sent twice at once.
    SentTwice,
    /// The connection is cut after this real time, and then it is sent again.
    AnswerLost(Duration),
}

/// How many writes met which mishap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MishapCounts {
    /// Writes in all.
    pub(crate) writes: u64,
    /// Sent again after the answer.
    pub(crate) again: u64,
    /// Sent twice at once.
    pub(crate) twice: u64,
    /// Cut off while waiting for the answer.
    pub(crate) lost: u64,
}

/// Draws mishaps.
#[derive(Debug)]
pub(super) struct Mishaps(Mutex<(StdRng, MishapCounts)>);

impl Mishaps {
    /// The mishaps of a seed.
    pub(super) fn seeded(seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        Self(Mutex::new((random, MishapCounts::default())))
    }

    /// What becomes of the next write.
    pub(super) fn draw(&self) -> Mishap {
        let mut drawn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (random, counts) = &mut *drawn;
        counts.writes += 1;
        let draw = random.random_range(0..1_000);
        if draw < AGAIN {
            counts.again += 1;
            Mishap::SentAgain
        } else if draw < AGAIN + TWICE {
            counts.twice += 1;
            Mishap::SentTwice
        } else if draw < AGAIN + TWICE + LOST {
            counts.lost += 1;
            Mishap::AnswerLost(Duration::from_micros(random.random_range(0..CUT_US_MAX)))
        } else {
            Mishap::Nothing
        }
    }

    /// What was drawn so far.
    pub(super) fn counts(&self) -> MishapCounts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_mishaps_and_most_writes_have_none() {
        let drawn = |seed| {
            let mishaps = Mishaps::seeded(seed);
            let all: Vec<Mishap> = (0..10_000).map(|_| mishaps.draw()).collect();
            (all, mishaps.counts())
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1).0, drawn(2).0);
        let (_, counts) = drawn(1);
        assert_eq!(counts.writes, 10_000);
        assert!((150..250).contains(&counts.again), "{counts:?}");
        assert!((25..80).contains(&counts.twice), "{counts:?}");
        assert!((25..80).contains(&counts.lost), "{counts:?}");
    }
}
