//! The global order: positions are 1..N, each names one event, and the hash chain runs through them
//! (I5, I16). What it reads on the way is kept as fingerprints for the comparison with the topics.

use chrono::{DateTime, Utc};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::chain::{self, Hash, SEED};
use super::report::{Invariant, Report};
use super::store::{STORED_COLUMNS, Store, Stored};

/// What the log holds.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The last position.
    pub(super) head: i64,
    /// When the last of its events was recorded: as late as the system has certainly lived.
    pub(super) latest: Option<DateTime<Utc>>,
    /// The leaf and time of the event at each position, from position 1; empty unless asked for.
    pub(super) leaves: Vec<Option<(Hash, DateTime<Utc>)>>,
}

/// Reads the log in order of position. `keep_leaves` costs 48 bytes an event.
///
/// # Errors
/// When the database fails.
pub(super) async fn check(
    store: &mut Store,
    keep_leaves: bool,
    report: &mut Report,
) -> anyhow::Result<Log> {
    let query = format!(
        "SELECT l.position, l.event_row, l.hash, e.id AS event, {STORED_COLUMNS}
         FROM es.event_log l LEFT JOIN es.events e ON e.id = l.event_row ORDER BY l.position"
    );
    store.open_cursor(&query).await?;
    let mut walk = Walk {
        log: Log::default(),
        previous: SEED,
        keep_leaves,
    };
    loop {
        let rows = store.next_rows().await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            walk.see(row, report)?;
        }
    }
    walk.check_head(store, report).await?;
    check_unnumbered(store, report).await?;
    Ok(walk.log)
}

/// A walk along the log.
pub(super) struct Walk {
    log: Log,
    previous: Hash,
    keep_leaves: bool,
}

impl Walk {
    /// A walk that goes on after `position`, whose hash is `previous`.
    pub(super) fn after(position: i64, previous: Hash) -> Self {
        let log = Log {
            head: position,
            ..Log::default()
        };
        Self {
            log,
            previous,
            keep_leaves: false,
        }
    }

    /// The last position that was seen, and its hash.
    pub(super) fn stands_at(&self) -> (i64, Hash) {
        (self.log.head, self.previous)
    }

    /// When the last event that was seen was recorded.
    pub(super) fn latest(&self) -> Option<DateTime<Utc>> {
        self.log.latest
    }

    /// Takes the next position, and gives its event with it.
    ///
    /// # Errors
    /// When a column is missing or of another type.
    pub(super) fn see(
        &mut self,
        row: &PgRow,
        report: &mut Report,
    ) -> anyhow::Result<Option<(i64, Stored)>> {
        let position: i64 = row.try_get("position")?;
        let due = self.log.head.saturating_add(1);
        report.expect(Invariant::I5, position == due, || {
            format!("position {position} stands where {due} is due")
        });
        self.log.head = position;
        let event: Option<i64> = row.try_get("event")?;
        if event.is_none() {
            let event_row: i64 = row.try_get("event_row")?;
            let what =
                format!("position {position} names event row {event_row}, which is not there");
            report.violated(Invariant::I5, what);
            self.keep(None);
            self.follow(row, None, report)?;
            return Ok(None);
        }
        let stored = Stored::read(row)?;
        self.log.latest = self.log.latest.max(Some(stored.recorded_at));
        let leaf = chain::leaf(&stored);
        self.keep(Some((leaf, stored.recorded_at)));
        self.follow(row, Some((position, leaf, &stored)), report)?;
        Ok(Some((position, stored)))
    }

    fn keep(&mut self, leaf: Option<(Hash, DateTime<Utc>)>) {
        if self.keep_leaves {
            self.log.leaves.push(leaf);
        }
    }

    /// Compares the stored hash and goes on from it, so that one edit is one violation.
    fn follow(
        &mut self,
        row: &PgRow,
        event: Option<(i64, Hash, &Stored)>,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let stored_hash: Vec<u8> = row.try_get("hash")?;
        let expected =
            event.map(|(position, leaf, _)| chain::step(&self.previous, position, &leaf));
        report.expect(
            Invariant::I16,
            expected.is_some_and(|hash| hash == *stored_hash),
            || {
                event.map_or_else(
                    || "a link of the chain has lost its event".to_owned(),
                    |(position, _, stored)| {
                        format!(
                            "the hash at position {position} does not fit {}",
                            stored.label()
                        )
                    },
                )
            },
        );
        self.previous = Hash::try_from(stored_hash.as_slice()).unwrap_or(SEED);
        Ok(())
    }

    /// Compares the end of the walk with what the sequencer says of itself.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn check_head(
        &self,
        store: &mut Store,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let rows = store.all("SELECT position, hash FROM es.sequencer").await?;
        report.expect(Invariant::I5, rows.len() == 1, || {
            format!("es.sequencer has {} rows instead of one", rows.len())
        });
        for row in &rows {
            let position: i64 = row.try_get(0)?;
            let hash: Vec<u8> = row.try_get(1)?;
            let head = self.log.head;
            report.expect(Invariant::I5, position == head, || {
                format!("the sequencer stands at {position}, the log ends at {head}")
            });
            report.expect(Invariant::I16, hash == self.previous, || {
                format!("the sequencer's hash is not the one at the log's end, position {head}")
            });
        }
        Ok(())
    }
}

async fn check_unnumbered(store: &mut Store, report: &mut Report) -> anyhow::Result<()> {
    let rows = store
        .all(
            "SELECT e.id, e.aggregate_type, e.aggregate_id, e.sequence FROM es.events e
             WHERE NOT EXISTS (SELECT FROM es.event_log l WHERE l.event_row = e.id)
             ORDER BY e.id LIMIT 1000",
        )
        .await?;
    for row in &rows {
        let (id, kind): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        let (stream, sequence): (String, i64) = (row.try_get(2)?, row.try_get(3)?);
        let what = format!("event row {id} ({kind}:{stream} #{sequence}) has no position");
        report.violated(Invariant::I5, what);
    }
    Ok(())
}
