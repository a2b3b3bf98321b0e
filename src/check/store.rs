//! The checker's own way into Postgres: one read-only snapshot, read through cursors so that a log of
//! any length passes through a bounded memory.
//!
//! Statements are plain texts run with `sqlx::query`, not the checked macros of the services: the checker
//! shares nothing with what it checks, so that a mistake in a shared statement cannot hide itself.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{ConnectOptions as _, Executor as _, PgConnection, Row as _};
use uuid::Uuid;

/// Rows fetched at once: at about a kilobyte each, two megabytes.
const FETCH_ROWS: u32 = 2_000;

/// A read-only snapshot of one database, in the role of the checker.
pub(super) struct Store {
    pub(super) connection: PgConnection,
}

const BEGIN: &str = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";

impl Store {
    /// Connects, gives up the login's rights for the checker's, and takes a snapshot: the one named
    /// `shared`, where another connection to the same database has exported it.
    ///
    /// # Errors
    /// When the address is none, the database does not answer, or the role may not be taken.
    pub(super) async fn open(url: &str, shared: Option<&str>) -> anyhow::Result<Self> {
        let options: PgConnectOptions = url.parse().context("the database's address")?;
        let options = options
            .options([("jit", "off"), ("timezone", "UTC")])
            .disable_statement_logging();
        let mut connection = options
            .connect()
            .await
            .context("connecting to the database")?;
        let role = "SET ROLE ramen_checker";
        connection
            .execute(role)
            .await
            .context("taking the role ramen_checker")?;
        connection.execute(BEGIN).await?;
        if let Some(name) = shared {
            // The name comes from Postgres itself, and the statement takes no parameters.
            let import = format!("SET TRANSACTION SNAPSHOT '{}'", name.replace('\'', ""));
            connection
                .execute(import.as_str())
                .await
                .context("sharing the snapshot")?;
        }
        Ok(Self { connection })
    }

    /// Gives the snapshot up and takes a new one.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn renew(&mut self) -> anyhow::Result<()> {
        self.connection.execute("COMMIT").await?;
        self.connection.execute(BEGIN).await?;
        Ok(())
    }

    /// A name under which a second connection can see the same rows.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn export(&mut self) -> anyhow::Result<String> {
        let row = self
            .connection
            .fetch_one("SELECT pg_export_snapshot()")
            .await?;
        Ok(row.try_get(0)?)
    }

    /// Opens a cursor; one at a time.
    ///
    /// # Errors
    /// When the query fails, for instance for want of a grant.
    pub(super) async fn open_cursor(&mut self, query: &str) -> anyhow::Result<()> {
        let declare = format!("DECLARE checked NO SCROLL CURSOR FOR {query}");
        self.connection
            .execute(declare.as_str())
            .await
            .with_context(|| query.to_owned())?;
        Ok(())
    }

    /// The cursor's next rows; the cursor is closed with the last ones, an empty answer.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn next_rows(&mut self) -> anyhow::Result<Vec<PgRow>> {
        let fetch = format!("FETCH {FETCH_ROWS} FROM checked");
        let rows = self.connection.fetch_all(fetch.as_str()).await?;
        if rows.is_empty() {
            self.connection.execute("CLOSE checked").await?;
        }
        Ok(rows)
    }

    /// All rows of a query whose answer is small.
    ///
    /// # Errors
    /// When the query fails.
    pub(super) async fn all(&mut self, query: &str) -> anyhow::Result<Vec<PgRow>> {
        sqlx::query(query)
            .fetch_all(&mut self.connection)
            .await
            .with_context(|| query.to_owned())
    }

    /// The rows of a query that takes a set of ids.
    ///
    /// # Errors
    /// When the query fails.
    pub(super) async fn of_ids(&mut self, query: &str, ids: &[Uuid]) -> anyhow::Result<Vec<PgRow>> {
        sqlx::query(query)
            .bind(ids)
            .fetch_all(&mut self.connection)
            .await
            .with_context(|| query.to_owned())
    }

    /// Records of commands in order of their keys, beginning after `key`.
    ///
    /// # Errors
    /// When the query fails.
    pub(super) async fn records_after(&mut self, key: &[u8]) -> anyhow::Result<Vec<PgRow>> {
        let rows = sqlx::query(
            "SELECT key_hash, status, headers::text AS headers, body FROM ops.command_records
             WHERE key_hash > $1 ORDER BY key_hash LIMIT $2",
        )
        .bind(key)
        .bind(i64::from(FETCH_ROWS))
        .fetch_all(&mut self.connection)
        .await?;
        Ok(rows)
    }

    /// The records with these keys: status, hash of the body, and whether they name what was written.
    ///
    /// # Errors
    /// When the query fails.
    pub(super) async fn records_of(&mut self, keys: &[&[u8]]) -> anyhow::Result<Vec<PgRow>> {
        let rows = sqlx::query(
            "SELECT key_hash, status, encode(sha256(convert_to(body, 'UTF8')), 'hex') AS body_sha256,
                    headers ->> 'x-consistency-token' IS NOT NULL AS has_token
             FROM ops.command_records WHERE key_hash = ANY($1)",
        )
        .bind(keys)
        .fetch_all(&mut self.connection)
        .await?;
        Ok(rows)
    }

    /// Which of these stream versions the store does not have: kinds, ids and sequences go together.
    ///
    /// # Errors
    /// When the query fails.
    pub(super) async fn missing(
        &mut self,
        versions: &[StreamVersion],
    ) -> anyhow::Result<Vec<StreamVersion>> {
        let kinds: Vec<&str> = versions
            .iter()
            .map(|version| version.kind.as_str())
            .collect();
        let ids: Vec<&str> = versions.iter().map(|version| version.id.as_str()).collect();
        let sequences: Vec<i64> = versions.iter().map(|version| version.sequence).collect();
        let rows = sqlx::query(
            "SELECT w.kind, w.id, w.sequence
             FROM UNNEST($1::text[], $2::text[], $3::bigint[]) AS w(kind, id, sequence)
             WHERE NOT EXISTS (SELECT FROM es.events e WHERE e.aggregate_type = w.kind
                               AND e.aggregate_id = w.id AND e.sequence = w.sequence)",
        )
        .bind(kinds)
        .bind(ids)
        .bind(sequences)
        .fetch_all(&mut self.connection)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(StreamVersion {
                    kind: row.try_get(0)?,
                    id: row.try_get(1)?,
                    sequence: row.try_get(2)?,
                })
            })
            .collect()
    }
}

