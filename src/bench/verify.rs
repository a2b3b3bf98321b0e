//! Whether what an arm said to have written is there, once and without holes.

use anyhow::Context as _;
use sqlx::Connection as _;

use super::server::Database;

/// How many events a table holds.
///
/// # Errors
/// When it cannot be read.
pub(super) async fn events_of(database: &Database, table: &str) -> anyhow::Result<u64> {
    let mut connection = database.connect().await?;
    let count: i64 = sqlx::query_scalar(&format!("SELECT count(*) FROM {table}"))
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(u64::try_from(count)?)
}

/// Each acknowledged event is stored, nothing else is, and every stream counts 1 to n.
///
/// # Errors
/// What is wrong.
pub(super) async fn stored_once(
    database: &Database,
    table: &str,
    acknowledged: u64,
) -> anyhow::Result<()> {
    let mut connection = database.connect().await?;
    // Unique by stream and sequence, a stream has no hole when its last sequence is its count.
    let (stored, holes): (i64, i64) = sqlx::query_as(&format!(
        "SELECT coalesce(sum(events), 0)::bigint, count(*) FILTER (WHERE events <> last)
         FROM (SELECT count(*) AS events, max(sequence) AS last FROM {table}
               GROUP BY aggregate_type, aggregate_id) streams"
    ))
    .fetch_one(&mut connection)
    .await
    .context("the events cannot be counted")?;
    connection.close().await?;
    anyhow::ensure!(
        u64::try_from(stored)? == acknowledged,
        "{acknowledged} events were acknowledged, {stored} are stored"
    );
    anyhow::ensure!(holes == 0, "{holes} streams have holes");
    Ok(())
}
