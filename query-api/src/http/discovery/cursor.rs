//! The cursor of a search: behind which hit, of which search, and as of when. Opaque to clients.
//!
//! It is bound to the search that gave it: of another one it would skip hits. Open shops and promises are
//! answered as of the first page for as long as the cursor is good, so that pages fit together.

use chrono::{DateTime, TimeDelta, Utc};
use domain::kernel::collect::Collect;
use domain::kernel::fault::{Fault, Faults, Pointer};
use serde::{Serialize, Serializer};

use crate::search::Position;

/// Who turns a page later than this begins anew: shops have opened and closed since.
const LIFE: TimeDelta = TimeDelta::minutes(15);
/// Hexadecimal digits of each part.
const PART_DIGITS: usize = 16;
const PARTS: usize = 4;

/// Where a page of hits ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SearchCursor {
    /// Hash of what was asked.
    search: u64,
    /// Seconds since 1970 for which the first page was answered.
    at: u64,
    position: Position,
}

impl SearchCursor {
    /// Behind this hit of this search.
    pub(crate) fn behind(search: u64, at: DateTime<Utc>, position: Position) -> Self {
        Self {
            search,
            at: u64::try_from(at.timestamp()).unwrap_or_default(),
            position,
        }
    }

    /// The position and the instant, if the cursor is of this search and still good.
    ///
    /// # Errors
    /// The fault of the cursor.
    pub(crate) fn open(
        self,
        search: u64,
        now: DateTime<Utc>,
    ) -> Result<(Position, DateTime<Utc>), Fault> {
        let fault = |code: &str, detail: &str| Fault {
            code: code.to_owned(),
            pointer: "/cursor".to_owned(),
            detail: detail.to_owned(),
        };
        if self.search != search {
            return Err(fault(
                "cursor_of_another_search",
                "a cursor continues the search that gave it",
            ));
        }
        let seconds = i64::try_from(self.at).ok();
        let at = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        match at.filter(|at| *at <= now && now - *at <= LIFE) {
            Some(at) => Ok((self.position, at)),
            None => Err(fault(
                "cursor_expired",
                "search again: this page is too old to be continued",
            )),
        }
    }

    fn read(text: &str) -> Option<Self> {
        if text.len() != PARTS * PART_DIGITS || !text.bytes().all(|digit| digit.is_ascii_hexdigit())
        {
            return None;
        }
        let part = |nth: usize| {
            let digits = text.get(nth * PART_DIGITS..(nth + 1) * PART_DIGITS)?;
            u64::from_str_radix(digits, 16).ok()
        };
        Some(Self {
            search: part(0)?,
            at: part(1)?,
            position: Position {
                rank: part(2)?,
                key: part(3)?,
            },
        })
    }
}

impl std::fmt::Display for SearchCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Position { rank, key } = self.position;
        write!(
            f,
            "{:016x}{:016x}{rank:016x}{key:016x}",
            self.search, self.at
        )
    }
}

impl Serialize for SearchCursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Collect for SearchCursor {
    fn collect(value: &serde_json::Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        let read = value.as_str().and_then(Self::read);
        if read.is_none() {
            faults.add(
                "cursor_malformed",
                at,
                "a cursor comes from the page before",
            );
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_search_and_its_time() {
        let now: DateTime<Utc> = "2026-11-22T12:00:00Z".parse().unwrap();
        let position = Position {
            rank: u64::MAX,
            key: 7,
        };
        let cursor = SearchCursor::behind(1, now, position);
        let read = SearchCursor::read(&cursor.to_string()).unwrap();
        assert_eq!(read, cursor);
        assert_eq!(read.open(1, now + LIFE), Ok((position, now)));
        let code = |search, at| read.open(search, at).unwrap_err().code;
        assert_eq!(code(2, now), "cursor_of_another_search");
        assert_eq!(
            code(1, now + LIFE + TimeDelta::seconds(1)),
            "cursor_expired"
        );
        assert_eq!(code(1, now - TimeDelta::seconds(1)), "cursor_expired");
        for elsewhere in [
            "",
            "p20",
            "00000000000000000000000000000001",
            &"g".repeat(64),
            &"é".repeat(32),
        ] {
            assert_eq!(SearchCursor::read(elsewhere), None, "{elsewhere}");
        }
    }
}
