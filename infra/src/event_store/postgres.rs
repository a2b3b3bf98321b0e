//! The journal in Postgres: loads by a pool, writes by the appender's own connection.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::PgPool;

use super::append::AppenderHandle;
use super::journal::{Journal, StreamRow};
use super::snapshots::{self, Snapshot, SnapshotQueue};
use super::{Append, AppendError, CommandRecord, StoreError, StreamId};

/// The tables of schemas `es` and `ops` that commands read and write.
pub(super) struct PostgresJournal {
    pool: PgPool,
    appender: AppenderHandle,
    snapshots: SnapshotQueue,
}

impl PostgresJournal {
    pub(super) fn new(pool: PgPool, appender: AppenderHandle, snapshots: SnapshotQueue) -> Self {
        Self {
            pool,
            appender,
            snapshots,
        }
    }
}

#[async_trait]
impl Journal for PostgresJournal {
    async fn append(&self, append: Append) -> Result<(), AppendError> {
        self.appender.append(append).await
    }

    #[tracing::instrument(name = "db.streams_read", skip_all, level = "debug")]
    async fn read(
        &self,
        streams: &[StreamId],
    ) -> Result<HashMap<StreamId, Vec<StreamRow>>, StoreError> {
        let wanted: Vec<(StreamId, i64)> = streams
            .iter()
            .map(|stream| (*stream, i64::from(snapshots::schema_version(stream.kind))))
            .collect();
        let (kinds, ids, schemas) = columns(&wanted);
        let rows = sqlx::query!(
            r#"
            WITH wanted AS (
                SELECT w.place, w.kind, w.id, s.sequence, s.state::text AS text
                FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY
                    AS w (kind, id, schema, place)
                LEFT JOIN es.snapshots s ON s.aggregate_type = w.kind AND s.aggregate_id = w.id
                                        AND s.schema_version = w.schema
            )
            SELECT place AS "place!", sequence AS "sequence!", NULL::text AS event_type,
                   NULL::text AS event_version, text AS "text!"
            FROM wanted WHERE sequence IS NOT NULL
            UNION ALL
            SELECT w.place, e.sequence, e.event_type, e.event_version, e.text
            FROM wanted w
            -- A question of its own for each stream (OFFSET 0), so that the index is asked for what follows the
            -- snapshot also while the table is young and the planner knows nothing of it.
            CROSS JOIN LATERAL (
                SELECT sequence, event_type, event_version, payload::text AS text
                FROM es.events
                WHERE aggregate_type = w.kind AND aggregate_id = w.id
                  AND sequence > coalesce(w.sequence, 0)
                OFFSET 0
            ) e
            ORDER BY 1, 2
            "#,
            &kinds,
            &ids,
            &schemas
        )
        .fetch_all(&self.pool)
        .await?;
        let mut found: HashMap<StreamId, Vec<StreamRow>> = HashMap::new();
        for row in rows {
            let index = usize::try_from(row.place - 1).unwrap_or(usize::MAX);
            let Some(stream) = streams.get(index) else {
                continue;
            };
            let event = row.event_type.zip(row.event_version);
            let row = StreamRow {
                sequence: row.sequence,
                event,
                text: row.text,
            };
            found.entry(*stream).or_default().push(row);
        }
        Ok(found)
    }

    #[tracing::instrument(name = "db.streams_at", skip_all, level = "debug")]
    async fn still_at(&self, versions: &[(StreamId, i64)]) -> Result<bool, StoreError> {
        let (kinds, ids, at) = columns(versions);
        let moved = sqlx::query_scalar!(
            r#"SELECT EXISTS (
                   SELECT FROM unnest($1::text[], $2::text[], $3::bigint[]) AS s (kind, id, at)
                   JOIN es.events e ON e.aggregate_type = s.kind AND e.aggregate_id = s.id
                                   AND e.sequence = s.at + 1) AS "moved!""#,
            &kinds,
            &ids,
            &at
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(!moved)
    }

    #[tracing::instrument(name = "db.command_record", skip_all, level = "debug")]
    async fn command_record(
        &self,
        key_hash: &[u8; 32],
    ) -> Result<Option<CommandRecord>, StoreError> {
        let row = sqlx::query!(
            r#"SELECT fingerprint, status, headers::text AS "headers!", body, created_at
               FROM ops.command_records WHERE key_hash = $1"#,
            key_hash.as_slice()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| CommandRecord {
            key_hash: *key_hash,
            // The column's CHECK holds it to 32 bytes; anything else matches no request.
            fingerprint: row.fingerprint.try_into().unwrap_or_default(),
            status: u16::try_from(row.status).unwrap_or(500),
            headers: row.headers,
            body: row.body,
            created_at: row.created_at,
        }))
    }

    fn offer(&self, snapshot: Snapshot) {
        self.snapshots.offer(snapshot);
    }
}

fn columns(versions: &[(StreamId, i64)]) -> (Vec<String>, Vec<String>, Vec<i64>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for (stream, number) in versions {
        columns.0.push(stream.kind.as_str().to_owned());
        columns.1.push(stream.id.to_string());
        columns.2.push(*number);
    }
    columns
}
