//! Which versions the database vouched for a moment ago: for answers that promise nothing.

use std::time::Duration;

use infra::clock::Stopwatch;
use infra::event_store::StreamId;
use moka::sync::Cache;

/// How long a word of the database counts. What another process has added shows after this at the
/// latest; what this one adds shows at once, as its own commits are what it remembers.
pub(super) const COUNTS_FOR: Duration = Duration::from_millis(250);
/// Streams remembered; the oldest are asked for again.
const STREAMS_MAX: u64 = 50_000;

/// What the database said, and when.
#[derive(Clone, Copy)]
struct Word {
    version: i64,
    since: Stopwatch,
}

/// Versions that were looked up a moment ago. Clones share everything.
#[derive(Clone)]
pub(super) struct Lately {
    counts_for: Duration,
    words: Cache<StreamId, Word>,
}

impl Lately {
    pub(super) fn new(counts_for: Duration) -> Self {
        Self {
            counts_for,
            words: Cache::new(STREAMS_MAX),
        }
    }

    /// Whether all of these were vouched for, or are newer than what was.
    pub(super) fn knows(&self, versions: &[(StreamId, i64)]) -> bool {
        versions.iter().all(|(stream, version)| {
            self.words.get(stream).is_some_and(|word| {
                word.version <= *version && word.since.elapsed() < self.counts_for
            })
        })
    }

    /// Remembers that the database had these at `since`.
    pub(super) fn heard(&self, versions: &[(StreamId, i64)], since: Stopwatch) {
        for (stream, version) in versions {
            let word = Word {
                version: *version,
                since,
            };
            self.words.insert(*stream, word);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::aggregates::Kind;
    use infra::clock::Clock;
    use uuid::Uuid;

    use super::*;

    fn at(version: i64) -> [(StreamId, i64); 1] {
        let stream = StreamId {
            kind: Kind::Restaurant,
            id: Uuid::nil(),
        };
        [(stream, version)]
    }

    #[test]
    fn a_word_counts_for_what_is_newer_and_not_for_ever() {
        let lately = Lately::new(Duration::MAX);
        assert!(!lately.knows(&at(3)), "nobody was asked");
        lately.heard(&at(3), Clock::system().stopwatch());
        assert!(lately.knows(&at(3)) && lately.knows(&at(4)));
        assert!(!lately.knows(&at(2)), "it has moved since");
        let forgetful = Lately::new(Duration::ZERO);
        forgetful.heard(&at(3), Clock::system().stopwatch());
        assert!(!forgetful.knows(&at(3)));
    }
}
