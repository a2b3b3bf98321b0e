//! How a batch is folded into a view: rows are read once, folded in memory by key, and written with
//! one statement. Repeats are dropped by position and by the row's sequence; a gap in a stream is
//! reported, so that it is filled from the store; what cannot be folded is parked.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use domain::aggregates::Kind;
use domain::decider::{Event as _, Recorded};
use infra::applied::Visible;
use infra::event_store::StreamId;
use infra::feed::FeedRecord;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgArguments;
use sqlx::{Arguments as _, Connection as _, PgConnection};
use uuid::Uuid;

use super::order_timeline::TimelineEntry;
use super::row::{Row, delete_sql, select_sql, upsert_sql};
use super::{Change, FoldError, FoldedView, Followed, View};
use crate::batch::Item;
use crate::checkpoint::Marks;
use crate::parked::{ParkedStreams, Parking, WAITS};

/// A stream jumps: events between `from` and `to` (both included) are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The stream.
    pub stream: StreamId,
    /// First missing sequence.
    pub from: i64,
    /// Last missing sequence.
    pub to: i64,
}

/// Why a batch was not applied; the transaction is to be given up.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Events are missing before one of the batch.
    #[error("stream {} misses events {} to {}", .0.stream, .0.from, .0.to)]
    Gap(Gap),
    /// The database refuses what the fold made: it will refuse it again.
    #[error("view {view} was refused by the database")]
    Refused {
        /// The view.
        view: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// The database failed; worth another try.
    #[error("view {view} could not be written")]
    Database {
        /// The view.
        view: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
}

impl ApplyError {
    fn of(view: &'static str, source: sqlx::Error) -> Self {
        if is_deterministic(&source) {
            Self::Refused { view, source }
        } else {
            Self::Database { view, source }
        }
    }
}

/// Whether the database will say the same next time: data exceptions (22) and integrity (23), and a
/// value that cannot be encoded.
fn is_deterministic(error: &sqlx::Error) -> bool {
    match error.as_database_error().and_then(DatabaseError::code) {
        Some(code) => code.starts_with("22") || code.starts_with("23"),
        None => matches!(
            error,
            sqlx::Error::Encode(_) | sqlx::Error::ColumnDecode { .. }
        ),
    }
}

/// How carefully a view is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    /// All of the batch with one statement.
    Together,
    /// Event by event, each with a savepoint, to find the one that the database refuses.
    OneByOne,
}

/// What is to be folded, and into which views.
#[derive(Debug)]
pub(crate) struct Folding<'a> {
    /// The batch, in order.
    pub(crate) items: &'a [Item],
    /// Where the views stood before it.
    pub(crate) marks: &'a Marks,
    /// Which streams are parked for which view.
    pub(crate) parked: &'a ParkedStreams,
    /// Views to be folded event by event.
    pub(crate) careful: &'a HashSet<&'static str>,
    /// Only this view, when redriving.
    pub(crate) only: Option<&'a str>,
}

impl Folding<'_> {
    /// Whether `view` is asked for and any event of the batch is for it.
    pub(crate) fn wants(&self, view: &str, follows: Kind) -> bool {
        self.only.is_none_or(|only| only == view)
            && self.items.iter().any(|item| item.record.kind == follows)
    }

    fn care(&self, view: &'static str) -> Care {
        if self.careful.contains(view) {
            Care::OneByOne
        } else {
            Care::Together
        }
    }

    /// The items that `view` has not folded yet.
    fn fresh(&self, view: &'static str, follows: Kind) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(move |item| {
            item.record.kind == follows && (item.fetched || !self.marks.covers(view, &item.record))
        })
    }
}

/// What folding a batch has led to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// For each stream folded, the sequence that its rows now show.
    pub(crate) visible: BTreeMap<StreamId, i64>,
    /// Events to be parked.
    pub(crate) parkings: Vec<Parking>,
}

impl Outcome {
    /// The visible streams as they are announced.
    pub(crate) fn announced(&self) -> Vec<Visible> {
        self.visible
            .iter()
            .map(|(stream, sequence)| Visible {
                kind: stream.kind,
                id: stream.id,
                sequence: *sequence,
            })
            .collect()
    }
}

