//! Folds the store feed into the states of one process. Position, states, effects and timers move in
//! one statement, so a crash repeats a batch whole or not at all.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use domain::aggregates::AnyEvent;
use domain::decider::{DecodeError, Recorded};
use domain::kernel::flags::Flags;
use domain::kernel::ids::{OrderId, RestaurantId};
use domain::processes::{AnyRecorded, Effect, Process, effect_id, fired_id};
use infra::clock::Clock;
use infra::event_store::Mark;
use infra::fault;
use infra::feed::{Checkpoints, Feed as _, FeedError, FeedRecord, HistoryAlarm, Origin, StoreFeed};
use infra::http::health::Readiness;
use infra::http::policy::Role;
use infra::lifecycle::{Doorbell, Loop, Progress};
use infra::telemetry::{TraceContext, joins};
use sqlx::PgPool;
use tokio::sync::watch;
use tracing::Instrument as _;
use uuid::Uuid;

/// Events folded under one commit.
const BATCH_MAX: usize = 256;
/// States kept between batches; a busy evening's open orders.
const STATES_MAX: usize = 20_000;

/// States, timers and effects that follow from events which never happened cannot be undone by a machine.
const REMEDY: &str = "point it at the right store; if the store was restored apart from schema ops, \
     restore ops to the same moment";

/// Runs one process while this instance leads.
pub struct Runner<P: Process> {
    pool: PgPool,
    clock: Clock,
    flags: Arc<Flags>,
    feed: StoreFeed,
    leading: watch::Receiver<Option<i64>>,
    effects: Doorbell,
    alarm: HistoryAlarm,
    mark: Option<Mark>,
    states: HashMap<Uuid, P::State>,
}

