//! Deletes what nobody asks for any more: answers to repeated requests, finished effects, handled
//! webhooks, and logins that have ended. What is parked stays until a person has dealt with it; events are never deleted.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use infra::clock::Clock;
use infra::lifecycle::{Loop, Pace, Progress};
use sqlx::PgPool;
use tokio::sync::watch;

/// ◇ As long as we promise to repeat an answer (reliability §3, published), and as long as a receiver
/// may ask for a webhook again; effects and webhooks are what a dispute of those days is read from.
const KEPT: TimeDelta = TimeDelta::days(30);
/// Rows deleted by one statement: a few milliseconds, so that customers' commits pass in between.
const BATCH_MAX: i64 = 1_000;
/// Old rows may lie for this long.
const LOOK_EVERY: Duration = Duration::from_mins(5);

/// Deletes old rows while this instance leads.
pub struct Retention {
    pool: PgPool,
    clock: Clock,
    leading: watch::Receiver<Option<i64>>,
}

impl Retention {
    /// How often it looks: nothing rings for it.
    pub const PACE: Pace = Pace {
        idle_min: LOOK_EVERY,
        idle_max: LOOK_EVERY,
        backoff_min: infra::limits::BACKOFF_MIN,
        backoff_max: LOOK_EVERY,
    };

    /// Retention for the tables of `ops`.
    pub fn new(pool: PgPool, clock: Clock, leading: watch::Receiver<Option<i64>>) -> Self {
        Self {
            pool,
            clock,
            leading,
        }
    }

    async fn delete_records(&self, before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
        let deleted = sqlx::query!(
            "DELETE FROM ops.command_records WHERE key_hash IN (
                 SELECT key_hash FROM ops.command_records WHERE created_at < $1
                 ORDER BY created_at LIMIT $2)",
            before,
            BATCH_MAX
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }

    async fn delete_effects(&self, before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
        let deleted = sqlx::query!(
            "DELETE FROM ops.effects WHERE effect_id IN (
                 SELECT effect_id FROM ops.effects WHERE status = 'done' AND finished_at < $1
                 ORDER BY finished_at LIMIT $2)",
            before,
            BATCH_MAX
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }

    async fn delete_webhooks(&self, before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
        let deleted = sqlx::query!(
            "DELETE FROM ops.webhook_inbox WHERE (source, event_key) IN (
                 SELECT source, event_key FROM ops.webhook_inbox
                 WHERE status = 'done' AND received_at < $1
                 ORDER BY received_at LIMIT $2)",
            before,
            BATCH_MAX
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }

    /// A login that was ended by hand stays until it would have ended by itself; its refresh tokens go
    /// with it.
    async fn delete_logins(&self, before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
        let deleted = sqlx::query!(
            "DELETE FROM auth.logins WHERE sid IN (
                 SELECT sid FROM auth.logins WHERE ends_at < $1 ORDER BY ends_at LIMIT $2)",
            before,
            BATCH_MAX
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }
}

impl Loop for Retention {
    const NAME: &'static str = "retention";
    type Error = sqlx::Error;

    async fn step(&mut self) -> Result<Progress, sqlx::Error> {
        if self.leading.borrow_and_update().is_none() {
            return Ok(Progress::Idle);
        }
        let before = self.clock.now() - KEPT;
        let records = self.delete_records(before).await?;
        let effects = self.delete_effects(before).await?;
        let webhooks = self.delete_webhooks(before).await?;
        let logins = self.delete_logins(before).await?;
        for (table, deleted) in [
            ("command_records", records),
            ("effects", effects),
            ("webhook_inbox", webhooks),
            ("logins", logins),
        ] {
            metrics::counter!("ramen_rows_deleted_total", "table" => table).increment(deleted);
        }
        Ok(Progress::of(
            usize::try_from(records + effects + webhooks + logins).unwrap_or(usize::MAX),
        ))
    }
}

#[cfg(test)]
mod tests {
    use infra::clock::TestClock;
    use infra::postgres::Role;
    use infra::testing::TestDatabase;

    use super::*;

    /// One row of each sort that is `days` old: answered, done, parked.
    const PLANT: &str = "
        WITH old AS (SELECT $1::timestamptz AS at)
        , records AS (
            INSERT INTO ops.command_records
            SELECT sha256(at::text::bytea), sha256(''), 200, '{}', '', at FROM old
        ), effects AS (
            INSERT INTO ops.effects (effect_id, process, instance, kind, effect, status, due_at,
                                     created_at, finished_at)
            SELECT gen_random_uuid(), 'planted', gen_random_uuid(), 'command', '{}', status, at,
                   at, CASE WHEN status = 'done' THEN at END
            FROM old, unnest(ARRAY['done', 'parked']) AS s (status)
        ), logins AS (
            INSERT INTO auth.logins (sid, principal, role, ver, created_at, expires_at, ends_at)
            SELECT gen_random_uuid(), gen_random_uuid(), 'customer', 1, at - interval '1 day', at, at
            FROM old RETURNING sid
        ), tokens AS (
            INSERT INTO auth.refresh_tokens (hash, sid, issued_at)
            SELECT sha256(at::text::bytea), sid, at FROM old, logins
        )
        INSERT INTO ops.webhook_inbox (source, event_key, received_at, body, status, due_at)
        SELECT 'planted', at || status, at, '', status, at
        FROM old, unnest(ARRAY['done', 'parked']) AS s (status)";

    const LEFT: &str = "
        SELECT (SELECT count(*) FROM ops.command_records),
               (SELECT count(*) FROM ops.effects), (SELECT count(*) FROM ops.webhook_inbox),
               (SELECT count(*) FROM auth.logins), (SELECT count(*) FROM auth.refresh_tokens)";

    #[tokio::test]
    async fn only_what_is_settled_and_old_is_deleted_and_only_by_the_leader() {
        let database = TestDatabase::create().await;
        let (owner, now) = (
            database.owner(),
            DateTime::UNIX_EPOCH + TimeDelta::days(400),
        );
        for days in [31, 29] {
            let at = now - TimeDelta::days(days);
            sqlx::query(PLANT).bind(at).execute(&owner).await.unwrap();
        }
        let left = async || -> [i64; 5] {
            let row: (i64, i64, i64, i64, i64) =
                sqlx::query_as(LEFT).fetch_one(&owner).await.unwrap();
            row.into()
        };
        let (leader, leading) = watch::channel(None);
        let clock = TestClock::at(now, 1).clock();
        let mut retention = Retention::new(database.pool(Role::App), clock, leading);
        assert_eq!(retention.step().await.unwrap(), Progress::Idle);
        assert_eq!(left().await, [2, 4, 4, 2, 2]);
        leader.send_replace(Some(1));
        assert_eq!(retention.step().await.unwrap(), Progress::Did(4));
        assert_eq!(left().await, [1, 3, 3, 1, 1]);
        assert_eq!(retention.step().await.unwrap(), Progress::Idle);
    }
}