/// Which streams of one view are parked while a batch is folded.
struct Parked<'a> {
    view: &'static str,
    before: &'a ParkedStreams,
    now: HashSet<StreamId>,
}

impl<'a> Parked<'a> {
    fn new(view: &'static str, folding: &Folding<'a>) -> Self {
        Self {
            view,
            before: folding.parked,
            now: HashSet::new(),
        }
    }

    fn holds(&self, stream: StreamId) -> bool {
        self.now.contains(&stream) || self.before.contains(&(self.view.to_owned(), stream))
    }

    fn park(&mut self, record: &FeedRecord, error: Option<String>, outcome: &mut Outcome) {
        self.now.insert(record.stream_id());
        outcome.parkings.push(Parking {
            view: self.view,
            record: record.clone(),
            error,
        });
    }
}

/// Walks the events that a view has not folded, parking what must be parked, and gives the others to
/// `take`, which says why one cannot be folded.
fn walk<'a, E: Followed>(
    folding: &Folding<'a>,
    parked: &mut Parked<'a>,
    outcome: &mut Outcome,
    mut take: impl FnMut(Recorded<E>) -> Result<(), Trouble>,
) -> Result<(), ApplyError> {
    for item in folding.fresh(parked.view, E::KIND) {
        let record = &item.record;
        if parked.holds(record.stream_id()) {
            parked.park(record, WAITS, outcome);
            continue;
        }
        match &item.event {
            Err(reason) => parked.park(record, Some(reason.clone()), outcome),
            Ok(any) => {
                let Some(event) = E::pick(any) else { continue };
                match take(recorded(record, event.clone())) {
                    Ok(()) => {}
                    Err(Trouble::Gap(gap)) => return Err(ApplyError::Gap(gap)),
                    Err(Trouble::Fold(error)) => {
                        parked.park(record, Some(error.to_string()), outcome);
                    }
                }
            }
        }
    }
    Ok(())
}

enum Trouble {
    Gap(Gap),
    Fold(FoldError),
}

fn recorded<E>(record: &FeedRecord, event: E) -> Recorded<E> {
    Recorded {
        event,
        event_id: record.event_id,
        stream: record.stream,
        sequence: record.sequence,
        position: record.position,
        recorded_at: record.recorded_at,
    }
}

/// A row while a batch is folded into it.
struct Slot<R> {
    row: Option<R>,
    stored: bool,
    changed: bool,
}

impl<V: FoldedView> View for V {
    const VIEW: &'static str = V::NAME;
    const FOLLOWS: Kind = V::Event::KIND;

    async fn apply(
        connection: &mut PgConnection,
        folding: &Folding<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), ApplyError> {
        match folding.care(V::NAME) {
            Care::Together => together::<V>(connection, folding, outcome).await,
            Care::OneByOne => one_by_one::<V>(connection, folding, outcome).await,
        }
    }
}

async fn together<V: FoldedView>(
    connection: &mut PgConnection,
    folding: &Folding<'_>,
    outcome: &mut Outcome,
) -> Result<(), ApplyError> {
    let keys = keys::<V>(folding);
    let fail = |source| ApplyError::of(V::NAME, source);
    let mut slots = read_slots::<V>(connection, &keys).await.map_err(fail)?;
    let mut parked = Parked::new(V::NAME, folding);
    walk::<V::Event>(folding, &mut parked, outcome, |event| {
        slots
            .get_mut(&event.stream)
            .map_or(Ok(()), |slot| fold_into::<V>(slot, &event))
    })?;
    write_slots::<V>(connection, &slots).await.map_err(fail)?;
    tell::<V>(&slots, outcome);
    Ok(())
}

