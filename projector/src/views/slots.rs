//! The rows of one view that a batch needs: remembered or read once, folded in memory by key, written
//! with one statement. Repeats are dropped by the row's sequence.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::decider::Recorded;
use infra::event_store::StreamId;
use sqlx::postgres::PgArguments;
use sqlx::{Arguments as _, PgConnection, PgExecutor};
use uuid::Uuid;

use super::fold::{ApplyError, Folding, Gap, Outcome, Parked, Trouble, walk};
use super::remembered::Remembered;
use super::row::{Row, delete_sql, select_sql, upsert_sql};
use super::{Change, FoldedView, Followed, Source, Unwritten, Version};

/// The rows of a view by the streams that they fold.
pub(super) struct Slots<V: FoldedView> {
    slots: BTreeMap<Uuid, Slot<V::Row>>,
}

/// A row while a batch is folded into it.
struct Slot<R> {
    row: Option<R>,
    stored: bool,
    changed: bool,
}

impl<R> Slot<R> {
    fn of(row: Option<R>) -> Self {
        Self {
            stored: row.is_some(),
            row,
            changed: false,
        }
    }
}

/// Folds what of the batch is new to a view, in memory.
///
/// # Errors
/// As [`ApplyError`].
pub(super) async fn fold_together<V: FoldedView>(
    source: &Source<'_>,
    folding: &Folding<'_>,
    outcome: &mut Outcome,
) -> Result<Slots<V>, ApplyError> {
    let read = Slots::<V>::read(source, keys::<V>(folding)).await;
    let mut slots = read.map_err(|error| ApplyError::of(V::NAME, error))?;
    let mut parked = Parked::new(V::NAME, folding);
    walk::<V::Event>(folding, &mut parked, outcome, |event| slots.fold(&event))?;
    slots.tell(outcome);
    Ok(slots)
}

/// The streams of which rows are needed.
fn keys<V: FoldedView>(folding: &Folding<'_>) -> Vec<Uuid> {
    let mut keys: Vec<Uuid> = folding
        .fresh(V::NAME, V::Event::KIND)
        .filter(|item| match &item.event {
            Ok(event) => V::Event::pick(event).is_some_and(V::concerns),
            Err(_) => true,
        })
        .map(|item| item.record.stream)
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

impl<V: FoldedView> Slots<V> {
    /// The rows of `keys`: those that are remembered, the others from the database.
    async fn read(source: &Source<'_>, keys: Vec<Uuid>) -> Result<Self, sqlx::Error> {
        let mut known = BTreeMap::new();
        let mut unknown = Vec::new();
        for key in keys {
            match source.remembered.get::<V::Row>(V::NAME, key) {
                Some(row) => drop(known.insert(key, Slot::of(row.clone()))),
                None => unknown.push(key),
            }
        }
        let mut slots = Self::read_with(source.pool, source.version, &unknown).await?;
        slots.slots.append(&mut known);
        Ok(slots)
    }

    /// The rows of `keys` as the database has them.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) async fn read_with(
        database: impl PgExecutor<'_>,
        version: Version,
        keys: &[Uuid],
    ) -> Result<Self, sqlx::Error> {
        let mut slots: BTreeMap<Uuid, Slot<V::Row>> =
            keys.iter().map(|key| (*key, Slot::of(None))).collect();
        if !slots.is_empty() {
            let rows: Vec<V::Row> = sqlx::query_as(&select_sql::<V::Row>(version))
                .bind(keys)
                .fetch_all(database)
                .await?;
            slots.extend(rows.into_iter().map(|row| (row.key(), Slot::of(Some(row)))));
        }
        Ok(Self { slots })
    }

    /// Folds one event into its row.
    pub(super) fn fold(&mut self, event: &Recorded<V::Event>) -> Result<(), Trouble> {
        match self.slots.get_mut(&event.stream) {
            Some(slot) => fold_into::<V>(slot, event),
            None => Ok(()),
        }
    }

    /// Says which sequences the rows show.
    pub(super) fn tell(&self, outcome: &mut Outcome) {
        if V::ANCHOR {
            outcome
                .visible
                .extend(self.slots.iter().filter_map(|(id, slot)| {
                    let row = slot.row.as_ref()?;
                    Some((stream_of::<V>(*id), row.sequence()))
                }));
        }
    }

    fn changed(&self) -> impl Iterator<Item = (&Uuid, &Slot<V::Row>)> {
        self.slots.iter().filter(|(_, slot)| slot.changed)
    }

    async fn upsert(
        &self,
        connection: &mut PgConnection,
        version: Version,
    ) -> Result<(), ApplyError> {
        let rows: Vec<V::Row> = self
            .changed()
            .filter_map(|(_, slot)| slot.row.clone())
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let mut arguments = PgArguments::default();
        V::Row::bind(&rows, &mut arguments).map_err(encoding::<V>)?;
        let sql = upsert_sql::<V::Row>(version);
        execute::<V>(connection, &sql, arguments, rows.len()).await
    }

    async fn delete(
        &self,
        connection: &mut PgConnection,
        version: Version,
    ) -> Result<(), ApplyError> {
        let gone = self
            .changed()
            .filter(|(_, slot)| slot.row.is_none() && slot.stored);
        let gone: Vec<Uuid> = gone.map(|(key, _)| *key).collect();
        if gone.is_empty() {
            return Ok(());
        }
        let mut arguments = PgArguments::default();
        arguments.add(&gone).map_err(encoding::<V>)?;
        let sql = delete_sql::<V::Row>(version);
        execute::<V>(connection, &sql, arguments, gone.len()).await
    }
}

