//! Everything that is left to chance, from one seed: a run repeats by its seed, and its last choices tell
//! what led to a failure.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Choices that are remembered for a report.
const REMEMBERED: usize = 60;

/// A source of choices. Clones share it.
#[derive(Clone)]
pub(crate) struct Choices(Arc<Mutex<Inner>>);

struct Inner {
    rng: StdRng,
    made: u64,
    last: VecDeque<(&'static str, u64)>,
    /// Faults that may still be chosen.
    budget: u32,
    faults: u32,
    calm: bool,
}

impl Choices {
    /// The choices of `seed`, with at most so many faults among them.
    pub(crate) fn new(seed: u64, budget: u32) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            rng: StdRng::seed_from_u64(seed),
            made: 0,
            last: VecDeque::new(),
            budget,
            faults: 0,
            calm: false,
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number below `most`.
    pub(crate) fn below(&self, what: &'static str, most: u64) -> u64 {
        self.inner().below(what, most)
    }

    /// Whether something happens that does so in so many of a hundred cases.
    pub(crate) fn in_hundred(&self, what: &'static str, cases: u64) -> bool {
        self.below(what, 100) < cases
    }

    /// Whether a fault happens here, as it does in so many of a thousand cases while there are faults.
    pub(crate) fn fault(&self, what: &'static str, of_thousand: u64) -> bool {
        let mut inner = self.inner();
        if inner.calm || inner.budget == 0 || inner.below(what, 1_000) >= of_thousand {
            return false;
        }
        inner.budget -= 1;
        inner.faults += 1;
        true
    }

    /// From now on there are no faults.
    pub(crate) fn calm(&self) {
        self.inner().calm = true;
    }

    /// Whether there are no faults any more.
    pub(crate) fn is_calm(&self) -> bool {
        self.inner().calm
    }

    /// How many choices were made.
    pub(crate) fn made(&self) -> u64 {
        self.inner().made
    }

    /// How many of them were faults.
    pub(crate) fn faults(&self) -> u32 {
        self.inner().faults
    }
}

impl Inner {
    fn below(&mut self, what: &'static str, most: u64) -> u64 {
        let chosen = self.rng.random_range(0..most.max(1));
        self.made += 1;
        if self.last.len() == REMEMBERED {
            self.last.pop_front();
        }
        self.last.push_back((what, chosen));
        chosen
    }
}

impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner();
        write!(
            f,
            "{} choices, {} faults; the last:",
            inner.made, inner.faults
        )?;
        for (what, chosen) in &inner.last {
            write!(f, " {what}={chosen}")?;
        }
        Ok(())
    }
}
