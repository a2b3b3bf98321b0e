//! Events that get no position (I5). On a running system each event is without one for a moment; one that is passed over
//! while the log goes on is lost to everybody who reads by position.

use std::collections::HashMap;

use sqlx::Row as _;

use super::reads;
use crate::check::report::{Invariant, Report};
use crate::check::store::Store;

/// How many rows before the latest numbered one are looked at: more than are written while a transaction is open.
const ROWS_BACK: i64 = 10_000;

/// Looks that an event may be without position while others get one: ten seconds of a log that grows.
const LOOKS_MAX: u32 = 40;

/// What was seen without a position.
#[derive(Default)]
pub(super) struct Unnumbered {
    /// The largest row that has one.
    last_row: i64,
    /// That, at the last look.
    last_look: i64,
    /// In how many looks at a log that had grown an event had none.
    waiting: HashMap<i64, u32>,
}

impl Unnumbered {
    /// Learns that an event has a position.
    pub(super) fn saw(&mut self, event_row: i64) {
        self.last_row = self.last_row.max(event_row);
    }

    /// Looks for events that have none although later ones have; only if the log has grown.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn look(
        &mut self,
        store: &mut Store,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        if self.last_row == self.last_look {
            return Ok(());
        }
        self.last_look = self.last_row;
        let rows = reads::unnumbered(store, self.last_row.saturating_sub(ROWS_BACK)).await?;
        let mut waiting = HashMap::new();
        for row in &rows {
            let id: i64 = row.try_get(0)?;
            let looks = self
                .waiting
                .get(&id)
                .map_or(1, |looks| looks.saturating_add(1));
            waiting.insert(id, looks);
            if looks == LOOKS_MAX {
                let (kind, stream): (String, String) = (row.try_get(1)?, row.try_get(2)?);
                let sequence: i64 = row.try_get(3)?;
                let what = format!("event row {id} ({kind}:{stream} #{sequence}) gets no position");
                report.violated(Invariant::I5, what);
            }
        }
        self.waiting = waiting;
        report.checked(Invariant::I5);
        Ok(())
    }
}
