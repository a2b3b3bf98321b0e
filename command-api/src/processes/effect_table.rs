//! `ops.effects`: what is due, and what became of it. Every write holds only while the effect is open,
//! so a leader that was deposed unawares cannot reopen what its successor has finished.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::processes::Effect;
use infra::clock::Clock;
use infra::telemetry::TraceContext;
use uuid::Uuid;

use super::tables::ProcessTables;

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

/// The effects among the tables of the processes.
#[derive(Clone)]
pub(super) struct EffectTable<T> {
    tables: T,
    clock: Clock,
}

impl<T: ProcessTables> EffectTable<T> {
    pub(super) fn new(tables: T, clock: Clock) -> Self {
        Self { tables, clock }
    }

    /// Those that are due and not `busy`, of each kind as many as there is room for. Of each instance
    /// and kind only the oldest open one: a hold is committed before it is consumed. One that does
    /// not decode is parked, and keeps nobody waiting.
    pub(super) async fn due(
        &self,
        busy: &[Uuid],
        room: &[(EffectKind, usize)],
    ) -> Result<Vec<Due>, sqlx::Error> {
        let room: Vec<(&str, usize)> = room
            .iter()
            .map(|(kind, room)| (kind.as_str(), *room))
            .collect();
        let rows = self.tables.due(self.clock.now(), busy, &room).await?;
        let mut due = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(kind) = EffectKind::parse(&row.kind) else {
                continue;
            };
            match serde_json::from_str(&row.effect) {
                Err(error) => {
                    self.park(row.id, &format!("does not decode: {error}"))
                        .await?;
                }
                Ok(effect) => due.push(Due {
                    id: row.id,
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
    pub(super) async fn sent(&self, due: &Due) -> Result<bool, sqlx::Error> {
        self.tables.sent(due.id, self.clock.now()).await
    }

    /// Ends the effect, with what its aggregate or vendor said against it. Whether another one waited
    /// for its end.
    pub(super) async fn finish(
        &self,
        due: &Due,
        refused: Option<String>,
    ) -> Result<bool, sqlx::Error> {
        let outcome = if refused.is_some() { "refused" } else { "done" };
        metrics::counter!("ramen_effects_total", "outcome" => outcome).increment(1);
        let at = self.clock.now();
        self.tables.finish(due.id, at, refused).await
    }

    /// Lets the effect be tried again `after` this, or parks it when it has been tried for a day.
    /// Those that wait behind it wait as long, so that nobody looks at them meanwhile. `sent` says
    /// whether the vendor may have heard of it.
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
        self.tables.postpone(due.id, again, sent, why).await
    }

    /// Leaves the effect to a person.
    pub(super) async fn park(&self, id: Uuid, why: &str) -> Result<(), sqlx::Error> {
        metrics::counter!("ramen_effects_total", "outcome" => "parked").increment(1);
        tracing::error!(effect.id = %id, why, "effect {id} is parked: a person must look");
        self.tables.park(id, why).await
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
    use crate::processes::tables::PostgresTables;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    /// The table of a database, on a clock that stands still.
    struct Stand {
        database: TestDatabase,
        table: EffectTable<PostgresTables>,
    }

    impl Stand {
        async fn start() -> Self {
            let database = TestDatabase::create().await;
            let clock = TestClock::at(NOW, 1).clock();
            let table = EffectTable::new(PostgresTables::new(database.pool(Role::App)), clock);
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
