//! How many repetitions a vendor is given: one for every ten calls, so that our retries never double
//! the load on a vendor that is in trouble.

/// What a call puts in and a repetition takes out, in tenths of a repetition.
const PER_CALL: u32 = 1;
const PER_RETRY: u32 = 10;
/// Saved at most, and there at the start: a quiet hour must not pay for a storm.
const SAVED_MAX: u32 = 10 * PER_RETRY;

/// The budget of one vendor.
#[derive(Debug)]
pub(super) struct RetryBudget {
    tenths: u32,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { tenths: SAVED_MAX }
    }
}

impl RetryBudget {
    /// A first try was made.
    pub(super) fn earn(&mut self) {
        self.tenths = (self.tenths + PER_CALL).min(SAVED_MAX);
    }

    /// Takes one repetition, if there is one.
    pub(super) fn take(&mut self) -> bool {
        let left = self.tenths.checked_sub(PER_RETRY);
        self.tenths = left.unwrap_or(self.tenths);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_are_a_tenth_of_calls_beyond_the_first_ten() {
        let mut budget = RetryBudget::default();
        let taken = (0..1_000)
            .filter(|_| {
                budget.earn();
                budget.take()
            })
            .count();
        assert!((100..=111).contains(&taken), "{taken}");
    }
}
