//! Turns timers that are due into effects. Deleting the one and inserting the other is one step of the
//! tables, so a timer is neither lost nor fired twice.

use chrono::{DateTime, Utc};
use infra::clock::Clock;
use infra::fault;
use infra::lifecycle::{Doorbell, Loop, Progress};
use sqlx::PgPool;
use tokio::sync::watch;
use uuid::Uuid;

use super::tables::{PostgresTables, ProcessTables};

/// Timers fired by one statement.
const BATCH_MAX: i64 = 256;

/// Fires timers while this instance leads.
pub struct Timers<T = PostgresTables> {
    tables: T,
    clock: Clock,
    leading: watch::Receiver<Option<i64>>,
    effects: Doorbell,
}

impl<T: ProcessTables> Timers<T> {
    /// Timers that ring `effects` when one has fired.
    pub fn new(
        tables: T,
        clock: Clock,
        leading: watch::Receiver<Option<i64>>,
        effects: Doorbell,
    ) -> Self {
        Self {
            tables,
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

impl<T: ProcessTables> Loop for Timers<T> {
    const NAME: &'static str = "timers";
    type Error = sqlx::Error;

    async fn step(&mut self) -> Result<Progress, sqlx::Error> {
        if self.leading.borrow_and_update().is_none() {
            return Ok(Progress::Idle);
        }
        fault::point("timer.due");
        let fired = self.tables.fire(self.clock.now(), BATCH_MAX).await?;
        if fired > 0 {
            fault::point("timer.fired");
            self.effects.ring();
        }
        Ok(Progress::of(usize::try_from(fired).unwrap_or(usize::MAX)))
    }
}
