//! The one way to execute a command: load, decide, commit with the idempotency record, try again on
//! a conflict, repeat the stored answer when the key was used before.
//!
//! A piece of [`Work`] says what is decided; everything that makes it safe to repeat is here.

mod answer;
mod error;
mod lately;
mod unit;
mod work;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::decider::Decider;
use infra::clock::Clock;
use infra::event_store::{Append, AppendError, EventStore, Loaded, StoreError, StreamId};
use infra::fault;
use tokio::sync::{Mutex, MutexGuard};
use tracing::Instrument as _;
use tracing::field::Empty;
use uuid::Uuid;

pub use answer::{Answer, Key, Reply};
pub use error::{ExecuteError, Refusal};
pub use unit::Unit;
pub use work::{Single, Work};
pub(crate) use work::{busy_stream, name_of};

use crate::error::stored_refusal;
use crate::metadata::Origin;
use lately::Lately;

/// Attempts at a command whose streams keep moving (architecture §3).
const ATTEMPTS_MAX: u32 = 3;
/// Longest pause before another attempt; the pause is drawn from zero up to it.
const CONFLICT_PAUSE_MAX: Duration = Duration::from_millis(20);
/// Locks that streams share by hash: enough that two busy shops rarely meet.
const STREAM_LOCKS: usize = 1_024;

/// Executes pieces of work. Cheap to clone.
#[derive(Clone)]
pub struct Executor {
    store: EventStore,
    clock: Clock,
    locks: Arc<[Mutex<()>]>,
    lately: Lately,
}

impl Executor {
    /// An executor over `store`.
    pub fn new(store: EventStore, clock: Clock) -> Self {
        let locks = (0..STREAM_LOCKS).map(|_| Mutex::new(())).collect();
        Self {
            store,
            clock,
            locks,
            lately: Lately::new(lately::COUNTS_FOR),
        }
    }

    /// The store behind it.
    pub fn store(&self) -> &EventStore {
        &self.store
    }

