//! When a dependency's fault is over: at the first success, and when everything that waited at its end is done.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::cells::Dependency;
use crate::client::Recording;
use crate::simulate::Scene;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How much had been done by a dependency's help when its fault ended, and what waited.
pub(super) struct Ended {
    dependency: Dependency,
    done: i64,
    /// Events that were stored.
    events: i64,
    /// The marketplace's time.
    at: DateTime<Utc>,
}

impl Ended {
    /// As it is now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(super) async fn now(
        dependency: Dependency,
        scene: &Scene,
        owner: &PgPool,
    ) -> anyhow::Result<Self> {
        let count = "SELECT count(*) FROM es.events";
        Ok(Self {
            dependency,
            done: done(dependency, scene, owner).await?,
            events: sqlx::query_scalar(count).fetch_one(owner).await?,
            at: scene.clock.now(),
        })
    }

    /// Waits until more has been done.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(super) async fn succeeds(&self, scene: &Scene, owner: &PgPool) -> anyhow::Result<()> {
        while done(self.dependency, scene, owner).await? <= self.done {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Waits until nothing of what had waited still does. What came later may: people go on ordering.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(super) async fn is_quiet(&self, has_broker: bool, owner: &PgPool) -> anyhow::Result<()> {
        while !self.left(has_broker, owner).await?.is_empty() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// What still waits, in words.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(super) async fn left(&self, has_broker: bool, owner: &PgPool) -> anyhow::Result<String> {
        let (effects, webhooks, unread, unfolded, unpublished): (i64, i64, i64, i64, i64) =
            sqlx::query_as(LEFT)
                .bind(self.at)
                .bind(self.events)
                .fetch_one(owner)
                .await?;
        let queues = [
            (effects, "effects to perform"),
            (webhooks, "webhooks to handle"),
            (unread, "events that a process has not read"),
            (unfolded, "events that a view has not folded"),
            (
                if has_broker { unpublished } else { 0 },
                "events to publish",
            ),
        ];
        let left = queues.iter().filter(|(count, _)| *count > 0);
        let left: Vec<String> = left
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        Ok(left.join(", "))
    }
}

/// Positions are dense, so what was stored first has a position no higher than its number.
const LEFT: &str = "SELECT
    (SELECT count(*) FROM ops.effects WHERE status IN ('pending', 'sent') AND created_at <= $1),
    (SELECT count(*) FROM ops.webhook_inbox WHERE status = 'pending' AND received_at <= $1),
    (SELECT coalesce(max($2 - position), 0) FROM ops.process_positions),
    (SELECT coalesce(max($2 - position), 0) FROM views.checkpoints WHERE topic = 'store'),
    (SELECT $2 - position FROM ops.publisher_cursor)";

/// A number that grows with what needs the dependency: writes answered 2xx, positions published, payments'
/// effects that are done.
async fn done(dependency: Dependency, scene: &Scene, owner: &PgPool) -> anyhow::Result<i64> {
    let sql = match dependency {
        Dependency::Postgres => {
            let recording = scene.door.api().recording();
            return Ok(i64::try_from(recording.map_or(0, Recording::successes))?);
        }
        Dependency::Kafka => "SELECT position FROM ops.publisher_cursor",
        Dependency::Stripe => {
            "SELECT count(*) FROM ops.effects WHERE kind = 'payment' AND status = 'done'"
        }
    };
    Ok(sqlx::query_scalar(sql).fetch_one(owner).await?)
}