/// A stream and one of its versions, as a consistency token names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StreamVersion {
    /// The aggregate's kind, such as `ordering.order`.
    pub(super) kind: String,
    /// The aggregate.
    pub(super) id: String,
    /// The version.
    pub(super) sequence: i64,
}

/// The columns of an event that its leaf in the hash chain covers, as they are stored.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// The aggregate's kind.
    pub(super) kind: String,
    /// The aggregate, as text.
    pub(super) stream: String,
    /// Its number in the stream, from 1.
    pub(super) sequence: i64,
    /// Its name.
    pub(super) name: String,
    /// The version of its form.
    pub(super) version: String,
    /// Its id.
    pub(super) event_id: Uuid,
    /// When it was recorded.
    pub(super) recorded_at: DateTime<Utc>,
    /// Its content, the text as it was written.
    pub(super) payload: String,
    /// Its metadata, the text as it was written.
    pub(super) metadata: String,
}

/// The columns that [`Stored::read`] expects, of `es.events e`.
pub(super) const STORED_COLUMNS: &str = "e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, \
     e.event_version, e.event_id, e.recorded_at, e.payload::text AS payload, \
     e.metadata::text AS metadata";

impl Stored {
    /// Reads [`STORED_COLUMNS`].
    ///
    /// # Errors
    /// When a column is missing or of another type.
    pub(super) fn read(row: &PgRow) -> anyhow::Result<Self> {
        Ok(Self {
            kind: row.try_get("aggregate_type")?,
            stream: row.try_get("aggregate_id")?,
            sequence: row.try_get("sequence")?,
            name: row.try_get("event_type")?,
            version: row.try_get("event_version")?,
            event_id: row.try_get("event_id")?,
            recorded_at: row.try_get("recorded_at")?,
            payload: row.try_get("payload")?,
            metadata: row.try_get("metadata")?,
        })
    }

    /// How the reports name it.
    pub(super) fn label(&self) -> String {
        format!(
            "{}:{} #{} {}",
            self.kind, self.stream, self.sequence, self.name
        )
    }
}

/// An event as the folds see it.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// The aggregate's kind.
    pub(super) kind: String,
    /// The aggregate.
    pub(super) stream: Uuid,
    /// Its number in the stream.
    pub(super) sequence: i64,
    /// Its name.
    pub(super) name: String,
    /// Its content.
    pub(super) body: Value,
    /// When it was recorded.
    pub(super) recorded_at: DateTime<Utc>,
}

impl Event {
    /// How the reports name it.
    pub(super) fn label(&self) -> String {
        format!(
            "{}:{} #{} {}",
            self.kind, self.stream, self.sequence, self.name
        )
    }

    /// A text member.
    pub(super) fn text(&self, member: &str) -> Option<&str> {
        self.body.get(member)?.as_str()
    }

    /// A member that is an id.
    pub(super) fn id(&self, member: &str) -> Option<Uuid> {
        self.text(member)?.parse().ok()
    }

    /// A whole-number member.
    pub(super) fn number(&self, member: &str) -> Option<i64> {
        self.body.get(member)?.as_i64()
    }

    /// A member, null when there is none.
    pub(super) fn value(&self, member: &str) -> Value {
        self.body.get(member).cloned().unwrap_or_default()
    }

    /// When it was recorded, as JSON.
    pub(super) fn recorded(&self) -> Value {
        Value::String(self.recorded_at.to_rfc3339())
    }
}
