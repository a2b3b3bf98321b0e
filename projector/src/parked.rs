//! Parked events: those that a view cannot fold, and every later one of the same stream for that
//! view, in order, until somebody redrives them.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use domain::aggregates::Kind;
use infra::event_store::{ChainHash, StreamId};
use infra::feed::{FeedRecord, Origin};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::redrive::ParkedStream;

/// Text that stands for events which only wait behind another.
pub(crate) const WAITS: Option<String> = None;

/// A view's claim on a stream: it is parked.
pub(crate) type ParkedStreams = HashSet<(String, StreamId)>;

/// An event to be parked.
#[derive(Clone, Debug)]
pub(crate) struct Parking {
    /// The view that cannot fold it.
    pub(crate) view: &'static str,
    /// The event.
    pub(crate) record: FeedRecord,
    /// Why; none when it waits behind an earlier one.
    pub(crate) error: Option<String>,
}

/// Whether any event is parked.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn is_any(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM views.parked_events) AS "any!""#)
        .fetch_one(pool)
        .await
}

/// Which of `streams` are parked, for which view.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn parked_among(
    pool: &PgPool,
    streams: &[Uuid],
) -> Result<ParkedStreams, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT DISTINCT view, kind, stream FROM views.parked_events WHERE stream = ANY($1)",
        streams
    )
    .fetch_all(pool)
    .await?;
    let known = rows.into_iter().filter_map(|row| {
        let kind = Kind::parse(&row.kind).ok()?;
        Some((
            row.view,
            StreamId {
                kind,
                id: row.stream,
            },
        ))
    });
    Ok(known.collect())
}

/// Parked streams in order of view, kind and id, after `after`: of `view`, or of all views.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn streams(
    pool: &PgPool,
    view: Option<&str>,
    after: Option<&ParkedStream>,
    max: i64,
) -> Result<Vec<ParkedStream>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT DISTINCT view, kind, stream FROM views.parked_events
         WHERE ($1::text IS NULL OR view = $1)
           AND ($2::text IS NULL OR (view, kind, stream) > ($2, $3::text, $4::uuid))
         ORDER BY view, kind, stream LIMIT $5",
        view,
        after.map(|after| after.view.as_str()),
        after.map(|after| after.stream.kind.as_str()),
        after.map(|after| after.stream.id),
        max
    )
    .fetch_all(pool)
    .await?;
    let known = rows.into_iter().filter_map(|row| {
        let kind = Kind::parse(&row.kind).ok()?;
        Some(ParkedStream {
            view: row.view,
            stream: StreamId {
                kind,
                id: row.stream,
            },
        })
    });
    Ok(known.collect())
}

/// Parks events. One that is parked already stays as it is.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn park(
    connection: &mut PgConnection,
    parkings: &[Parking],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    for Parking {
        view,
        record,
        error,
    } in parkings
    {
        if let Some(error) = error {
            tracing::error!(
                view,
                stream.kind = record.kind.as_str(),
                stream.id = %record.stream,
                stream.sequence = record.sequence,
                error,
                "view {view} cannot fold event {} of {}, parked", record.sequence, record.stream
            );
            metrics::counter!("ramen_parked_events_total", "view" => *view).increment(1);
        }
        sqlx::query!(
            "INSERT INTO views.parked_events (view, kind, stream, sequence, position, event_id,
                 event_type, event_version, payload, metadata, recorded_at, topic, partition,
                 error, parked_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
             ON CONFLICT DO NOTHING",
            view,
            record.kind.as_str(),
            record.stream,
            record.sequence,
            record.position,
            record.event_id,
            record.event_type,
            record.event_version,
            record.payload,
            record.metadata,
            record.recorded_at,
            record.origin.topic,
            record.origin.partition,
            error.as_deref(),
            now
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// A stream's first parked events, in order, to fold them again.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn first(
    connection: &mut PgConnection,
    view: &str,
    stream: StreamId,
    max: i64,
) -> Result<Vec<FeedRecord>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT sequence, position, event_id, event_type, event_version, payload, metadata, recorded_at,
             topic, partition
         FROM views.parked_events WHERE view = $1 AND kind = $2 AND stream = $3
         ORDER BY sequence LIMIT $4",
        view,
        stream.kind.as_str(),
        stream.id,
        max
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| FeedRecord {
            kind: stream.kind,
            stream: stream.id,
            sequence: row.sequence,
            position: row.position,
            // Not kept: an event that was parked moves no checkpoint when it is folded at last.
            hash: ChainHash::default(),
            event_id: row.event_id,
            event_type: row.event_type,
            event_version: row.event_version,
            payload: row.payload,
            metadata: row.metadata,
            recorded_at: row.recorded_at,
            origin: Origin {
                topic: row.topic,
                partition: row.partition,
            },
        })
        .collect())
}

/// Lets a stream's events go up to a sequence: they are folded.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn release(
    connection: &mut PgConnection,
    view: &str,
    stream: StreamId,
    last: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM views.parked_events
         WHERE view = $1 AND kind = $2 AND stream = $3 AND sequence <= $4",
        view,
        stream.kind.as_str(),
        stream.id,
        last
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How many events of a stream are parked for a view.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn waiting(
    pool: &PgPool,
    view: &str,
    stream: StreamId,
) -> Result<usize, sqlx::Error> {
    let waiting = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM views.parked_events
           WHERE view = $1 AND kind = $2 AND stream = $3"#,
        view,
        stream.kind.as_str(),
        stream.id
    )
    .fetch_one(pool)
    .await?;
    Ok(usize::try_from(waiting).unwrap_or(usize::MAX))
}
