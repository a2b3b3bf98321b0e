//! The tables in Postgres: each method is one statement, so it happens whole or not at all.

use chrono::{DateTime, Utc};
use infra::event_store::Mark;
use sqlx::PgPool;
use uuid::Uuid;

use super::columns::Columns;
use super::{EffectRow, ProcessTables, Step};

/// The tables of schema `ops`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PostgresTables {
    pool: PgPool,
}

impl PostgresTables {
    /// The tables that `pool` reaches.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

impl ProcessTables for PostgresTables {
    async fn place(&self, process: &'static str) -> Result<Mark, sqlx::Error> {
        let before_all = Mark::default().hash;
        let row = sqlx::query!(
            "INSERT INTO ops.process_positions (process, position, hash, epoch)
             VALUES ($1, 0, $2, 0)
             ON CONFLICT (process) DO UPDATE SET process = excluded.process
             RETURNING position, hash",
            process,
            before_all.as_bytes()
        )
        .fetch_one(&self.pool)
        .await?;
        Mark::of_row(row.position, row.hash)
    }

    #[tracing::instrument(name = "db.process_states", skip_all, level = "debug")]
    async fn states(
        &self,
        process: &'static str,
        instances: &[Uuid],
    ) -> Result<Vec<(Uuid, String)>, sqlx::Error> {
        let rows = sqlx::query!(
            r#"SELECT instance, state::text AS "state!" FROM ops.process_instances
               WHERE process = $1 AND instance = ANY($2)"#,
            process,
            instances
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| (row.instance, row.state))
            .collect())
    }