    /// The aggregate `id` as the database has it: what is cached serves only when no other process
    /// has added to it. For answers that no commit checks.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn current<A: Decider>(&self, id: Uuid) -> Result<Loaded<A>, StoreError> {
        let loaded = self.store.load::<A>(id).await?;
        let is_fresh = self.still_at(&[(loaded.stream, loaded.version)]).await?;
        self.or_anew(loaded, is_fresh).await
    }

    /// The aggregate `id` as the database has it, or had it a quarter of a second ago; this process's
    /// own commits show at once. For answers that promise nothing.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn lately<A: Decider>(&self, id: Uuid) -> Result<Loaded<A>, StoreError> {
        let loaded = self.store.load::<A>(id).await?;
        let is_fresh = self.lately_at(&[(loaded.stream, loaded.version)]).await?;
        self.or_anew(loaded, is_fresh).await
    }

    async fn or_anew<A: Decider>(
        &self,
        loaded: Loaded<A>,
        is_fresh: bool,
    ) -> Result<Loaded<A>, StoreError> {
        if is_fresh {
            return Ok(loaded);
        }
        self.store.forget(&[loaded.stream]);
        self.store.load::<A>(loaded.stream.id).await
    }

    /// Whether every stream is at its version, or was a quarter of a second ago: as
    /// [`lately`](Self::lately).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn lately_at(&self, versions: &[(StreamId, i64)]) -> Result<bool, StoreError> {
        if self.lately.knows(versions) {
            return Ok(true);
        }
        self.still_at(versions).await
    }

    async fn still_at(&self, versions: &[(StreamId, i64)]) -> Result<bool, StoreError> {
        let asked = self.clock.stopwatch();
        let is_fresh = self.store.still_at(versions).await?;
        if is_fresh {
            self.lately.heard(versions, asked);
        }
        Ok(is_fresh)
    }

    /// Runs `work` until it is committed or refused. With a `key`, at most once for all requests
    /// that carry it.
    ///
    /// # Errors
    /// As [`ExecuteError`] says. A refusal under a key is an answer, not an error, once it is
    /// stored: it comes back as [`ExecuteError::Refused`] the first time and as an [`Answer`] with
    /// its 4xx status when repeated.
    pub async fn execute(
        &self,
        origin: &Origin,
        key: Option<&Key>,
        work: &impl Work,
    ) -> Result<Answer, ExecuteError> {
        let (name, watch) = (work.name(), self.clock.stopwatch());
        let span = tracing::debug_span!(
            "command",
            otel.name = %format_args!("command.{name}"),
            otel.status_code = Empty,
            outcome = Empty,
        );
        let executed = self.attempts(origin, key, work).instrument(span.clone());
        let executed = executed.await;
        let outcome = match &executed {
            Ok(answer) if answer.replayed => "replayed",
            Ok(_) => "done",
            Err(error) => error.outcome(),
        };
        span.record("outcome", outcome);
        if executed.as_ref().is_err_and(ExecuteError::is_ours) {
            span.record("otel.status_code", "error");
        }
        metrics::histogram!("ramen_command_seconds").record(watch.seconds());
        metrics::counter!("ramen_commands_total", "command" => name, "outcome" => outcome)
            .increment(1);
        executed
    }

    async fn attempts(
        &self,
        origin: &Origin,
        key: Option<&Key>,
        work: &impl Work,
    ) -> Result<Answer, ExecuteError> {
        fault::point("cmd.parsed");
        let _queued = self.queue(work.queue_for()).await;
        for attempt in 0..ATTEMPTS_MAX {
            if attempt > 0 {
                tokio::time::sleep(self.clock.jitter(CONFLICT_PAUSE_MAX)).await;
            }
            self.store.prefetch(&work.streams()).await?;
            let mut unit = Unit::new(&self.store, origin, self.clock.context());
            fault::point("cmd.loaded");
            let decided = work.run(&mut unit).await;
            fault::point("cmd.decided");
            match self.conclude(origin, key, unit, decided).await? {
                Conclusion::Answered(answer) => return Ok(answer),
                Conclusion::Refused(refusal) => return Err(ExecuteError::Refused(refusal)),
                Conclusion::Again => {}
            }
        }
        Err(ExecuteError::Conflict)
    }

    async fn conclude(
        &self,
        origin: &Origin,
        key: Option<&Key>,
        unit: Unit<'_>,
        decided: Result<Reply, ExecuteError>,
    ) -> Result<Conclusion, ExecuteError> {
        match decided {
            Ok(reply) if unit.writes() => self.commit(key, unit, reply).await,
            Ok(reply) => {
                if let Some(other) = self.vouch(key, &unit).await? {
                    return Ok(other);
                }
                let answer = Answer::of(&unit, reply);
                let earlier = self.remember(key, &unit, &answer).await?;
                Ok(Conclusion::Answered(earlier.unwrap_or(answer)))
            }
            Err(ExecuteError::Refused(refusal)) => {
                if let Some(other) = self.vouch(key, &unit).await? {
                    return Ok(other);
                }
                let answer = stored_refusal(&refusal, origin);
                Ok(match self.remember(key, &unit, &answer).await? {
                    Some(earlier) => Conclusion::Answered(earlier),
                    None => Conclusion::Refused(refusal),
                })
            }
            Err(error @ ExecuteError::NotTheirs) => {
                if self.is_fresh(&unit).await? {
                    Err(error)
                } else {
                    Ok(Conclusion::Again)
                }
            }
            Err(error @ ExecuteError::Moved { .. }) => match self.vouch(key, &unit).await? {
                Some(other) => Ok(other),
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Before a decision that writes nothing is answered: were the states fresh, and is there no
    /// answer already? Something else than `None` is to be concluded instead.
    async fn vouch(
        &self,
        key: Option<&Key>,
        unit: &Unit<'_>,
    ) -> Result<Option<Conclusion>, ExecuteError> {
        if let Some(answer) = self.replay(key).await? {
            return Ok(Some(Conclusion::Answered(answer)));
        }
        Ok((!self.is_fresh(unit).await?).then_some(Conclusion::Again))
    }

    /// Whether a decision came from the states that the database has. Forgets those that moved.
    async fn is_fresh(&self, unit: &Unit<'_>) -> Result<bool, ExecuteError> {
        let versions = unit.versions();
        let fresh = self.still_at(&versions).await?;
        if !fresh {
            self.forget(&versions);
        }
        Ok(fresh)
    }

    async fn commit(
        &self,
        key: Option<&Key>,
        unit: Unit<'_>,
        reply: Reply,
    ) -> Result<Conclusion, ExecuteError> {
        let answer = Answer::of(&unit, reply);
        let (versions, after) = (unit.versions(), unit.versions_after());
        let recorded_at = unit.context.now;
        let (orders, stalled) = (unit.orders_reached(), unit.orders_stalled());
        let (streams, keeps) = unit.into_parts();
        let append = Append {
            streams,
            record: key.map(|key| answer.record(key, recorded_at)),
            recorded_at,
        };
        let sent = self.clock.stopwatch();
        match self.store.append(append).await {
            Ok(()) => {
                self.lately.heard(&after, sent);
                for keep in keeps {
                    keep(&self.store);
                }
                for state in orders {
                    metrics::counter!("ramen_orders_total", "state" => state).increment(1);
                }
                for state in stalled {
                    metrics::counter!("ramen_orders_stalled_total", "state" => state).increment(1);
                }
                Ok(Conclusion::Answered(answer))
            }
            Err(AppendError::Conflict | AppendError::KeyUsed) => {
                self.forget(&versions);
                Ok(self
                    .replay(key)
                    .await?
                    .map_or(Conclusion::Again, Conclusion::Answered))
            }
            Err(error) => Err(ExecuteError::Append(error)),
        }
    }

    /// Stores an answer that came without events, so that a repeat hears the same. When another
    /// request with the key came first, gives what that one was answered.
    async fn remember(
        &self,
        key: Option<&Key>,
        unit: &Unit<'_>,
        answer: &Answer,
    ) -> Result<Option<Answer>, ExecuteError> {
        let Some(used) = key else { return Ok(None) };
        let recorded_at = unit.context.now;
        let append = Append {
            streams: Vec::new(),
            record: Some(answer.record(used, recorded_at)),
            recorded_at,
        };
        match self.store.append(append).await {
            Ok(()) => Ok(None),
            Err(AppendError::KeyUsed) => self.replay(key).await,
            Err(error) => Err(ExecuteError::Append(error)),
        }
    }

    async fn replay(&self, key: Option<&Key>) -> Result<Option<Answer>, ExecuteError> {
        let Some(key) = key else { return Ok(None) };
        let Some(record) = self.store.command_record(&key.hash).await? else {
            return Ok(None);
        };
        if record.fingerprint != key.fingerprint {
            return Err(ExecuteError::KeyReused);
        }
        Ok(Some(Answer::again(record)))
    }

    fn forget(&self, versions: &[(StreamId, i64)]) {
        let streams: Vec<StreamId> = versions.iter().map(|(stream, _)| *stream).collect();
        self.store.forget(&streams);
    }

    /// Waits for the streams' places in one order for all, so that no two wait for each other.
    async fn queue(&self, streams: Vec<StreamId>) -> Vec<MutexGuard<'_, ()>> {
        let places: BTreeSet<usize> = streams.iter().map(|stream| place_of(stream.id)).collect();
        let mut held = Vec::with_capacity(places.len());
        for lock in places.into_iter().filter_map(|place| self.locks.get(place)) {
            held.push(lock.lock().await);
        }
        held
    }
}

fn place_of(stream: Uuid) -> usize {
    let (high, low) = stream.as_u64_pair();
    usize::try_from((high ^ low) % STREAM_LOCKS as u64).unwrap_or(0)
}

/// How an attempt ended.
enum Conclusion {
    Answered(Answer),
    Refused(Box<Refusal>),
    Again,
}
