//! Turns timers that are due into effects. Deleting the one and inserting the other is one
//! statement, so a timer is neither lost nor fired twice.

use chrono::{DateTime, Utc};
use infra::clock::Clock;
use infra::fault;
use infra::lifecycle::{Doorbell, Loop, Progress};
use sqlx::PgPool;
use tokio::sync::watch;
use uuid::Uuid;

/// Timers fired by one statement.
const BATCH_MAX: i64 = 256;

/// Fires timers while this instance leads.
pub struct Timers {
    pool: PgPool,
    clock: Clock,
    leading: watch::Receiver<Option<i64>>,
    effects: Doorbell,
}

impl Timers {
    /// Timers that ring `effects` when one has fired.
    pub fn new(
        pool: PgPool,
        clock: Clock,
        leading: watch::Receiver<Option<i64>>,
        effects: Doorbell,
    ) -> Self {
        Self {
            pool,
            clock,
            leading,
            effects,
        }
    }
}

/// Lets a timer that is waiting wait until `at`, and never less long than it would. Whether there is one.
///
/// # Errors
/// When the table cannot be written.
#[tracing::instrument(name = "db.timer_move", skip_all, level = "debug")]
pub(crate) async fn timer_move(
    pool: &PgPool,
    process: &str,
    instance: Uuid,
    name: &str,
    at: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query!(
        "UPDATE ops.timers SET due_at = $4
         WHERE process = $1 AND instance = $2 AND name = $3 AND due_at < $4",
        process,
        instance,
        name,
        at
    )
    .execute(pool)
    .await?;
    Ok(moved.rows_affected() > 0)
}

impl Loop for Timers {
    const NAME: &'static str = "timers";
    type Error = sqlx::Error;

    async fn step(&mut self) -> Result<Progress, sqlx::Error> {
        if self.leading.borrow_and_update().is_none() {
            return Ok(Progress::Idle);
        }
        fault::point("timer.due");
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
            self.clock.now(),
            BATCH_MAX
        )
        .fetch_one(&self.pool)
        .await?;
        if fired > 0 {
            fault::point("timer.fired");
            self.effects.ring();
        }
        Ok(Progress::of(usize::try_from(fired).unwrap_or(usize::MAX)))
    }
}
