//! Statements, log bytes and blocks of one database, from `pg_stat_statements`.

use serde::Serialize;
use sqlx::PgPool;

/// Counters of a database, or their growth.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(in super::super) struct Sql {
    /// Statements, BEGIN and COMMIT included.
    pub(in super::super) statements: i64,
    /// Bytes of write-ahead log.
    pub(in super::super) wal_bytes: i64,
    /// Blocks read or found in memory.
    pub(in super::super) blocks: i64,
}

/// Reads the counters of one database.
#[derive(Clone)]
pub(in super::super) struct SqlMeter {
    /// Connected to the database that has the extension.
    pool: PgPool,
    database: String,
}

impl SqlMeter {
    pub(in super::super) fn new(pool: PgPool, database: &str) -> Self {
        Self {
            pool,
            database: database.to_owned(),
        }
    }

    /// Begins to count anew.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub(in super::super) async fn forget(&self) -> anyhow::Result<()> {
        sqlx::query(
            "SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE datname = $1",
        )
        .bind(&self.database)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The statements that the server spent most time in since.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub(in super::super) async fn costliest(&self) -> anyhow::Result<Vec<Statement>> {
        Ok(sqlx::query_as(
            "SELECT calls, total_exec_time AS millis,
                    left(regexp_replace(query, '\\s+', ' ', 'g'), 160) AS text
             FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
             WHERE d.datname = $1 ORDER BY total_exec_time DESC LIMIT 40",
        )
        .bind(&self.database)
        .fetch_all(&self.pool)
        .await?)
    }

    /// The counters now.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub(in super::super) async fn read(&self) -> anyhow::Result<Sql> {
        let (statements, wal_bytes, blocks) = sqlx::query_as(
            "SELECT coalesce(sum(calls), 0)::bigint, coalesce(sum(wal_bytes), 0)::bigint,
                    coalesce(sum(shared_blks_hit + shared_blks_read), 0)::bigint
             FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = $1",
        )
        .bind(&self.database)
        .fetch_one(&self.pool)
        .await?;
        Ok(Sql {
            statements,
            wal_bytes,
            blocks,
        })
    }
}

/// One statement of a database and what it took.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
pub(in super::super) struct Statement {
    pub(in super::super) calls: i64,
    /// Time that the server spent in it, in milliseconds.
    pub(in super::super) millis: f64,
    /// Its text, on one line.
    pub(in super::super) text: String,
}

impl Sql {
    pub(in super::super) fn since(self, before: Self) -> Self {
        Self {
            statements: self.statements - before.statements,
            wal_bytes: self.wal_bytes - before.wal_bytes,
            blocks: self.blocks - before.blocks,
        }
    }
}
