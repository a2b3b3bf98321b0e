//! Performs effects: commands to our aggregates and calls to vendors. Each runs in a task of its own,
//! so a vendor that is slow keeps nobody waiting; each may be repeated, since its id is its key.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::aggregates::{AnyCommand, Kind};
use domain::payment::payment::{PaymentCommand, VendorCode};
use domain::processes::{Effect, PaymentCall};
use infra::clock::Clock;
use infra::fault;
use infra::lifecycle::{Doorbell, Loop, Progress, Tasks};
use sqlx::PgPool;
use tokio::sync::watch;
use uuid::Uuid;

use super::commands::execute_once;
use crate::execute::{ExecuteError, Executor};
use crate::gateways::Outcome;
use crate::gateways::payment::{Call, PaymentGateway, perform};

/// Effects under way at once.
const IN_FLIGHT_MAX: usize = 64;
/// First pause before an effect is tried again; doubled each time, drawn with full jitter.
const RETRY_MIN: Duration = Duration::from_millis(200);
/// Longest pause.
const RETRY_MAX: Duration = Duration::from_mins(1);
/// After so many attempts, about a day of them, a person must look (reliability §11: alarms).
const ATTEMPTS_MAX: i32 = 1_500;

/// Which effects are under way. Shared with tests, which wait until there are none.
#[derive(Clone, Debug, Default)]
pub struct EffectsInFlight(Arc<Mutex<HashSet<Uuid>>>);

impl EffectsInFlight {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn ids(&self) -> Vec<Uuid> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    fn add(&self, id: Uuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    }

