//! What is kept for a time only (reliability §3, and the API's document): answers to repeated requests
//! and webhooks that were handled, 30 days from when they came.

use chrono::{DateTime, TimeDelta, Utc};

/// How long they are kept at least.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Whether what came at `at` may be gone by `as_of`: its absence then says nothing.
pub(super) fn is_over(at: DateTime<Utc>, as_of: DateTime<Utc>) -> bool {
    at < as_of - KEPT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_days_are_kept_and_not_a_second_less() {
        let at = DateTime::UNIX_EPOCH;
        assert!(!is_over(at, at + TimeDelta::days(30)));
        assert!(is_over(
            at,
            at + TimeDelta::days(30) + TimeDelta::seconds(1)
        ));
        assert!(!is_over(at, at - TimeDelta::days(1)));
    }
}
