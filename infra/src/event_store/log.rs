//! Reading the dense global order: `es.event_log` joined with the events it numbers.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::aggregates::Kind;
use sqlx::PgPool;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::tail::Tail;
use super::{ChainHash, Mark, OtherHistory, StreamId};

/// One numbered event as it is stored, payload and metadata as JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// Dense, from 1.
    pub position: i64,
    /// What the chain comes to with it.
    pub hash: ChainHash,
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Its place in the stream, from 1.
    pub sequence: i64,
    /// The event's own id.
    pub event_id: Uuid,
    /// Wire name.
    pub event_type: String,
    /// Version of the wire form.
    pub event_version: String,
    /// When it was decided.
    pub recorded_at: DateTime<Utc>,
    /// JSON object, as written.
    pub payload: String,
    /// JSON object of strings, as written.
    pub metadata: String,
}

impl LogRow {
    /// The place in the log where it stands.
    pub fn mark(&self) -> Mark {
        Mark {
            position: self.position,
            hash: self.hash,
        }
    }
}

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The database said no or could not be reached.
    #[error("reading the event log failed")]
    Database(#[from] sqlx::Error),
    /// A row names a kind or an id that this build does not know.
    #[error("es.events row at position {position} names the stream {kind}:{id}, which is none")]
    Stream {
        /// Where it stands.
        position: i64,
        /// What stands in `aggregate_type`.
        kind: String,
        /// What stands in `aggregate_id`.
        id: String,
    },
    /// What was read before is not in this log.
    #[error("the log is not the one that was read before")]
    OtherHistory(#[from] OtherHistory),
}

/// A reader of the global order. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EventLog {
    pool: PgPool,
    tail: Option<Arc<Mutex<Tail>>>,
}

/// A row as a query gives it, before its stream is understood: the columns of `es.events` with the
/// position, JSON as text.
#[expect(
    missing_docs,
    reason = "the columns are documented where they are created"
)]
pub struct RawRow {
    pub position: i64,
    pub hash: Vec<u8>,
    pub aggregate_type: String,
    pub aggregate_id: String,
    pub sequence: i64,
    pub event_id: Uuid,
    pub event_type: String,
    pub event_version: String,
    pub recorded_at: DateTime<Utc>,
    pub payload: String,
    pub metadata: String,
}

impl TryFrom<RawRow> for LogRow {
    type Error = LogError;

    fn try_from(row: RawRow) -> Result<Self, LogError> {
        let parsed = Kind::parse(&row.aggregate_type)
            .ok()
            .zip(row.aggregate_id.parse().ok());
        let Some((kind, id)) = parsed else {
            return Err(LogError::Stream {
                position: row.position,
                kind: row.aggregate_type,
                id: row.aggregate_id,
            });
        };
        let mark = Mark::of_row(row.position, row.hash)?;
        Ok(Self {
            position: mark.position,
            hash: mark.hash,
            stream: StreamId { kind, id },
            sequence: row.sequence,
            event_id: row.event_id,
            event_type: row.event_type,
            event_version: row.event_version,
            recorded_at: row.recorded_at,
            payload: row.payload,
            metadata: row.metadata,
        })
    }
}

impl EventLog {
    /// A reader that uses `pool`.
    pub fn new(pool: PgPool) -> Self {
        Self { pool, tail: None }
    }

    /// A reader whose clones follow the log side by side: what one of them reads by [`EventLog::after`]
    /// the others are handed, and only one of them asks at a time.
    pub fn shared(pool: PgPool) -> Self {
        Self {
            pool,
            tail: Some(Arc::default()),
        }
    }

