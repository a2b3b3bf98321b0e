//! What is read of the log while it grows: batches of a bounded number of rows, by position and by stream.

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::check::chain::{Hash, SEED};
use crate::check::store::{STORED_COLUMNS, Store};

/// Events that are read and judged at once.
pub(super) const BATCH_EVENTS: usize = 1_000;

/// The same, as Postgres wants it, and one more for the event that was read last.
const BATCH_ROWS: i64 = 1_001;

/// The log from a position on, that one included.
///
/// # Errors
/// When the database fails.
pub(super) async fn log_from(store: &mut Store, position: i64) -> anyhow::Result<Vec<PgRow>> {
    let query = format!(
        "SELECT l.position, l.event_row, l.hash, e.id AS event, {STORED_COLUMNS}
         FROM es.event_log l LEFT JOIN es.events e ON e.id = l.event_row
         WHERE l.position >= $1 ORDER BY l.position LIMIT $2"
    );
    // From the start there is none that was read last.
    let rows = BATCH_ROWS.saturating_sub(i64::from(position == 0));
    let query = sqlx::query(&query).bind(position).bind(rows);
    Ok(query.fetch_all(&mut store.connection).await?)
}

/// Events of one stream with numbers between two, both excluded, each with its position if it has one.
///
/// # Errors
/// When the database fails.
pub(super) async fn stream_between(
    store: &mut Store,
    kind: &str,
    stream: &str,
    after: i64,
    before: i64,
) -> anyhow::Result<Vec<PgRow>> {
    let query = format!(
        "SELECT {STORED_COLUMNS}, l.position
         FROM es.events e LEFT JOIN es.event_log l ON l.event_row = e.id
         WHERE e.aggregate_type = $1 AND e.aggregate_id = $2 AND e.sequence > $3 AND e.sequence < $4
         ORDER BY e.sequence LIMIT $5"
    );
    let query = sqlx::query(&query)
        .bind(kind)
        .bind(stream)
        .bind(after)
        .bind(before)
        .bind(BATCH_ROWS);
    Ok(query.fetch_all(&mut store.connection).await?)
}

/// The first events of these orders: id and content.
///
/// # Errors
/// When the database fails.
pub(super) async fn checkouts(
    store: &mut Store,
    orders: &[String],
) -> anyhow::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query(
        "SELECT e.aggregate_id::uuid, e.payload::text FROM es.events e
         WHERE e.aggregate_type = 'ordering.order' AND e.aggregate_id = ANY($1) AND e.sequence = 1",
    )
    .bind(orders)
    .fetch_all(&mut store.connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}

/// The hash at a position.
///
/// # Errors
/// When the database fails.
pub(super) async fn hash_at(store: &mut Store, position: i64) -> anyhow::Result<Option<Hash>> {
    let row = sqlx::query("SELECT hash FROM es.event_log WHERE position = $1")
        .bind(position)
        .fetch_optional(&mut store.connection)
        .await?;
    let hash: Option<Vec<u8>> = row.map(|row| row.try_get(0)).transpose()?;
    Ok(hash.and_then(|hash| Hash::try_from(hash).ok()))
}

/// The last position of the log and its hash.
///
/// # Errors
/// When the database fails.
pub(super) async fn end(store: &mut Store) -> anyhow::Result<(i64, Hash)> {
    let rows = store.all("SELECT max(position) FROM es.event_log").await?;
    let last: Option<i64> = rows
        .first()
        .map(|row| row.try_get(0))
        .transpose()?
        .flatten();
    let position = last.unwrap_or_default();
    Ok((position, hash_at(store, position).await?.unwrap_or(SEED)))
}

/// Signed checkpoints after a position, each with the hash that the log has there.
///
/// # Errors
/// When the database fails.
pub(super) async fn checkpoints_after(
    store: &mut Store,
    position: i64,
) -> anyhow::Result<Vec<PgRow>> {
    let query = sqlx::query(
        "SELECT c.position, c.note, l.hash FROM ops.checkpoints c
         LEFT JOIN es.event_log l USING (position) WHERE c.position > $1 ORDER BY c.position LIMIT $2",
    )
    .bind(position)
    .bind(BATCH_ROWS);
    Ok(query.fetch_all(&mut store.connection).await?)
}

/// Events after a row of the store that have no position: row, kind, stream and number.
///
/// # Errors
/// When the database fails.
pub(super) async fn unnumbered(store: &mut Store, after: i64) -> anyhow::Result<Vec<PgRow>> {
    let query = sqlx::query(
        "SELECT e.id, e.aggregate_type, e.aggregate_id, e.sequence FROM es.events e
         WHERE e.id > $1 AND NOT EXISTS (SELECT FROM es.event_log l WHERE l.event_row = e.id)
         ORDER BY e.id LIMIT $2",
    )
    .bind(after)
    .bind(BATCH_ROWS);
    Ok(query.fetch_all(&mut store.connection).await?)
}