    #[tracing::instrument(name = "db.process_store", skip_all, level = "debug")]
    async fn store(&self, step: &Step) -> Result<bool, sqlx::Error> {
        let rows = Columns::of(&step.written);
        let moved = sqlx::query_scalar!(
            r#"
            WITH moved AS (
                UPDATE ops.process_positions SET position = $2, hash = $23, epoch = $4
                WHERE process = $1 AND position = $3 AND hash = $24 AND epoch <= $4
                RETURNING 1
            ), states AS (
                INSERT INTO ops.process_instances (process, instance, state, over)
                SELECT $1, s.instance, s.state::json, s.over
                FROM unnest($5::uuid[], $6::text[], $7::boolean[]) AS s (instance, state, over)
                WHERE EXISTS (SELECT FROM moved)
                ON CONFLICT (process, instance) DO UPDATE
                    SET state = excluded.state, over = excluded.over
            ), effects AS (
                INSERT INTO ops.effects
                    (effect_id, process, instance, kind, effect, status, due_at, created_at,
                     cause, test, traceparent)
                SELECT e.id, $1, e.instance, e.effect::json ->> 'type', e.effect::json,
                       'pending', $8, $8, e.cause, e.test, e.traceparent
                FROM unnest($9::uuid[], $10::uuid[], $11::text[], $19::uuid[], $20::boolean[],
                            $25::text[])
                    WITH ORDINALITY
                    AS e (id, instance, effect, cause, test, traceparent, place)
                WHERE EXISTS (SELECT FROM moved)
                ORDER BY e.place
                ON CONFLICT (effect_id) DO NOTHING
            ), cancelled AS (
                DELETE FROM ops.timers t
                USING unnest($12::uuid[], $13::text[]) AS c (instance, name)
                WHERE t.process = $1 AND t.instance = c.instance AND t.name = c.name
                  AND EXISTS (SELECT FROM moved)
            ), timers AS (
                INSERT INTO ops.timers
                    (process, instance, name, due_at, effect_id, effect, cause, test,
                     traceparent)
                SELECT $1, t.instance, t.name, t.due_at, t.id, t.effect::json, t.cause, t.test,
                       t.traceparent
                FROM unnest($14::uuid[], $15::text[], $16::timestamptz[], $17::uuid[], $18::text[],
                            $21::uuid[], $22::boolean[], $26::text[])
                    AS t (instance, name, due_at, id, effect, cause, test, traceparent)
                WHERE EXISTS (SELECT FROM moved)
                ON CONFLICT (process, instance, name) DO UPDATE
                    SET due_at = excluded.due_at, effect_id = excluded.effect_id,
                        effect = excluded.effect, cause = excluded.cause, test = excluded.test,
                        traceparent = excluded.traceparent
            )
            SELECT EXISTS (SELECT FROM moved) AS "moved!"
            "#,
            step.process,
            step.end.position,
            step.from.position,
            step.epoch,
            &rows.instances,
            &rows.states,
            &rows.over,
            step.at,
            &rows.effect_ids,
            &rows.effect_instances,
            &rows.effects,
            &rows.cancelled_instances,
            &rows.cancelled_names,
            &rows.timer_instances,
            &rows.timer_names,
            &rows.timer_due,
            &rows.timer_ids,
            &rows.timer_effects,
            &rows.effect_causes,
            &rows.effect_tests,
            &rows.timer_causes,
            &rows.timer_tests,
            step.end.hash.as_bytes(),
            step.from.hash.as_bytes(),
            &rows.effect_traces as &[Option<String>],
            &rows.timer_traces as &[Option<String>],
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(moved)
    }

    async fn fire(&self, at: DateTime<Utc>, most: i64) -> Result<i64, sqlx::Error> {
        let fired = sqlx::query_scalar!(
            r#"
            WITH due AS (
                DELETE FROM ops.timers t
                USING (
                    SELECT process, instance, name FROM ops.timers
                    WHERE due_at <= $1 ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
                ) AS d
                WHERE t.process = d.process AND t.instance = d.instance AND t.name = d.name
                RETURNING t.process, t.instance, t.effect_id, t.effect, t.due_at, t.cause, t.test,
                          t.traceparent
            ), fired AS (
                INSERT INTO ops.effects
                    (effect_id, process, instance, kind, effect, status, due_at, created_at,
                     cause, test, traceparent)
                SELECT effect_id, process, instance, effect ->> 'type', effect, 'pending',
                       due_at, $1, cause, test, traceparent
                FROM due ORDER BY due_at
                ON CONFLICT (effect_id) DO NOTHING
            )
            SELECT count(*) AS "fired!" FROM due
            "#,
            at,
            most
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(fired)
    }

    #[tracing::instrument(name = "db.effects_due", skip_all, level = "debug")]
    async fn due(
        &self,
        at: DateTime<Utc>,
        busy: &[Uuid],
        room: &[(&str, usize)],
    ) -> Result<Vec<EffectRow>, sqlx::Error> {
        let kinds: Vec<String> = room.iter().map(|(kind, _)| (*kind).to_owned()).collect();
        let most: Vec<i64> = room
            .iter()
            .map(|(_, room)| i64::try_from(*room).unwrap_or(i64::MAX))
            .collect();
        // The oldest is compared as a scalar: asked as an anti join, it is planned as a hash over
        // all that is open.
        let rows = sqlx::query!(
            r#"SELECT d.effect_id AS "effect_id!", d.kind AS "kind!", d.process AS "process!",
                      d.instance AS "instance!", d.effect AS "effect!", d.attempts AS "attempts!",
                      d.sent_at, d.created_at AS "created_at!", d.cause, d.test AS "test!",
                      d.traceparent
               FROM unnest($3::text[], $4::bigint[]) AS r (kind, room)
               CROSS JOIN LATERAL (
                   SELECT e.effect_id, e.kind, e.process, e.instance, e.effect::text AS effect,
                          e.attempts, e.sent_at, e.created_at, e.cause, e.test,
                          e.traceparent
                   FROM ops.effects e
                   WHERE e.kind = r.kind AND e.status IN ('pending', 'sent') AND e.due_at <= $1
                     AND e.effect_id <> ALL ($2)
                     AND e.ordinal = (
                         SELECT min(b.ordinal) FROM ops.effects b
                         WHERE b.instance = e.instance AND b.kind = e.kind
                           AND b.status IN ('pending', 'sent'))
                   ORDER BY e.due_at, e.ordinal LIMIT r.room) AS d"#,
            at,
            busy,
            &kinds,
            &most
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| EffectRow {
                id: row.effect_id,
                kind: row.kind,
                process: row.process,
                instance: row.instance,
                effect: row.effect,
                attempts: row.attempts,
                sent_at: row.sent_at,
                created_at: row.created_at,
                cause: row.cause,
                test: row.test,
                traceparent: row.traceparent,
            })
            .collect())
    }

    #[tracing::instrument(name = "db.effect_sent", skip_all, level = "debug")]
    async fn sent(&self, id: Uuid, at: DateTime<Utc>) -> Result<bool, sqlx::Error> {
        let marked = sqlx::query!(
            "UPDATE ops.effects SET status = 'sent', sent_at = coalesce(sent_at, $2)
             WHERE effect_id = $1 AND status IN ('pending', 'sent')",
            id,
            at
        )
        .execute(&self.pool)
        .await?;
        Ok(marked.rows_affected() == 1)
    }

    #[tracing::instrument(name = "db.effect_finish", skip_all, level = "debug")]
    async fn finish(
        &self,
        id: Uuid,
        at: DateTime<Utc>,
        refused: Option<String>,
    ) -> Result<bool, sqlx::Error> {
        let waited = sqlx::query_scalar!(
            r#"UPDATE ops.effects e
               SET status = 'done', attempts = attempts + 1, finished_at = $2, last_error = $3
               WHERE effect_id = $1 AND status IN ('pending', 'sent')
               RETURNING EXISTS (
                   SELECT FROM ops.effects b
                   WHERE b.instance = e.instance AND b.kind = e.kind
                     AND b.status IN ('pending', 'sent') AND b.ordinal > e.ordinal) AS "waited!""#,
            id,
            at,
            refused
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(waited.unwrap_or_default())
    }

    #[tracing::instrument(name = "db.effect_postpone", skip_all, level = "debug")]
    async fn postpone(
        &self,
        id: Uuid,
        again: DateTime<Utc>,
        sent: bool,
        why: String,
    ) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "WITH first AS (
                 UPDATE ops.effects
                 SET attempts = attempts + 1, due_at = $2, last_error = $3,
                     status = CASE WHEN $4 THEN status ELSE 'pending' END,
                     sent_at = CASE WHEN $4 THEN sent_at END
                 WHERE effect_id = $1 AND status IN ('pending', 'sent')
                 RETURNING instance, kind, ordinal
             )
             UPDATE ops.effects e SET due_at = $2 FROM first f
             WHERE e.instance = f.instance AND e.kind = f.kind AND e.ordinal > f.ordinal
               AND e.status IN ('pending', 'sent') AND e.due_at < $2",
            id,
            again,
            why,
            sent
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    #[tracing::instrument(name = "db.effect_park", skip_all, level = "debug")]
    async fn park(&self, id: Uuid, why: &str) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "UPDATE ops.effects SET attempts = attempts + 1, status = 'parked', last_error = $2
             WHERE effect_id = $1 AND status IN ('pending', 'sent')",
            id,
            why
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