    /// The last position given, 0 when there is none.
    ///
    /// # Errors
    /// When the database cannot be read.
    #[tracing::instrument(name = "db.log_head", skip_all, level = "debug")]
    pub async fn head(&self) -> Result<i64, LogError> {
        let head = sqlx::query_scalar!(
            r#"SELECT coalesce(max(position), 0) AS "head!" FROM es.event_log"#
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(head)
    }

    /// Whether the events up to each of `marks` are those of this log.
    ///
    /// # Errors
    /// [`LogError::OtherHistory`] for the first that is not; when the database cannot be read.
    #[tracing::instrument(name = "db.log_verify", skip_all, level = "debug")]
    pub async fn verify(&self, marks: impl IntoIterator<Item = Mark>) -> Result<(), LogError> {
        let (positions, hashes): (Vec<i64>, Vec<Vec<u8>>) = marks
            .into_iter()
            .map(|mark| (mark.position, mark.hash.as_bytes().to_vec()))
            .unzip();
        let other = sqlx::query_as!(
            OtherHistory,
            r#"SELECT m.position AS "position!", l.position IS NULL AS "past_head!"
               FROM unnest($1::bigint[], $2::bytea[]) AS m (position, hash)
               LEFT JOIN es.event_log l ON l.position = m.position
               WHERE m.position > 0 AND l.hash IS DISTINCT FROM m.hash
               ORDER BY m.position LIMIT 1"#,
            &positions,
            &hashes
        )
        .fetch_optional(&self.pool)
        .await?;
        match other {
            None => Ok(()),
            Some(other) => Err(other.into()),
        }
    }

    /// Up to `max` events after `mark`, in order of position.
    ///
    /// # Errors
    /// [`LogError::OtherHistory`] when the events up to `mark` are not those of this log; when the
    /// database cannot be read or a row names no stream.
    pub async fn after(&self, mark: Mark, max: i64) -> Result<Vec<LogRow>, LogError> {
        let Some(tail) = &self.tail else {
            return self.read_after(mark, max).await;
        };
        let mut tail = tail.lock().await;
        let held = tail.after(mark, usize::try_from(max).unwrap_or_default());
        if !held.is_empty() {
            return Ok(held);
        }
        let read = self.read_after(mark, max).await;
        match &read {
            Ok(rows) => tail.take(mark, rows),
            Err(_) => tail.forget(),
        }
        read
    }

    /// Hands rows after `mark` to those who share this reader, when somebody has them at hand.
    pub fn learn(&self, mark: Mark, rows: &[LogRow]) {
        // Whoever holds it is reading them.
        if let Some(mut tail) = self.tail.as_ref().and_then(|tail| tail.try_lock().ok()) {
            tail.take(mark, rows);
        }
    }

    async fn read_after(&self, mark: Mark, max: i64) -> Result<Vec<LogRow>, LogError> {
        // The row at the mark is read again and compared: in the same statement, so that there is no
        // moment between. Before the first event there is nothing to compare.
        let known = usize::from(mark.position > 0);
        let limit = max.saturating_add(i64::from(mark.position > 0));
        let mut rows = self.read_from(mark.position, limit).await?;
        let found = rows.first().filter(|row| row.position == mark.position);
        if known == 1 && found.map(LogRow::mark) != Some(mark) {
            return Err(OtherHistory {
                position: mark.position,
                past_head: found.is_none(),
            }
            .into());
        }
        rows.drain(..known);
        Ok(rows)
    }

    /// Up to `max` events after `position`, whatever came before it: for those who follow the chain
    /// themselves, leaf by leaf.
    ///
    /// # Errors
    /// When the database cannot be read or a row names no stream.
    pub async fn after_position(&self, position: i64, max: i64) -> Result<Vec<LogRow>, LogError> {
        self.read_from(position.saturating_add(1), max).await
    }

    #[tracing::instrument(name = "db.log_read", skip_all, level = "debug")]
    async fn read_from(&self, position: i64, limit: i64) -> Result<Vec<LogRow>, LogError> {
        let rows = sqlx::query_as!(
            RawRow,
            r#"SELECT l.position, l.hash, e.aggregate_type, e.aggregate_id, e.sequence, e.event_id,
                      e.event_type, e.event_version, e.recorded_at,
                      e.payload::text AS "payload!", e.metadata::text AS "metadata!"
               FROM (
                   SELECT position, hash, event_row FROM es.event_log
                   WHERE position >= $1 ORDER BY position LIMIT $2
               ) l
               CROSS JOIN LATERAL (
                   -- Kept apart, so that each row is looked up by its key whatever the planner
                   -- believes of $2.
                   SELECT * FROM es.events e WHERE e.id = l.event_row OFFSET 0
               ) e
               ORDER BY l.position"#,
            position,
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(LogRow::try_from).collect()
    }

    /// The numbered events of one stream with `from <= sequence <= to`, in order.
    ///
    /// # Errors
    /// As [`EventLog::after`].
    #[tracing::instrument(name = "db.log_of_stream", skip_all, level = "debug")]
    pub async fn of_stream(
        &self,
        stream: StreamId,
        from: i64,
        to: i64,
    ) -> Result<Vec<LogRow>, LogError> {
        let rows = sqlx::query_as!(
            RawRow,
            r#"SELECT l.position, l.hash, e.aggregate_type, e.aggregate_id, e.sequence, e.event_id,
                      e.event_type, e.event_version, e.recorded_at,
                      e.payload::text AS "payload!", e.metadata::text AS "metadata!"
               FROM es.events e JOIN es.event_log l ON l.event_row = e.id
               WHERE e.aggregate_type = $1 AND e.aggregate_id = $2
                 AND e.sequence BETWEEN $3 AND $4
               ORDER BY e.sequence"#,
            stream.kind.as_str(),
            stream.id.to_string(),
            from,
            to
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(LogRow::try_from).collect()
    }
}
