//! `ops.effects`: what is due, and what became of it. Every write holds only while the effect is open,
//! so a leader that was deposed unawares cannot reopen what its successor has finished.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::processes::Effect;
use infra::clock::Clock;
use infra::telemetry::TraceContext;
use sqlx::PgPool;
use uuid::Uuid;

/// After this in the marketplace's time, a person must look (reliability §3: webhooks get as long).
const GIVE_UP_AFTER: TimeDelta = TimeDelta::hours(24);
/// But not before so many tries, some ten minutes of them: after a day without a leader, effects are
/// old that nobody has tried.
const ATTEMPTS_MIN: i32 = 20;

/// What an effect keeps busy: commands our own database, payments a vendor that may be slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EffectKind {
    Command,
    Payment,
}

impl EffectKind {
    pub(super) const ALL: [Self; 2] = [Self::Command, Self::Payment];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Payment => "payment",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An effect that is to be performed now.
pub(super) struct Due {
    pub(super) id: Uuid,
    pub(super) kind: EffectKind,
    pub(super) process: String,
    pub(super) instance: Uuid,
    pub(super) effect: Effect,
    pub(super) attempts: i32,
    pub(super) first_sent: Option<DateTime<Utc>>,
    pub(super) cause: Option<Uuid>,
    pub(super) test: bool,
    /// The trace of the event that it follows from.
    pub(super) trace: Option<TraceContext>,
    created_at: DateTime<Utc>,
}

/// The table.
#[derive(Clone)]
pub(super) struct EffectTable {
    pool: PgPool,
    clock: Clock,
}

impl EffectTable {
    pub(super) fn new(pool: PgPool, clock: Clock) -> Self {
        Self { pool, clock }
    }

