//! The newest rows of the log, which several followers in one process want at the same moment: read
//! once, handed to each.

use std::collections::VecDeque;

use super::{LogRow, Mark};

/// Rows kept at most: some batches, so that a follower which is a little slower still finds them.
const ROWS_MAX: usize = 1_024;
/// Bytes of payload and metadata kept at most.
const BYTES_MAX: usize = 4 << 20;

/// A piece of the log without holes, up to the last row that anybody has read.
#[derive(Debug, Default)]
pub(super) struct Tail {
    rows: VecDeque<LogRow>,
    bytes: usize,
}

impl Tail {
    /// Up to `max` rows after `mark`. None says nothing: the row at `mark` may not be here, or be another,
    /// which the log itself must tell.
    pub(super) fn after(&self, mark: Mark, max: usize) -> Vec<LogRow> {
        let known = self.place_of(mark);
        let after = known.map_or(self.rows.len(), |place| place + 1);
        self.rows.iter().skip(after).take(max).cloned().collect()
    }

    /// Takes what was read after `mark`. Older rows than these stay only where they join.
    pub(super) fn take(&mut self, mark: Mark, rows: &[LogRow]) {
        let newest = |row: Option<&LogRow>| row.map_or(0, |row| row.position);
        if newest(rows.last()) <= newest(self.rows.back()) {
            return;
        }
        if self.rows.back().map(LogRow::mark) != Some(mark) {
            self.forget();
        }
        for row in rows {
            self.bytes += size(row);
            self.rows.push_back(row.clone());
        }
        while self.rows.len() > ROWS_MAX || self.bytes > BYTES_MAX {
            let Some(oldest) = self.rows.pop_front() else {
                break;
            };
            self.bytes -= size(&oldest);
        }
    }

    /// Forgets all: the log is another one, perhaps.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    fn place_of(&self, mark: Mark) -> Option<usize> {
        let first = self.rows.front()?.position;
        let place = usize::try_from(mark.position.checked_sub(first)?).ok()?;
        (self.rows.get(place)?.mark() == mark).then_some(place)
    }
}

fn size(row: &LogRow) -> usize {
    row.payload.len() + row.metadata.len()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use domain::aggregates::Kind;
    use uuid::Uuid;

    use super::super::{ChainHash, StreamId};
    use super::*;

    fn row(position: i64, history: u8) -> LogRow {
        LogRow {
            position,
            hash: hash(position, history),
            stream: StreamId {
                kind: Kind::Order,
                id: Uuid::nil(),
            },
            sequence: position,
            event_id: Uuid::nil(),
            event_type: "placed".to_owned(),
            event_version: "1".to_owned(),
            recorded_at: DateTime::UNIX_EPOCH,
            payload: "{}".to_owned(),
            metadata: "{}".to_owned(),
        }
    }

    fn hash(position: i64, history: u8) -> ChainHash {
        let mut bytes = [history; 32];
        bytes[..8].copy_from_slice(&position.to_be_bytes());
        ChainHash::new(bytes)
    }

    fn rows(positions: std::ops::RangeInclusive<i64>) -> Vec<LogRow> {
        positions.map(|position| row(position, 1)).collect()
    }

    fn positions(rows: &[LogRow]) -> Vec<i64> {
        rows.iter().map(|row| row.position).collect()
    }

    #[test]
    fn what_one_has_read_others_are_handed() {
        let mut tail = Tail::default();
        tail.take(Mark::default(), &rows(1..=3));
        tail.take(row(3, 1).mark(), &rows(4..=5));
        assert_eq!(positions(&tail.after(row(1, 1).mark(), 10)), [2, 3, 4, 5]);
        assert_eq!(positions(&tail.after(row(1, 1).mark(), 2)), [2, 3]);
        assert_eq!(positions(&tail.after(row(5, 1).mark(), 10)), [0; 0]);
    }

    #[test]
    fn a_place_that_is_not_here_is_not_answered() {
        let mut tail = Tail::default();
        tail.take(row(7, 1).mark(), &rows(8..=9));
        for mark in [Mark::default(), row(7, 1).mark(), row(10, 1).mark()] {
            assert_eq!(positions(&tail.after(mark, 10)), [0; 0]);
        }
        assert_eq!(positions(&tail.after(row(8, 2).mark(), 10)), [0; 0]);
    }

    #[test]
    fn what_does_not_join_replaces_and_what_is_older_is_not_taken() {
        let mut tail = Tail::default();
        tail.take(Mark::default(), &rows(1..=3));
        tail.take(Mark::default(), &rows(1..=2));
        assert_eq!(positions(&tail.after(row(1, 1).mark(), 10)), [2, 3]);
        tail.take(row(5, 1).mark(), &rows(6..=8));
        assert_eq!(positions(&tail.after(row(1, 1).mark(), 10)), [0; 0]);
        assert_eq!(positions(&tail.after(row(6, 1).mark(), 10)), [7, 8]);
    }

    #[test]
    fn it_stays_small() {
        let mut tail = Tail::default();
        let mut from = Mark::default();
        for start in 0..20_i64 {
            let read = rows(start * 100 + 1..=start * 100 + 100);
            tail.take(from, &read);
            from = read[99].mark();
        }
        assert_eq!(tail.rows.len(), ROWS_MAX);
        let mut large = row(2_001, 1);
        large.payload = "x".repeat(BYTES_MAX);
        tail.take(from, &[large]);
        assert_eq!((tail.rows.len(), tail.bytes), (0, 0));
    }
}