/// Why a step failed. The next one reads position and states anew.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The tables of the process could not be read or written.
    #[error("the tables of the process cannot be read or written")]
    Database(#[from] sqlx::Error),
    /// The feed could not be read.
    #[error("the process cannot read its feed")]
    Feed(#[from] FeedError),
    /// An event that the process must see does not decode. It waits: skipping it would lose an
    /// effect.
    #[error("event at position {position} does not decode")]
    Event {
        /// Where it stands in the log.
        position: i64,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
    /// A stored state or a fresh effect does not convert; a change of its form needs care.
    #[error("a state or effect of the process does not convert")]
    Json(#[from] serde_json::Error),
    /// Another runner has moved the position.
    #[error("another runner is at work on the process")]
    Overtaken,
}

/// What a batch leads to, keyed so that later words on the same thing win.
struct Batch<S> {
    states: BTreeMap<Uuid, S>,
    effects: Vec<Wanted>,
    timers: BTreeMap<(Uuid, String), Option<Timer>>,
}

/// An event for an instance of the process.
struct Followed {
    instance: Uuid,
    event: AnyRecorded,
    about: About,
}

/// What an event's metadata says about it.
#[derive(Clone, Default, serde::Deserialize)]
struct About {
    /// The order.
    order: Option<OrderId>,
    /// The shop.
    restaurant: Option<RestaurantId>,
    /// In which role somebody asked for it, or the system did.
    role: Option<String>,
    /// There when it is a rehearsal; what follows from one is one.
    test: Option<serde::de::IgnoredAny>,
    /// The trace of the command that it came from.
    traceparent: Option<TraceContext>,
}

/// An effect with where it comes from.
struct Wanted {
    instance: Uuid,
    id: Uuid,
    cause: Uuid,
    test: bool,
    trace: Option<TraceContext>,
    effect: Effect,
}

impl Wanted {
    fn traceparent(&self) -> Option<String> {
        self.trace.map(|trace| trace.to_string())
    }
}

struct Timer {
    at: chrono::DateTime<chrono::Utc>,
    fires: Wanted,
}

impl<P: Process> Runner<P> {
    /// A runner that reads `feed` while `leading` has an epoch, and rings `effects` for each new one.
    pub fn new(
        pool: PgPool,
        clock: Clock,
        flags: Arc<Flags>,
        feed: StoreFeed,
        leading: watch::Receiver<Option<i64>>,
        effects: Doorbell,
        readiness: &Readiness,
    ) -> Self {
        Self {
            pool,
            clock,
            flags,
            feed,
            leading,
            effects,
            alarm: HistoryAlarm::new(P::NAME, REMEDY, readiness),
            mark: None,
            states: HashMap::new(),
        }
    }

    async fn start(&mut self) -> Result<Mark, RunnerError> {
        if let Some(mark) = self.mark.take() {
            return Ok(mark);
        }
        self.states.clear();
        let before_all = Mark::default().hash;
        let row = sqlx::query!(
            "INSERT INTO ops.process_positions (process, position, hash, epoch)
             VALUES ($1, 0, $2, 0)
             ON CONFLICT (process) DO UPDATE SET process = excluded.process
             RETURNING position, hash",
            P::NAME,
            before_all.as_bytes()
        )
        .fetch_one(&self.pool)
        .await?;
        let mark = Mark::of_row(row.position, row.hash)?;
        self.feed
            .start(Checkpoints::from([(Origin::store(), mark)]))
            .await?;
        Ok(mark)
    }

    /// Folds what the feed has. Only a step that ends well keeps its place: after any other the feed may
    /// be ahead of what is stored, and begins again.
    async fn advance(&mut self, epoch: i64) -> Result<Progress, RunnerError> {
        let from = self.start().await?;
        let (mark, progress) = self.fold(from, epoch).await?;
        self.mark = Some(mark);
        Ok(progress)
    }

    async fn fold(&mut self, from: Mark, epoch: i64) -> Result<(Mark, Progress), RunnerError> {
        let records = self.feed.poll(BATCH_MAX).await?;
        let Some(end) = records.last().map(FeedRecord::mark) else {
            return Ok((from, Progress::Idle));
        };
        let events = understood::<P>(&records)?;
        let span = tracing::debug_span!("react", process = P::NAME, events = events.len());
        joins(
            &span,
            events.iter().filter_map(|event| event.about.traceparent),
        );
        let batch = self.react(events).instrument(span.clone()).await?;
        fault::point("proc.folded");
        let rang = !batch.effects.is_empty();
        let stored = self.store(&batch, from, end, epoch);
        stored.instrument(span).await?;
        fault::point("proc.stored");
        self.keep(batch.states);
        if rang {
            self.effects.ring();
        }
        Ok((end, Progress::Did(records.len())))
    }

    async fn react(&mut self, events: Vec<Followed>) -> Result<Batch<P::State>, RunnerError> {
        let instances: Vec<Uuid> = events.iter().map(|followed| followed.instance).collect();
        self.load(&instances).await?;
        let mut batch = Batch {
            states: BTreeMap::new(),
            effects: Vec::new(),
            timers: BTreeMap::new(),
        };
        for Followed {
            instance,
            event,
            about,
        } in events
        {
            let known = batch
                .states
                .get(&instance)
                .or_else(|| self.states.get(&instance));
            let mut state = known.cloned().unwrap_or_default();
            let effects = P::react(&mut state, &event, &self.flags);
            batch.states.insert(instance, state);
            for (index, effect) in effects.into_iter().enumerate() {
                let cause = event.recorded.event_id;
                let id = effect_id(P::NAME, cause, index);
                batch.add(Wanted {
                    instance,
                    id,
                    cause,
                    test: about.test.is_some(),
                    trace: about.traceparent,
                    effect,
                });
            }
        }
        Ok(batch)
    }

    #[tracing::instrument(name = "db.process_states", skip_all, level = "debug")]
    async fn load(&mut self, instances: &[Uuid]) -> Result<(), RunnerError> {
        let missing: Vec<Uuid> = instances
            .iter()
            .copied()
            .filter(|id| !self.states.contains_key(id))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let rows = sqlx::query!(
            r#"SELECT instance, state::text AS "state!" FROM ops.process_instances
               WHERE process = $1 AND instance = ANY($2)"#,
            P::NAME,
            &missing
        )
        .fetch_all(&self.pool)
        .await?;
        for row in rows {
            self.states
                .insert(row.instance, serde_json::from_str(&row.state)?);
        }
        Ok(())
    }

    #[tracing::instrument(name = "db.process_store", skip_all, level = "debug")]
    async fn store(
        &self,
        batch: &Batch<P::State>,
        from: Mark,
        end: Mark,
        epoch: i64,
    ) -> Result<(), RunnerError> {
        let rows = Rows::of::<P>(batch)?;
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
            P::NAME,
            end.position,
            from.position,
            epoch,
            &rows.instances,
            &rows.states,
            &rows.over,
            self.clock.now(),
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
            end.hash.as_bytes(),
            from.hash.as_bytes(),
            &rows.effect_traces as &[Option<String>],
            &rows.timer_traces as &[Option<String>],
        )
        .fetch_one(&self.pool)
        .await?;
        if moved {
            Ok(())
        } else {
            Err(RunnerError::Overtaken)
        }
    }

    fn keep(&mut self, states: BTreeMap<Uuid, P::State>) {
        if self.states.len() > STATES_MAX {
            self.states.clear();
        }
        self.states.extend(states);
    }
}

impl<P: Process + Send + 'static> Loop for Runner<P> {
    const NAME: &'static str = P::NAME;
    type Error = RunnerError;

    async fn step(&mut self) -> Result<Progress, RunnerError> {
        let Some(epoch) = *self.leading.borrow_and_update() else {
            self.mark = None;
            return Ok(Progress::Idle);
        };
        let outcome = self.advance(epoch).await;
        self.alarm.hear(&outcome);
        outcome
    }
}

impl<S> Batch<S> {
    fn add(&mut self, wanted: Wanted) {
        let instance = wanted.instance;
        match wanted.effect {
            Effect::StartTimer { name, at, fires } => {
                let fires = Wanted {
                    id: fired_id(wanted.id),
                    effect: *fires,
                    ..wanted
                };
                self.timers
                    .insert((instance, name), Some(Timer { at, fires }));
            }
            Effect::CancelTimer { name } => {
                self.timers.insert((instance, name), None);
            }
            Effect::Command { .. } | Effect::Payment { .. } => self.effects.push(wanted),
        }
    }
}

/// A batch as the columns that the statement takes.
#[derive(Default)]
struct Rows {
    instances: Vec<Uuid>,
    states: Vec<String>,
    over: Vec<bool>,
    effect_ids: Vec<Uuid>,
    effect_instances: Vec<Uuid>,
    effects: Vec<String>,
    effect_causes: Vec<Uuid>,
    effect_tests: Vec<bool>,
    effect_traces: Vec<Option<String>>,
    cancelled_instances: Vec<Uuid>,
    cancelled_names: Vec<String>,
    timer_instances: Vec<Uuid>,
    timer_names: Vec<String>,
    timer_due: Vec<chrono::DateTime<chrono::Utc>>,
    timer_ids: Vec<Uuid>,
    timer_effects: Vec<String>,
    timer_causes: Vec<Uuid>,
    timer_tests: Vec<bool>,
    timer_traces: Vec<Option<String>>,
}

impl Rows {
    fn of<P: Process>(batch: &Batch<P::State>) -> Result<Self, serde_json::Error> {
        let mut rows = Self::default();
        for (instance, state) in &batch.states {
            rows.instances.push(*instance);
            rows.states.push(serde_json::to_string(state)?);
            rows.over.push(P::is_over(state));
        }
        for wanted in &batch.effects {
            rows.effect_instances.push(wanted.instance);
            rows.effect_ids.push(wanted.id);
            rows.effects.push(serde_json::to_string(&wanted.effect)?);
            rows.effect_causes.push(wanted.cause);
            rows.effect_tests.push(wanted.test);
            rows.effect_traces.push(wanted.traceparent());
        }
        for ((instance, name), timer) in &batch.timers {
            let Some(timer) = timer else {
                rows.cancelled_instances.push(*instance);
                rows.cancelled_names.push(name.clone());
                continue;
            };
            rows.timer_instances.push(*instance);
            rows.timer_names.push(name.clone());
            rows.timer_due.push(timer.at);
            rows.timer_ids.push(timer.fires.id);
            rows.timer_effects
                .push(serde_json::to_string(&timer.fires.effect)?);
            rows.timer_causes.push(timer.fires.cause);
            rows.timer_tests.push(timer.fires.test);
            rows.timer_traces.push(timer.fires.traceparent());
        }
        Ok(rows)
    }
}

/// The records that the process follows, decoded, with the instance each belongs to.
fn understood<P: Process>(records: &[FeedRecord]) -> Result<Vec<Followed>, RunnerError> {
    let mut events = Vec::new();
    for record in records
        .iter()
        .filter(|record| P::FOLLOWS.contains(&record.kind))
    {
        let event = AnyEvent::decode(
            record.kind,
            &record.event_type,
            &record.event_version,
            &record.payload,
        )
        .map_err(|source| RunnerError::Event {
            position: record.position,
            source,
        })?;
        let recorded = Recorded {
            event,
            event_id: record.event_id,
            stream: record.stream,
            sequence: record.sequence,
            position: record.position,
            recorded_at: record.recorded_at,
        };
        // Metadata is ours; what does not read says nothing.
        let about: About = serde_json::from_str(&record.metadata).unwrap_or_default();
        let event = AnyRecorded {
            recorded,
            order: about.order,
            restaurant: about.restaurant,
            by_shop: about.role.as_deref() == Some(Role::Owner.as_str()),
        };
        if let Some(instance) = P::instance(&event) {
            events.push(Followed {
                instance,
                event,
                about,
            });
        }
    }
    Ok(events)
}
