//! What is measured of the write side now and then: what waits in its tables, and what holds numbering.

use std::time::Duration;

use chrono::{DateTime, Utc};
use infra::clock::{Clock, Stopwatch};
use infra::lifecycle::{Loop, Pace, Progress};
use infra::telemetry::as_gauge;
use sqlx::PgPool;
use tokio::sync::watch;

/// Measures while this instance leads.
pub(crate) struct Vitals {
    pool: PgPool,
    clock: Clock,
    leading: watch::Receiver<Option<i64>>,
    /// The oldest transaction that was open when we looked, and since when we have seen it.
    oldest: Option<(String, Stopwatch)>,
}

/// What the tables say.
#[derive(Default)]
struct Tables {
    inbox: i64,
    uncertain: i64,
    next_timer: Option<DateTime<Utc>>,
    open: bool,
    oldest: String,
}

impl Vitals {
    /// Often enough for alarms that wait for a minute.
    pub(crate) const PACE: Pace = Pace {
        idle_min: Duration::from_secs(5),
        idle_max: Duration::from_secs(5),
        backoff_min: Duration::from_secs(1),
        backoff_max: Duration::from_secs(30),
    };

    /// Vitals of the database behind `pool`.
    pub(crate) fn new(pool: PgPool, clock: Clock, leading: watch::Receiver<Option<i64>>) -> Self {
        Self {
            pool,
            clock,
            leading,
            oldest: None,
        }
    }

    async fn look(&self) -> Result<Tables, sqlx::Error> {
        sqlx::query_as!(
            Tables,
            r#"SELECT (SELECT count(*) FROM ops.webhook_inbox
                       WHERE status = 'pending') AS "inbox!",
                      (SELECT count(*) FROM ops.effects
                       WHERE kind = 'payment' AND status = 'sent') AS "uncertain!",
                      (SELECT min(due_at) FROM ops.timers) AS next_timer,
                      pg_snapshot_xmin(now) < pg_snapshot_xmax(now) AS "open!",
                      pg_snapshot_xmin(now)::text AS "oldest!"
               FROM pg_current_snapshot() AS now"#
        )
        .fetch_one(&self.pool)
        .await
    }

    /// How long the oldest open transaction has been seen. The server tells the beginning of others'
    /// transactions to its superusers alone.
    fn held_for(&mut self, tables: &Tables) -> f64 {
        let known = self
            .oldest
            .take()
            .filter(|(oldest, _)| *oldest == tables.oldest);
        let (_, since) = self.oldest.insert(match known {
            Some(known) => known,
            None => (tables.oldest.clone(), self.clock.stopwatch()),
        });
        if tables.open { since.seconds() } else { 0.0 }
    }
}

impl Loop for Vitals {
    const NAME: &'static str = "vitals";
    type Error = sqlx::Error;

    async fn step(&mut self) -> Result<Progress, sqlx::Error> {
        let leads = self.leading.borrow().is_some();
        // One that no longer leads says nothing: what it said last must not keep an alarm alive.
        let tables = if leads {
            self.look().await?
        } else {
            Tables::default()
        };
        let late = tables.next_timer.map(|due| self.clock.now() - due);
        let late = late.and_then(|late| late.to_std().ok()).unwrap_or_default();
        metrics::gauge!("ramen_timers_overdue_seconds").set(late.as_secs_f64());
        metrics::gauge!("ramen_inbox_pending").set(as_gauge(tables.inbox));
        metrics::gauge!("ramen_payments_uncertain").set(as_gauge(tables.uncertain));
        metrics::gauge!("ramen_sequencer_oldest_xid_seconds").set(self.held_for(&tables));
        Ok(Progress::Idle)
    }
}
