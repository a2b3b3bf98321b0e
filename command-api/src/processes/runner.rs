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
use infra::feed::{Checkpoints, Feed, FeedError, FeedRecord, HistoryAlarm, Origin, StoreFeed};
use infra::http::health::Readiness;
use infra::http::policy::Role;
use infra::lifecycle::{Doorbell, Loop, Progress};
use infra::telemetry::{TraceContext, joins};
use tokio::sync::watch;
use tracing::Instrument as _;
use uuid::Uuid;

use super::tables::{NewEffect, NewTimer, PostgresTables, ProcessTables, StateRow, Step, Written};

/// Events folded under one commit.
const BATCH_MAX: usize = 256;
/// Events that may lead to nothing before the place is stored all the same: what is read again after a crash.
const UNSTORED_MAX: i64 = 1_024;
/// States kept between batches; a busy evening's open orders.
const STATES_MAX: usize = 20_000;

/// States, timers and effects that follow from events which never happened cannot be undone by a machine.
const REMEDY: &str = "point it at the right store; if the store was restored apart from schema ops, \
     restore ops to the same moment";

/// Runs one process while this instance leads.
pub struct Runner<P: Process, T = PostgresTables, F = StoreFeed> {
    tables: T,
    clock: Clock,
    flags: Arc<Flags>,
    feed: F,
    leading: watch::Receiver<Option<i64>>,
    effects: Doorbell,
    alarm: HistoryAlarm,
    place: Option<Place>,
    states: HashMap<Uuid, P::State>,
}

/// How far a process is.
#[derive(Clone, Copy)]
struct Place {
    /// By its tables.
    stored: Mark,
    /// By its feed: nothing followed from what lies between.
    read: Mark,
}

impl Place {
    fn at(mark: Mark) -> Self {
        Self {
            stored: mark,
            read: mark,
        }
    }
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
    fn written(&self) -> Result<NewEffect, serde_json::Error> {
        Ok(NewEffect {
            id: self.id,
            instance: self.instance,
            effect: serde_json::to_string(&self.effect)?,
            cause: self.cause,
            test: self.test,
            traceparent: self.trace.map(|trace| trace.to_string()),
        })
    }
}

struct Timer {
    at: chrono::DateTime<chrono::Utc>,
    fires: Wanted,
}

impl<P: Process, T: ProcessTables, F: Feed> Runner<P, T, F> {
    /// A runner that reads `feed` while `leading` has an epoch, and rings `effects` for each new one.
    pub fn new(
        tables: T,
        clock: Clock,
        flags: Arc<Flags>,
        feed: F,
        leading: watch::Receiver<Option<i64>>,
        effects: Doorbell,
        readiness: &Readiness,
    ) -> Self {
        Self {
            tables,
            clock,
            flags,
            feed,
            leading,
            effects,
            alarm: HistoryAlarm::new(P::NAME, REMEDY, readiness),
            place: None,
            states: HashMap::new(),
        }
    }

    async fn start(&mut self) -> Result<Place, RunnerError> {
        if let Some(place) = self.place.take() {
            return Ok(place);
        }
        self.states.clear();
        let mark = self.tables.place(P::NAME).await?;
        self.feed
            .start(Checkpoints::from([(Origin::store(), mark)]))
            .await?;
        Ok(Place::at(mark))
    }

    /// Folds what the feed has. Only a step that ends well keeps its place: after any other the feed may
    /// be ahead of what is stored, and begins again.
    async fn advance(&mut self, epoch: i64) -> Result<Progress, RunnerError> {
        let mut place = self.start().await?;
        let progress = self.fold(&mut place, epoch).await?;
        self.place = Some(place);
        Ok(progress)
    }