    fn remove(&self, id: Uuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

/// Takes due effects and performs them while this instance leads.
pub struct EffectRunner {
    performer: Performer,
    leading: watch::Receiver<Option<i64>>,
    tasks: Tasks,
    doorbell: Doorbell,
    in_flight: EffectsInFlight,
}

impl EffectRunner {
    /// A runner whose tasks belong to `tasks` and ring `doorbell` when they end.
    pub fn new(
        pool: PgPool,
        clock: Clock,
        executor: Executor,
        payments: Arc<dyn PaymentGateway>,
        leading: watch::Receiver<Option<i64>>,
        tasks: Tasks,
        doorbell: Doorbell,
    ) -> Self {
        let performer = Performer { pool, clock, executor, payments };
        Self { performer, leading, tasks, doorbell, in_flight: EffectsInFlight::default() }
    }

    /// What is under way.
    pub fn in_flight(&self) -> EffectsInFlight {
        self.in_flight.clone()
    }
}

impl Loop for EffectRunner {
    const NAME: &'static str = "effects";
    type Error = EffectError;

    async fn step(&mut self) -> Result<Progress, EffectError> {
        if self.leading.borrow_and_update().is_none() {
            return Ok(Progress::Idle);
        }
        let busy = self.in_flight.ids();
        let room = IN_FLIGHT_MAX.saturating_sub(busy.len());
        if room == 0 {
            return Ok(Progress::Idle);
        }
        let due = self.performer.due(&busy, room).await?;
        let count = due.len();
        for effect in due {
            self.in_flight.add(effect.id);
            let (performer, in_flight) = (self.performer.clone(), self.in_flight.clone());
            let doorbell = self.doorbell.clone();
            // Nobody awaits the task: it writes its outcome itself, and the process waits for it
            // when it stops.
            drop(self.tasks.detached(async move {
                let id = effect.id;
                performer.perform(effect).await;
                in_flight.remove(id);
                doorbell.ring();
            }));
        }
        Ok(Progress::of(count))
    }
}

/// Why effects could not be taken, or one's outcome not be written.
#[derive(Debug, thiserror::Error)]
pub enum EffectError {
    /// The table could not be read or written.
    #[error("the table of effects cannot be read or written")]
    Database(#[from] sqlx::Error),
    /// A stored effect is of a form that this build does not know.
    #[error("effect {id} does not decode")]
    Json {
        /// The effect.
        id: Uuid,
        /// What the decoder said.
        #[source]
        source: serde_json::Error,
    },
}

struct Due {
    id: Uuid,
    process: String,
    instance: Uuid,
    effect: Effect,
    attempts: i32,
    first_sent: Option<DateTime<Utc>>,
}

/// What has become of an attempt.
enum Attempt {
    Settled,
    Refused(String),
    Later(Duration, String),
    /// What cannot be: a person must look.
    Parked(String),
}

#[derive(Clone)]
struct Performer {
    pool: PgPool,
    clock: Clock,
    executor: Executor,
    payments: Arc<dyn PaymentGateway>,
}

impl Performer {
    /// Those that are due, of each instance and kind only the oldest open one: a hold is committed
    /// before it is consumed. A vendor that is slow does not hold up commands.
    async fn due(&self, busy: &[Uuid], room: usize) -> Result<Vec<Due>, EffectError> {
        let rows = sqlx::query!(
            r#"SELECT effect_id, process, instance, effect::text AS "effect!", attempts, sent_at
               FROM ops.effects e
               WHERE status IN ('pending', 'sent') AND due_at <= $1 AND effect_id <> ALL($2)
                 AND NOT EXISTS (
                     SELECT FROM ops.effects b
                     WHERE b.instance = e.instance AND b.kind = e.kind AND b.ordinal < e.ordinal
                       AND b.status IN ('pending', 'sent'))
               ORDER BY due_at, ordinal LIMIT $3"#,
            self.clock.now(),
            busy,
            i64::try_from(room).unwrap_or(i64::MAX)
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let effect = serde_json::from_str(&row.effect)
                    .map_err(|source| EffectError::Json { id: row.effect_id, source })?;
                Ok(Due {
                    id: row.effect_id,
                    process: row.process,
                    instance: row.instance,
                    effect,
                    attempts: row.attempts,
                    first_sent: row.sent_at,
                })
            })
            .collect()
    }

    async fn perform(&self, due: Due) {
        fault::point("effect.before");
        let attempt = match &due.effect {
            Effect::Command { command } => self.command(&due, command.clone()).await,
            Effect::Payment { call } => self.payment(&due, call).await,
            // The runner keeps timers in their own table.
            Effect::StartTimer { .. } | Effect::CancelTimer { .. } => Attempt::Settled,
        };
        let written = match attempt {
            Attempt::Settled => self.finish(&due, None).await,
            Attempt::Refused(why) => self.finish(&due, Some(why)).await,
            Attempt::Later(after, why) => self.postpone(&due, after, why).await,
            Attempt::Parked(why) => self.park(&due, why).await,
        };
        fault::point("effect.recorded");
        if let Err(error) = written {
            // The effect stays due and is repeated, to the same end.
            tracing::warn!(effect.id = %due.id, %error, "the outcome of effect {} is not kept", due.id);
        }
    }

    async fn command(&self, due: &Due, command: AnyCommand) -> Attempt {
        let kind = command.kind();
        match execute_once(&self.executor, &due.process, due.id, due.instance, command).await {
            // A refusal that was stored by an earlier attempt comes back as an answer.
            Ok(answer) if answer.status < 400 => Attempt::Settled,
            Ok(answer) if kind == Kind::Inventory => Attempt::Parked(answer.body),
            Ok(answer) => Attempt::Refused(answer.body),
            // A hold that is not there when its order needs it was lost: no other refusal of stock
            // can follow from an order of ours.
            Err(ExecuteError::Refused(refusal)) if kind == Kind::Inventory => {
                Attempt::Parked(refusal.code)
            }
            Err(ExecuteError::Refused(refusal)) => Attempt::Refused(refusal.code),
            Err(error) => self.later(due, error.to_string()),
        }
    }

    async fn payment(&self, due: &Due, call: &PaymentCall) -> Attempt {
        if let Err(error) = self.sent(due).await {
            return self.later(due, error.to_string());
        }
        fault::point("effect.sent");
        let key = Call { key: due.id, first_sent: due.first_sent };
        let outcome = perform(self.payments.as_ref(), &key, call).await;
        fault::point("effect.answered");
        match outcome {
            Outcome::Done(None) => Attempt::Settled,
            Outcome::Done(Some(news)) => self.record(due, call, news).await,
            Outcome::Rejected(refusal) => {
                if refusal.alarm {
                    tracing::error!(effect.id = %due.id, code = %refusal.code, "the vendor rejected our call");
                }
                self.rejected(due, call, &refusal.code).await
            }
            Outcome::NotDone { after, why } => Attempt::Later(after, why.into_owned()),
            Outcome::Unknown { why } => self.later(due, why.into_owned()),
        }
    }

    async fn rejected(&self, due: &Due, call: &PaymentCall, code: &str) -> Attempt {
        let Ok(vendor_code) = VendorCode::parse(code) else {
            return self.later(due, format!("the vendor's code {code:?} does not read"));
        };
        if let Some(news) = call.when_rejected(vendor_code) {
            return self.record(due, call, news).await;
        }
        let (PaymentCall::Void { intent, .. } | PaymentCall::Read { intent, .. }) = call else {
            return Attempt::Refused(code.to_owned());
        };
        match self.payments.read_intent(intent).await {
            Outcome::Done(found) => self.record(due, call, found.vendor.news()).await,
            Outcome::Rejected(_) | Outcome::NotDone { .. } | Outcome::Unknown { .. } => {
                self.later(due, format!("rejected ({code}), and the intent cannot be read"))
            }
        }
    }

    async fn record(&self, due: &Due, call: &PaymentCall, news: PaymentCommand) -> Attempt {
        let command = AnyCommand::Payment(call.payment().into(), news);
        self.command(due, command).await
    }

    fn later(&self, due: &Due, why: String) -> Attempt {
        let doublings = u32::try_from(due.attempts).unwrap_or(0).min(16);
        let span = RETRY_MIN.saturating_mul(2_u32.saturating_pow(doublings)).min(RETRY_MAX);
        Attempt::Later(self.clock.jitter(span), why)
    }

    async fn sent(&self, due: &Due) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "UPDATE ops.effects SET status = 'sent', sent_at = coalesce(sent_at, $2)
             WHERE effect_id = $1",
            due.id,
            self.clock.now()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn finish(&self, due: &Due, refused: Option<String>) -> Result<(), sqlx::Error> {
        let outcome = if refused.is_some() { "refused" } else { "done" };
        metrics::counter!("ramen_effects_total", "outcome" => outcome).increment(1);
        sqlx::query!(
            "UPDATE ops.effects
             SET status = 'done', attempts = attempts + 1, finished_at = $2, last_error = $3
             WHERE effect_id = $1",
            due.id,
            self.clock.now(),
            refused
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn postpone(&self, due: &Due, after: Duration, why: String) -> Result<(), sqlx::Error> {
        if due.attempts + 1 >= ATTEMPTS_MAX {
            return self.park(due, why).await;
        }
        metrics::counter!("ramen_effects_total", "outcome" => "retried").increment(1);
        let again = self.clock.now() + TimeDelta::from_std(after).unwrap_or(TimeDelta::MAX);
        sqlx::query!(
            "UPDATE ops.effects SET attempts = attempts + 1, due_at = $2, last_error = $3
             WHERE effect_id = $1",
            due.id,
            again,
            why
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn park(&self, due: &Due, why: String) -> Result<(), sqlx::Error> {
        metrics::counter!("ramen_effects_total", "outcome" => "parked").increment(1);
        tracing::error!(effect.id = %due.id, why, "effect {} is parked: a person must look", due.id);
        sqlx::query!(
            "UPDATE ops.effects SET attempts = attempts + 1, status = 'parked', last_error = $2
             WHERE effect_id = $1",
            due.id,
            why
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
