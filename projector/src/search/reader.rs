//! Reads what the views say of shops, and knows of those that it has read whether that is anything new.

use std::collections::BTreeSet;

use infra::clock::Clock;
use infra::event_store::{EventLog, LogError, LogRow, Mark};
use infra::limits::{DATABASE_DEADLINE, PROJECTOR_STATEMENT_MAX};
use infra::postgres::in_time;
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

use super::catalogue::{Catalogue, ShopState};
use super::{SearchError, blocking, is_indexed, rows};

/// Reading views for the index: somewhat longer than the server lets a statement take.
const READ_MAX: Duration = PROJECTOR_STATEMENT_MAX.saturating_add(DATABASE_DEADLINE);
/// Events looked at together, to see whose shops they are of.
const EVENTS_AT_ONCE: i64 = 1_000;

/// Reads shops.
#[derive(Clone)]
pub(super) struct ShopReader {
    pub(super) pool: PgPool,
    pub(super) clock: Clock,
    pub(super) catalogue: Catalogue,
}

impl ShopReader {
    /// A reader that knows nothing yet.
    pub(super) fn new(pool: PgPool, clock: Clock) -> Self {
        Self {
            pool,
            clock,
            catalogue: Catalogue::new(),
        }
    }

    /// What the rows of some shops say now.
    pub(super) async fn look(&self, shops: &[Uuid]) -> Result<Vec<ShopState>, SearchError> {
        let versions = shops.iter().map(|shop| self.catalogue.menu_version(*shop));
        let versions: Vec<i32> = versions.collect();
        let now = self.clock.now();
        let rows = in_time(READ_MAX, rows::load(&self.pool, shops, &versions)).await?;
        let catalogue = self.catalogue.clone();
        blocking(move || rows.iter().map(|row| catalogue.look(row, now)).collect()).await
    }

    /// Every shop, and how far the views behind the index are: rows read later say that much at least.
    pub(super) async fn begin(&self) -> Result<(rows::Marks, Vec<Uuid>), SearchError> {
        let marks = self.marks().await?;
        Ok((marks, in_time(READ_MAX, rows::all(&self.pool)).await?))
    }

    /// How far the views behind the index are.
    pub(super) async fn marks(&self) -> Result<rows::Marks, SearchError> {
        Ok(in_time(READ_MAX, rows::marks(&self.pool)).await?)
    }
}

/// The shops of which the log says anything after `from`.
pub(super) async fn touched_since(log: &EventLog, from: Mark) -> Result<BTreeSet<Uuid>, LogError> {
    let mut shops = BTreeSet::new();
    let mut mark = from;
    loop {
        let rows = log.after(mark, EVENTS_AT_ONCE).await?;
        let Some(last) = rows.last().map(LogRow::mark) else {
            return Ok(shops);
        };
        let indexed = rows.iter().filter(|row| is_indexed(row.stream.kind));
        shops.extend(indexed.map(|row| row.stream.id));
        mark = last;
    }
}