    async fn fold(&mut self, place: &mut Place, epoch: i64) -> Result<Progress, RunnerError> {
        let records = self.feed.poll(BATCH_MAX).await?;
        let Some(end) = records.last().map(FeedRecord::mark) else {
            self.rest(place, epoch).await?;
            return Ok(Progress::Idle);
        };
        let events = understood::<P>(&records)?;
        let span = tracing::debug_span!("react", process = P::NAME, events = events.len());
        joins(
            &span,
            events.iter().filter_map(|event| event.about.traceparent),
        );
        let batch = self.react(events).instrument(span.clone()).await?;
        place.read = end;
        let progress = Progress::of_up_to(BATCH_MAX, records.len());
        if batch.is_empty() && end.position - place.stored.position < UNSTORED_MAX {
            return Ok(progress);
        }
        fault::point("proc.folded");
        let rang = !batch.effects.is_empty();
        let stored = self.store(&batch, place, epoch);
        stored.instrument(span).await?;
        fault::point("proc.stored");
        self.keep(batch.states);
        if rang {
            self.effects.ring();
        }
        Ok(progress)
    }

    /// Stores a place that nothing followed from once the feed is quiet: for those who ask whether
    /// everything is at rest.
    async fn rest(&mut self, place: &mut Place, epoch: i64) -> Result<(), RunnerError> {
        if place.read != place.stored {
            self.store(&Batch::default(), place, epoch).await?;
        }
        Ok(())
    }

    async fn react(&mut self, events: Vec<Followed>) -> Result<Batch<P::State>, RunnerError> {
        let instances: Vec<Uuid> = events.iter().map(|followed| followed.instance).collect();
        self.load(&instances).await?;
        let mut batch = Batch::default();
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
            let before = known.cloned().unwrap_or_default();
            let mut state = before.clone();
            let effects = P::react(&mut state, &event, &self.flags);
            if state != before {
                batch.states.insert(instance, state);
            }
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

    async fn load(&mut self, instances: &[Uuid]) -> Result<(), RunnerError> {
        let missing: Vec<Uuid> = instances
            .iter()
            .copied()
            .filter(|id| !self.states.contains_key(id))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        for (instance, state) in self.tables.states(P::NAME, &missing).await? {
            self.states.insert(instance, serde_json::from_str(&state)?);
        }
        Ok(())
    }

    async fn store(
        &mut self,
        batch: &Batch<P::State>,
        place: &mut Place,
        epoch: i64,
    ) -> Result<(), RunnerError> {
        let step = Step {
            process: P::NAME,
            from: place.stored,
            end: place.read,
            epoch,
            at: self.clock.now(),
            written: batch.written::<P>()?,
        };
        if !self.tables.store(&step).await? {
            return Err(RunnerError::Overtaken);
        }
        place.stored = place.read;
        Ok(())
    }

    fn keep(&mut self, states: BTreeMap<Uuid, P::State>) {
        if self.states.len() > STATES_MAX {
            self.states.clear();
        }
        self.states.extend(states);
    }
}

impl<P, T, F> Loop for Runner<P, T, F>
where
    P: Process + Send + 'static,
    T: ProcessTables,
    F: Feed + 'static,
{
    const NAME: &'static str = P::NAME;
    type Error = RunnerError;

    async fn step(&mut self) -> Result<Progress, RunnerError> {
        let Some(epoch) = *self.leading.borrow_and_update() else {
            self.place = None;
            return Ok(Progress::Idle);
        };
        let outcome = self.advance(epoch).await;
        self.alarm.hear(&outcome);
        outcome
    }
}

impl<S> Default for Batch<S> {
    fn default() -> Self {
        Self {
            states: BTreeMap::new(),
            effects: Vec::new(),
            timers: BTreeMap::new(),
        }
    }
}

impl<S: serde::Serialize> Batch<S> {
    fn is_empty(&self) -> bool {
        self.states.is_empty() && self.effects.is_empty() && self.timers.is_empty()
    }

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

    /// The batch as it is stored.
    fn written<P: Process<State = S>>(&self) -> Result<Written, serde_json::Error> {
        let mut written = Written::default();
        for (instance, state) in &self.states {
            written.states.push(StateRow {
                instance: *instance,
                state: serde_json::to_string(state)?,
                over: P::is_over(state),
            });
        }
        for wanted in &self.effects {
            written.effects.push(wanted.written()?);
        }
        for ((instance, name), timer) in &self.timers {
            match timer {
                None => written.cancelled.push((*instance, name.clone())),
                Some(timer) => written.timers.push(NewTimer {
                    name: name.clone(),
                    due_at: timer.at,
                    fires: timer.fires.written()?,
                }),
            }
        }
        Ok(written)
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