/// The streams of which rows are needed.
fn keys<V: FoldedView>(folding: &Folding<'_>) -> Vec<Uuid> {
    let concerned = |item: &&Item| match &item.event {
        Ok(event) => V::Event::pick(event).is_some_and(V::concerns),
        Err(_) => true,
    };
    let mut keys: Vec<Uuid> = folding
        .fresh(V::NAME, V::Event::KIND)
        .filter(concerned)
        .map(|item| item.record.stream)
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

async fn read_slots<V: FoldedView>(
    connection: &mut PgConnection,
    keys: &[Uuid],
) -> Result<BTreeMap<Uuid, Slot<V::Row>>, sqlx::Error> {
    let mut slots: BTreeMap<Uuid, Slot<V::Row>> = keys
        .iter()
        .map(|key| {
            (
                *key,
                Slot {
                    row: None,
                    stored: false,
                    changed: false,
                },
            )
        })
        .collect();
    if slots.is_empty() {
        return Ok(slots);
    }
    let rows: Vec<V::Row> = sqlx::query_as(&select_sql::<V::Row>())
        .bind(keys)
        .fetch_all(connection)
        .await?;
    for row in rows {
        slots.insert(
            row.key(),
            Slot {
                row: Some(row),
                stored: true,
                changed: false,
            },
        );
    }
    Ok(slots)
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
        let stream = StreamId {
            kind: V::Event::KIND,
            id: event.stream,
        };
        return Err(Trouble::Gap(Gap {
            stream,
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

async fn write_slots<V: FoldedView>(
    connection: &mut PgConnection,
    slots: &BTreeMap<Uuid, Slot<V::Row>>,
) -> Result<(), sqlx::Error> {
    let changed = || slots.iter().filter(|(_, slot)| slot.changed);
    let rows: Vec<V::Row> = changed().filter_map(|(_, slot)| slot.row.clone()).collect();
    let gone: Vec<Uuid> = changed()
        .filter(|(_, slot)| slot.row.is_none() && slot.stored)
        .map(|(key, _)| *key)
        .collect();
    if !rows.is_empty() {
        let mut arguments = PgArguments::default();
        V::Row::bind(&rows, &mut arguments).map_err(sqlx::Error::Encode)?;
        let sql = upsert_sql::<V::Row>(V::NAME);
        let done = sqlx::query_with(&sql, arguments)
            .execute(&mut *connection)
            .await?;
        expect_affected(done.rows_affected(), rows.len())?;
    }
    if !gone.is_empty() {
        let mut arguments = PgArguments::default();
        arguments.add(&gone).map_err(sqlx::Error::Encode)?;
        let sql = delete_sql::<V::Row>(V::NAME);
        let done = sqlx::query_with(&sql, arguments)
            .execute(connection)
            .await?;
        expect_affected(done.rows_affected(), gone.len())?;
    }
    Ok(())
}

/// Another writer of the same rows is the only reason why fewer are written.
fn expect_affected(affected: u64, rows: usize) -> Result<(), sqlx::Error> {
    let expected = u64::try_from(rows).unwrap_or(u64::MAX);
    if affected == expected {
        Ok(())
    } else {
        Err(sqlx::Error::Protocol(format!(
            "{affected} of {expected} rows written"
        )))
    }
}

fn tell<V: FoldedView>(slots: &BTreeMap<Uuid, Slot<V::Row>>, outcome: &mut Outcome) {
    if V::ANCHOR {
        outcome
            .visible
            .extend(slots.iter().filter_map(|(id, slot)| {
                let stream = StreamId {
                    kind: V::Event::KIND,
                    id: *id,
                };
                slot.row.as_ref().map(|row| (stream, row.sequence()))
            }));
    }
}

async fn one_by_one<V: FoldedView>(
    connection: &mut PgConnection,
    folding: &Folding<'_>,
    outcome: &mut Outcome,
) -> Result<(), ApplyError> {
    let mut now = HashSet::new();
    for item in folding.fresh(V::NAME, V::Event::KIND) {
        let mut parked = Parked {
            view: V::NAME,
            before: folding.parked,
            now,
        };
        if parked.holds(item.record.stream_id()) {
            parked.park(&item.record, WAITS, outcome);
        } else if let Err(reason) = alone::<V>(connection, folding, item, outcome).await? {
            parked.park(&item.record, Some(reason), outcome);
        }
        now = parked.now;
    }
    Ok(())
}

/// Folds one event under a savepoint; gives the reason when it is to be parked.
async fn alone<V: FoldedView>(
    connection: &mut PgConnection,
    folding: &Folding<'_>,
    item: &Item,
    outcome: &mut Outcome,
) -> Result<Result<(), String>, ApplyError> {
    let fail = |source| ApplyError::of(V::NAME, source);
    let event = match &item.event {
        Err(reason) => return Ok(Err(reason.clone())),
        Ok(event) => match V::Event::pick(event) {
            Some(event) if V::concerns(event) => event,
            Some(_) | None => return Ok(Ok(())),
        },
    };
    tracing::debug!(
        view = V::NAME,
        event = event.name(),
        batch = folding.items.len(),
        "folding alone"
    );
    let mut savepoint = connection.begin().await.map_err(fail)?;
    let outcome_of_one = async {
        let mut slots = read_slots::<V>(&mut savepoint, &[item.record.stream]).await?;
        let folded = slots.get_mut(&item.record.stream).map_or(Ok(()), |slot| {
            fold_into::<V>(slot, &recorded(&item.record, event.clone()))
        });
        if folded.is_ok() {
            write_slots::<V>(&mut savepoint, &slots).await?;
        }
        Ok::<_, sqlx::Error>((folded, slots))
    }
    .await;
    match outcome_of_one {
        Ok((Ok(()), slots)) => {
            savepoint.commit().await.map_err(fail)?;
            tell::<V>(&slots, outcome);
            Ok(Ok(()))
        }
        Ok((Err(Trouble::Gap(gap)), _)) => Err(ApplyError::Gap(gap)),
        Ok((Err(Trouble::Fold(error)), _)) => {
            savepoint.rollback().await.map_err(fail)?;
            Ok(Err(error.to_string()))
        }
        Err(source) if is_deterministic(&source) => {
            savepoint.rollback().await.map_err(fail)?;
            Ok(Err(source.to_string()))
        }
        Err(source) => Err(fail(source)),
    }
}

/// Adds one row to the story of an order for each event; a repeat adds nothing.
pub(super) async fn insert_log<E: Followed>(
    view: &'static str,
    connection: &mut PgConnection,
    folding: &Folding<'_>,
    outcome: &mut Outcome,
    entry: impl Fn(&Recorded<E>) -> Result<TimelineEntry, FoldError>,
) -> Result<(), ApplyError> {
    let mut parked = Parked::new(view, folding);
    let mut lines = Lines::default();
    walk::<E>(folding, &mut parked, outcome, |event| {
        let entry = entry(&event).map_err(Trouble::Fold)?;
        lines.push(&event, &entry);
        Ok(())
    })?;
    if lines.streams.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO views.order_timeline
             (order_id, sequence, event, happened_at, recorded_at, facts)
         SELECT t.order_id, t.sequence, t.event, t.happened_at, t.recorded_at, t.facts::json
         FROM UNNEST($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[], $5::timestamptz[],
                     $6::text[])
              AS t(order_id, sequence, event, happened_at, recorded_at, facts)
         ON CONFLICT (order_id, sequence) DO NOTHING",
        &lines.streams,
        &lines.sequences,
        &lines.events,
        &lines.happened,
        &lines.recorded,
        &lines.facts
    )
    .execute(connection)
    .await
    .map_err(|source| ApplyError::of(view, source))?;
    Ok(())
}

/// The columns of story lines to be added.
#[derive(Default)]
struct Lines {
    streams: Vec<Uuid>,
    sequences: Vec<i64>,
    events: Vec<String>,
    happened: Vec<DateTime<Utc>>,
    recorded: Vec<DateTime<Utc>>,
    facts: Vec<String>,
}

impl Lines {
    fn push<E: Followed>(&mut self, event: &Recorded<E>, entry: &TimelineEntry) {
        self.streams.push(event.stream);
        self.sequences.push(event.sequence);
        self.events.push(event.event.name().to_owned());
        self.happened.push(entry.happened_at);
        self.recorded.push(event.recorded_at);
        self.facts.push(entry.facts.to_string());
    }
}