#[async_trait]
impl<V: FoldedView> Unwritten for Slots<V> {
    async fn write(
        &self,
        connection: &mut PgConnection,
        version: Version,
    ) -> Result<(), ApplyError> {
        self.upsert(connection, version).await?;
        self.delete(connection, version).await
    }

    fn remember(self: Box<Self>, remembered: &mut Remembered) {
        if V::REMEMBERED {
            for (key, slot) in self.slots {
                remembered.put(V::NAME, key, slot.row);
            }
        }
    }
}

fn stream_of<V: FoldedView>(id: Uuid) -> StreamId {
    let kind = V::Event::KIND;
    StreamId { kind, id }
}

fn encoding<V: FoldedView>(error: sqlx::error::BoxDynError) -> ApplyError {
    ApplyError::of(V::NAME, sqlx::Error::Encode(error))
}

/// Writes `rows` rows. Another writer of the same rows is the only reason why fewer are written.
async fn execute<V: FoldedView>(
    connection: &mut PgConnection,
    sql: &str,
    arguments: PgArguments,
    rows: usize,
) -> Result<(), ApplyError> {
    let done = sqlx::query_with(sql, arguments).execute(connection).await;
    let done = done.map_err(|error| ApplyError::of(V::NAME, error))?;
    if usize::try_from(done.rows_affected()).ok() == Some(rows) {
        Ok(())
    } else {
        Err(ApplyError::Overtaken(V::NAME))
    }
}

fn fold_into<V: FoldedView>(
    slot: &mut Slot<V::Row>,
    event: &Recorded<V::Event>,
) -> Result<(), Trouble> {
    let folded = slot.row.as_ref().map_or(0, Row::sequence);
    if event.sequence <= folded {
        return Ok(());
    }
    if V::ANCHOR && event.sequence > folded + 1 {
        return Err(Trouble::Gap(Gap {
            stream: stream_of::<V>(event.stream),
            from: folded + 1,
            to: event.sequence - 1,
        }));
    }
    match V::fold(slot.row.clone(), event).map_err(Trouble::Fold)? {
        Change::Put(mut row) => {
            row.set_sequence(event.sequence);
            slot.row = Some(row);
            slot.changed = true;
        }
        Change::Keep => {}
        Change::Remove => {
            slot.changed |= slot.row.take().is_some();
        }
    }
    Ok(())
}
