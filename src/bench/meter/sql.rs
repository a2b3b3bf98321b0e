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

impl Sql {
    pub(in super::super) fn since(self, before: Self) -> Self {
        Self {
            statements: self.statements - before.statements,
            wal_bytes: self.wal_bytes - before.wal_bytes,
            blocks: self.blocks - before.blocks,
        }
    }
}