    /// Those that are due and not `busy`, of each kind as many as there is room for. Of each instance
    /// and kind only the oldest open one: a hold is committed before it is consumed. One that does
    /// not decode is parked, and keeps nobody waiting.
    #[tracing::instrument(name = "db.effects_due", skip_all, level = "debug")]
    pub(super) async fn due(
        &self,
        busy: &[Uuid],
        room: &[(EffectKind, usize)],
    ) -> Result<Vec<Due>, sqlx::Error> {
        let kinds: Vec<String> = room
            .iter()
            .map(|(kind, _)| kind.as_str().to_owned())
            .collect();
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
            self.clock.now(),
            busy,
            &kinds,
            &most
        )
        .fetch_all(&self.pool)
        .await?;
        let mut due = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(kind) = EffectKind::parse(&row.kind) else {
                continue;
            };
            match serde_json::from_str(&row.effect) {
                Err(error) => {
                    self.park(row.effect_id, &format!("does not decode: {error}"))
                        .await?;
                }
                Ok(effect) => due.push(Due {
                    id: row.effect_id,
                    kind,
                    process: row.process,
                    instance: row.instance,
                    effect,
                    attempts: row.attempts,
                    first_sent: row.sent_at,
                    cause: row.cause,
                    test: row.test,
                    trace: row.traceparent.and_then(|text| text.parse().ok()),
                    created_at: row.created_at,
                }),
            }
        }
        Ok(due)
    }

    /// Notes that a call is about to leave. Whether the effect is still open.
    #[tracing::instrument(name = "db.effect_sent", skip_all, level = "debug")]
    pub(super) async fn sent(&self, due: &Due) -> Result<bool, sqlx::Error> {
        let marked = sqlx::query!(
            "UPDATE ops.effects SET status = 'sent', sent_at = coalesce(sent_at, $2)
             WHERE effect_id = $1 AND status IN ('pending', 'sent')",
            due.id,
            self.clock.now()
        )
        .execute(&self.pool)
        .await?;
        Ok(marked.rows_affected() == 1)
    }

    /// Ends the effect, with what its aggregate or vendor said against it.
    #[tracing::instrument(name = "db.effect_finish", skip_all, level = "debug")]
    pub(super) async fn finish(
        &self,
        due: &Due,
        refused: Option<String>,
    ) -> Result<(), sqlx::Error> {
        let outcome = if refused.is_some() { "refused" } else { "done" };
        metrics::counter!("ramen_effects_total", "outcome" => outcome).increment(1);
        sqlx::query!(
            "UPDATE ops.effects
             SET status = 'done', attempts = attempts + 1, finished_at = $2, last_error = $3
             WHERE effect_id = $1 AND status IN ('pending', 'sent')",
            due.id,
            self.clock.now(),
            refused
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Lets the effect be tried again `after` this, or parks it when it has been tried for a day.
    /// Those that wait behind it wait as long, so that nobody looks at them meanwhile. `sent` says
    /// whether the vendor may have heard of it.
    #[tracing::instrument(name = "db.effect_postpone", skip_all, level = "debug")]
    pub(super) async fn postpone(
        &self,
        due: &Due,
        after: Duration,
        sent: bool,
        why: String,
    ) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        if is_hopeless(now - due.created_at, due.attempts + 1) {
            return self.park(due.id, &why).await;
        }
        metrics::counter!("ramen_effects_total", "outcome" => "retried").increment(1);
        // Pauses are real time, as vendors recover in it.
        let after = after.saturating_mul(self.clock.speed());
        let again = now + TimeDelta::from_std(after).unwrap_or(GIVE_UP_AFTER);
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
            due.id,
            again,
            why,
            sent
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Leaves the effect to a person.
    #[tracing::instrument(name = "db.effect_park", skip_all, level = "debug")]
    pub(super) async fn park(&self, id: Uuid, why: &str) -> Result<(), sqlx::Error> {
        metrics::counter!("ramen_effects_total", "outcome" => "parked").increment(1);
        tracing::error!(effect.id = %id, why, "effect {id} is parked: a person must look");
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

/// Whether an effect has been tried long and often enough.
fn is_hopeless(age: TimeDelta, attempts: i32) -> bool {
    age > GIVE_UP_AFTER && attempts >= ATTEMPTS_MIN
}

#[cfg(test)]
mod tests {
    use infra::clock::TestClock;
    use infra::postgres::Role;
    use infra::testing::TestDatabase;

    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    /// The table of a database, on a clock that stands still.
    struct Stand {
        database: TestDatabase,
        table: EffectTable,
    }

    impl Stand {
        async fn start() -> Self {
            let database = TestDatabase::create().await;
            let clock = TestClock::at(NOW, 1).clock();
            let table = EffectTable::new(database.pool(Role::App), clock);
            Self { database, table }
        }

        /// Effects of one instance and kind, in this order.
        async fn plant(&self, instance: u128, ids: &[u128]) {
            for id in ids {
                sqlx::query(
                    r#"INSERT INTO ops.effects
                           (effect_id, process, instance, kind, effect, status, due_at, created_at)
                       VALUES ($1, 'planted', $2, 'payment',
                               '{"type":"cancel_timer","name":"planted"}', 'pending', $3, $3)"#,
                )
                .bind(Uuid::from_u128(*id))
                .bind(Uuid::from_u128(instance))
                .bind(NOW)
                .execute(&self.database.owner())
                .await
                .unwrap();
            }
        }

        async fn due(&self) -> Vec<Due> {
            self.table
                .due(&[], &[(EffectKind::Payment, 8)])
                .await
                .unwrap()
        }

        /// Status, whether it was sent, and seconds until it is due.
        async fn row(&self, id: u128) -> (String, bool, i64) {
            let (status, sent, due_at): (String, bool, DateTime<Utc>) = sqlx::query_as(
                "SELECT status, sent_at IS NOT NULL, due_at FROM ops.effects WHERE effect_id = $1",
            )
            .bind(Uuid::from_u128(id))
            .fetch_one(&self.database.owner())
            .await
            .unwrap();
            (status, sent, (due_at - NOW).num_seconds())
        }
    }

    fn ids(due: &[Due]) -> Vec<u128> {
        due.iter().map(|due| due.id.as_u128()).collect()
    }

    #[tokio::test]
    async fn a_deposed_leader_reopens_nothing() {
        let stand = Stand::start().await;
        stand.plant(1, &[10]).await;
        let held = stand.due().await.remove(0);
        // Its successor has ended the effect meanwhile.
        stand.table.finish(&held, None).await.unwrap();
        assert!(!stand.table.sent(&held).await.unwrap());
        let (why, pause) = ("late".to_owned(), Duration::from_secs(9));
        stand
            .table
            .postpone(&held, pause, true, why.clone())
            .await
            .unwrap();
        stand.table.park(held.id, &why).await.unwrap();
        stand.table.finish(&held, Some(why)).await.unwrap();
        assert_eq!(stand.row(10).await, ("done".to_owned(), false, 0));
    }

    #[tokio::test]
    async fn those_behind_wait_with_the_first_and_others_do_not() {
        let stand = Stand::start().await;
        stand.plant(1, &[10, 11, 12]).await;
        stand.plant(2, &[20]).await;
        let mut due = stand.due().await;
        assert_eq!(ids(&due), [10, 20]);
        let pause = Duration::from_secs(9);
        stand
            .table
            .postpone(&due.remove(0), pause, true, "away".to_owned())
            .await
            .unwrap();
        for id in [10, 11, 12] {
            assert_eq!(stand.row(id).await, ("pending".to_owned(), false, 9));
        }
        assert_eq!(ids(&stand.due().await), [20]);
    }

    #[tokio::test]
    async fn what_did_not_leave_does_not_count_as_sent() {
        let stand = Stand::start().await;
        stand.plant(1, &[10]).await;
        let held = stand.due().await.remove(0);
        assert!(stand.table.sent(&held).await.unwrap());
        assert_eq!(stand.row(10).await, ("sent".to_owned(), true, 0));
        let pause = Duration::from_secs(1);
        stand
            .table
            .postpone(&held, pause, false, "breaker open".to_owned())
            .await
            .unwrap();
        assert_eq!(stand.row(10).await, ("pending".to_owned(), false, 1));
    }

    #[test]
    fn an_effect_is_given_up_by_its_age_and_not_by_its_attempts() {
        let (hour, days) = (TimeDelta::hours(1), TimeDelta::days(2));
        assert!(!is_hopeless(hour, i32::MAX));
        assert!(
            !is_hopeless(days, 1),
            "a day without a leader is no day of trying"
        );
        assert!(is_hopeless(days, ATTEMPTS_MIN));
    }

    #[test]
    fn kinds_are_read_as_they_are_written() {
        for kind in EffectKind::ALL {
            assert_eq!(EffectKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(EffectKind::parse("timer"), None);
    }
}
