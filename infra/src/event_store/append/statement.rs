//! The statement that writes a batch, in its two forms, and what its errors mean.

use std::future::Future;

use sqlx::PgConnection;

use super::rows::Rows;
use crate::event_store::AppendError;
use crate::limits::DATABASE_DEADLINE;

/// What the database answered to one statement.
#[derive(Clone, Copy)]
pub(super) enum Outcome {
    /// All of it is committed.
    Stored,
    /// Nothing of it is; some command is stale or repeated.
    Refused,
    /// Nothing of it is; the one command's key was used before.
    KeyUsed,
    /// Nothing of it is, for a reason that is not the commands'.
    Failed,
    /// The connection broke: nobody knows.
    Unknown,
}

/// The statement for a batch. `stale` gets a row for each stream whose version is not the expected
/// one; the forms differ in what else makes a command stale, in what is then written, and in what
/// is answered. `OFFSET 0` keeps each question one of the index: planned while the table is young, they
/// became a scan of all events that was repeated with every append until the table was analysed.
macro_rules! append {
    ($rows:ident, also_stale: $also:literal, written: $written:literal, answer: $answer:literal) => {
        sqlx::query!(
            "
            WITH stale AS MATERIALIZED (
                SELECT s.command, false AS key_used
                FROM unnest($1::text[], $2::text[], $3::bigint[], $4::integer[])
                    AS s (kind, id, expected, command)
                WHERE EXISTS (
                        SELECT FROM es.events e
                        WHERE e.aggregate_type = s.kind AND e.aggregate_id = s.id
                          AND e.sequence = s.expected + 1 OFFSET 0)
                   OR (s.expected > 0 AND NOT EXISTS (
                        SELECT FROM es.events e
                        WHERE e.aggregate_type = s.kind AND e.aggregate_id = s.id
                          AND e.sequence = s.expected OFFSET 0))
                "
                + $also
                + "
            ), record AS (
                INSERT INTO ops.command_records
                    (key_hash, fingerprint, status, headers, body, created_at)
                SELECT key_hash, fingerprint, status, headers::json, body, created_at
                FROM unnest($5::bytea[], $6::bytea[], $7::smallint[], $8::text[], $9::text[],
                            $10::timestamptz[], $11::integer[])
                    AS r (key_hash, fingerprint, status, headers, body, created_at, command)
                WHERE "
                + $written
                + "
                ORDER BY key_hash
            ), written AS (
                INSERT INTO es.events
                    (aggregate_type, aggregate_id, sequence, event_type, event_version,
                     payload, metadata, event_id, recorded_at)
                SELECT kind, id, sequence, event_type, event_version,
                       payload::json, metadata::json, event_id, recorded_at
                FROM unnest($12::text[], $13::text[], $14::bigint[], $15::text[], $16::text[],
                            $17::text[], $18::text[], $19::uuid[], $20::timestamptz[],
                            $21::integer[])
                    AS n (kind, id, sequence, event_type, event_version, payload, metadata,
                          event_id, recorded_at, command)
                WHERE "
                + $written
                + "
                ORDER BY kind, id, sequence
            )
            "
                + $answer,
            &$rows.stream_kinds,
            &$rows.stream_ids,
            &$rows.stream_expected,
            &$rows.stream_commands,
            &$rows.keys,
            &$rows.fingerprints,
            &$rows.statuses,
            &$rows.headers,
            &$rows.bodies,
            &$rows.created,
            &$rows.record_commands,
            &$rows.kinds,
            &$rows.ids,
            &$rows.sequences,
            &$rows.types,
            &$rows.versions,
            &$rows.payloads,
            &$rows.metadata,
            &$rows.event_ids,
            &$rows.recorded,
            &$rows.event_commands,
        )
    };
}

/// All of the batch, or nothing when any stream of it has moved. A key that was used is found by
/// the index that it violates.
#[tracing::instrument(name = "db.append", skip_all, level = "debug")]
pub(super) async fn all_or_nothing(connection: &mut PgConnection, rows: &Rows) -> Outcome {
    let query = append!(
        rows,
        also_stale: "LIMIT 1",
        written: "NOT EXISTS (SELECT FROM stale)",
        answer: r#"SELECT NOT EXISTS (SELECT FROM stale) AS "stored!""#
    )
    .fetch_one(connection);
    match in_time(query).await {
        Ok(answer) if answer.stored => Outcome::Stored,
        Ok(_) => Outcome::Refused,
        Err(error) => outcome_of(&error),
    }
}

/// The batch without the commands that are stale or whose key was used. For each command `None` when
/// it was stored, else why it was left out. A tenth to a third dearer than [`all_or_nothing`], so not
/// the first try (performance §4, "conflicts").
#[tracing::instrument(name = "db.append_leaving_out", skip_all, level = "debug")]
pub(super) async fn leaving_out(
    connection: &mut PgConnection,
    rows: &Rows,
) -> Result<Vec<Option<AppendError>>, Outcome> {
    let query = append!(
        rows,
        also_stale: "UNION ALL
                SELECT k.command, true
                FROM unnest($5::bytea[], $11::integer[]) AS k (key_hash, command)
                WHERE EXISTS (SELECT FROM ops.command_records c WHERE c.key_hash = k.key_hash)",
        written: "command NOT IN (SELECT command FROM stale)",
        answer: r#"SELECT command AS "command!", bool_or(key_used) AS "key_used!"
            FROM stale GROUP BY command"#
    )
    .fetch_all(connection);
    let left_out = in_time(query).await.map_err(|error| outcome_of(&error))?;
    let mut answers = vec![None; rows.commands];
    for row in left_out {
        let place = usize::try_from(row.command)
            .ok()
            .and_then(|index| answers.get_mut(index));
        if let Some(place) = place {
            *place = Some(if row.key_used {
                AppendError::KeyUsed
            } else {
                AppendError::Conflict
            });
        }
    }
    Ok(answers)
}

fn outcome_of(error: &sqlx::Error) -> Outcome {
    let Some(database) = error.as_database_error() else {
        tracing::error!(error = %error, "the appender lost its connection in a write");
        return Outcome::Unknown;
    };
    if database.is_unique_violation() {
        return match database.constraint() {
            Some("command_records_pkey") => Outcome::KeyUsed,
            _ => Outcome::Refused,
        };
    }
    let code = database.code().unwrap_or_default();
    // Deadlock and serialisation failure: lost against another writer, like a stale version.
    if code == "40P01" || code == "40001" {
        return Outcome::Refused;
    }
    tracing::error!(error = %error, "the event store refused a write");
    // A server that shuts down or kills the backend says so and closes: whether the commit was
    // through is not knowable from here.
    if code.starts_with("57P") {
        Outcome::Unknown
    } else {
        Outcome::Failed
    }
}

/// One round trip. A server that does not answer within the deadline is given up, and what it did is
/// as unknown as after a lost connection.
async fn in_time<T>(query: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    tokio::time::timeout(DATABASE_DEADLINE, query)
        .await
        .unwrap_or_else(|_| Err(late()))
}

/// The error of a server that did not answer in time.
pub(super) fn late() -> sqlx::Error {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}
