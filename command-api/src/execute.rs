//! The one way to execute a command: load, decide, commit with the idempotency record, try again on
//! a conflict, repeat the stored answer when the key was used before.
//!
//! A piece of [`Work`] says what is decided; everything that makes it safe to repeat is here.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use domain::aggregates::Kind;
use domain::decider::{Class, Context, Decider, Event as _, Fault, Rejection};
use infra::clock::Clock;
use infra::event_store::{
    Append, AppendError, CommandRecord, EventStore, Loaded, NewEvent, StoreError, StreamAppend,
    StreamId,
};
use infra::fault;
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::error::stored_refusal;
use crate::metadata::Origin;

/// Attempts at a command whose streams keep moving (architecture §3).
const ATTEMPTS_MAX: u32 = 3;
/// Longest pause before another attempt; the pause is drawn from zero up to it.
const CONFLICT_PAUSE_MAX: Duration = Duration::from_millis(20);
/// Locks that streams share by hash: enough that two busy shops rarely meet.
const STREAM_LOCKS: usize = 1_024;

/// Where a request's answer is kept, when it carries an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// SHA-256 over principal, method, route and key.
    pub hash: [u8; 32],
    /// SHA-256 over path parameters and body in sorted-key form.
    pub fingerprint: [u8; 32],
}

/// What a piece of work answers when it is committed.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// JSON body; `Null` is an empty one.
    pub body: Value,
    /// The stream whose new version is the `ETag`.
    pub etag: Option<StreamId>,
    /// Other headers, such as `Location`.
    pub headers: Vec<(String, String)>,
}

impl Reply {
    /// 200 with `body`.
    pub fn ok(body: Value) -> Self {
        Self {
            status: 200,
            body,
            ..Self::default()
        }
    }

    /// 201 with `body`, at `location`.
    pub fn created(body: Value, location: String) -> Self {
        let headers = vec![("location".to_owned(), location)];
        Self {
            status: 201,
            body,
            headers,
            ..Self::default()
        }
    }

    /// 204.
    pub fn done() -> Self {
        Self {
            status: 204,
            ..Self::default()
        }
    }

    /// The same with the version of `stream` as `ETag`.
    #[must_use]
    pub fn tagged(self, stream: StreamId) -> Self {
        Self {
            etag: Some(stream),
            ..self
        }
    }
}

/// The business says no.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Decides the HTTP status.
    pub class: Class,
    /// Stable code.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
    /// Every fault, with its place in the request.
    pub faults: Vec<Fault>,
    /// Further members of the problem, such as the quote that is true now.
    pub extra: serde_json::Map<String, Value>,
}

impl Refusal {
    /// The same with one more member in the problem.
    #[must_use]
    pub fn with(mut self, member: &str, value: Value) -> Self {
        self.extra.insert(member.to_owned(), value);
        self
    }
}

impl<R: Rejection> From<&R> for Refusal {
    fn from(rejection: &R) -> Self {
        Self {
            class: rejection.class(),
            code: rejection.code().to_owned(),
            detail: rejection.to_string(),
            faults: rejection.faults(),
            extra: serde_json::Map::new(),
        }
    }
}

/// Why a command came to no commit.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The business says no. Stored under the key, so that a repeat hears the same.
    #[error("refused: {}", .0.code)]
    Refused(Box<Refusal>),
    /// The thing does not exist, or not for this caller. Nothing is decided, so nothing is stored,
    /// and an answer from when the caller still had access is not repeated.
    #[error("there is nothing here for this caller")]
    NotTheirs,
    /// `If-Match` names another version than there is.
    #[error("the resource is at version {current}")]
    Moved {
        /// The version there is.
        current: i64,
    },
    /// The streams kept moving for all attempts.
    #[error("other changes came first, {ATTEMPTS_MAX} times")]
    Conflict,
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The append was not stored, or nobody knows.
    #[error(transparent)]
    Append(AppendError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something else that the work needs is out of order; worth another try.
    #[error("{0}")]
    Unavailable(String),
}

impl From<Refusal> for ExecuteError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

/// What a request hears, now or again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers that belong to the stored answer.
    pub headers: BTreeMap<String, String>,
    /// Body, byte for byte.
    pub body: String,
    /// Whether it was decided by an earlier request.
    pub replayed: bool,
}

/// A decision over loaded aggregates. It may be run more than once and must not act on the world.
pub trait Work: Sync {
    /// Loads what it needs through `unit`, decides, and writes through `unit`.
    fn run(&self, unit: &mut Unit<'_>) -> impl Future<Output = Result<Reply, ExecuteError>> + Send;

    /// A busy stream that every such command writes: commands of this process queue for it instead
    /// of running into each other's versions.
    fn queue_for(&self) -> Option<StreamId> {
        None
    }

    /// The streams it will load, so that the cold ones cost one query together.
    fn streams(&self) -> Vec<StreamId> {
        Vec::new()
    }
}

/// What is read and written under one commit.
pub struct Unit<'a> {
    /// Time and fresh ids of this attempt.
    pub context: Context,
    store: &'a EventStore,
    origin: &'a Origin,
    /// What the events belong together by, when the origin does not say.
    journey: Option<Uuid>,
    touched: BTreeMap<StreamId, Touched>,
}

type Keep = Box<dyn FnOnce(&EventStore) + Send + Sync>;

struct Touched {
    version: i64,
    events: Vec<NewEvent>,
    keep: Option<Keep>,
}

impl Unit<'_> {
    /// The aggregate `id`. The version read is asserted when the unit commits.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load<A: Decider>(&mut self, id: Uuid) -> Result<Loaded<A>, ExecuteError> {
        let loaded = self.store.load::<A>(id).await?;
        self.touched.entry(loaded.stream).or_insert(Touched {
            version: loaded.version,
            events: Vec::new(),
            keep: None,
        });
        Ok(loaded)
    }

    /// An aggregate that does not exist yet, under a fresh id: nothing is read, and the commit
    /// asserts that there is no such stream.
    ///
    /// # Panics
    /// When `A` is missing in the list of aggregates.
    pub fn create<A: Decider>(&self, id: Uuid) -> Loaded<A> {
        let kind = Kind::parse(A::KIND).expect("every decider stands in the aggregates! list");
        Loaded {
            stream: StreamId { kind, id },
            version: 0,
            state: Arc::default(),
        }
    }

    /// Says which journey the events belong to: the order's id, or the cart's before there is one.
    pub fn belongs_to(&mut self, journey: impl Into<Uuid>) {
        self.journey = Some(journey.into());
    }

    /// Decides `command` on what was loaded and writes the events. Gives the state afterwards.
    ///
    /// # Errors
    /// `Refused` when the aggregate says no.
    pub fn decide<A: Decider>(
        &mut self,
        loaded: &Loaded<A>,
        command: A::Command,
    ) -> Result<Loaded<A>, ExecuteError> {
        let events = loaded
            .state
            .decide(command, &self.context)
            .map_err(|rejection| Refusal::from(&rejection))?;
        self.write(loaded, &events)
    }

    /// Writes events that a joint decision has made. Gives the state afterwards.
    ///
    /// # Errors
    /// When an event does not serialise, which no event of ours does.
    pub fn write<A: Decider>(
        &mut self,
        loaded: &Loaded<A>,
        events: &[A::Event],
    ) -> Result<Loaded<A>, ExecuteError> {
        if events.is_empty() {
            return Ok(loaded.clone());
        }
        let mut state = A::clone(&loaded.state);
        for event in events {
            state.evolve(event);
        }
        let metadata = self
            .origin
            .metadata(&state.facets(loaded.stream.id), self.journey);
        let mut rows = Vec::with_capacity(events.len());
        for event in events {
            let payload = serde_json::to_string(event)
                .map_err(|error| ExecuteError::Unavailable(error.to_string()))?;
            rows.push(NewEvent {
                event_id: self.context.fresh_id(),
                event_type: event.name().to_owned(),
                event_version: event.version().to_owned(),
                payload,
                metadata: metadata.clone(),
            });
        }
        let added = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let after = Loaded {
            stream: loaded.stream,
            version: loaded.version + added,
            state: Arc::new(state),
        };
        let touched = self.touched.entry(loaded.stream).or_insert(Touched {
            version: loaded.version,
            events: Vec::new(),
            keep: None,
        });
        touched.events.extend(rows);
        let (kept, before) = (after.clone(), touched.version);
        touched.keep = Some(Box::new(move |store| {
            store.keep(kept.stream, before, kept.version, kept.state);
        }));
        Ok(after)
    }

    /// Refuses when `If-Match` names another version than the one loaded.
    ///
    /// # Errors
    /// `Moved` with the version there is.
    pub fn expect_version<A>(
        &self,
        loaded: &Loaded<A>,
        expected: Option<i64>,
    ) -> Result<(), ExecuteError> {
        match expected {
            Some(version) if version != loaded.version => Err(ExecuteError::Moved {
                current: loaded.version,
            }),
            Some(_) | None => Ok(()),
        }
    }

    fn writes(&self) -> bool {
        self.touched
            .values()
            .any(|touched| !touched.events.is_empty())
    }

    fn versions(&self) -> Vec<(StreamId, i64)> {
        self.touched
            .iter()
            .map(|(stream, touched)| (*stream, touched.version))
            .collect()
    }

    /// The version that `stream` has once the unit is committed.
    fn version_after(&self, stream: StreamId) -> i64 {
        self.touched.get(&stream).map_or(0, |touched| {
            touched.version + i64::try_from(touched.events.len()).unwrap_or(i64::MAX)
        })
    }

    fn written(&self) -> Vec<(StreamId, i64)> {
        self.touched
            .iter()
            .filter(|(_, touched)| !touched.events.is_empty())
            .map(|(stream, _)| (*stream, self.version_after(*stream)))
            .collect()
    }
}

/// Executes pieces of work. Cheap to clone.
#[derive(Clone)]
pub struct Executor {
    store: EventStore,
    clock: Clock,
    locks: Arc<[Mutex<()>]>,
}

impl Executor {
    /// An executor over `store`.
    pub fn new(store: EventStore, clock: Clock) -> Self {
        let locks = (0..STREAM_LOCKS).map(|_| Mutex::new(())).collect();
        Self {
            store,
            clock,
            locks,
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
        if self
            .store
            .still_at(&[(loaded.stream, loaded.version)])
            .await?
        {
            return Ok(loaded);
        }
        self.store.forget(&[loaded.stream]);
        self.store.load::<A>(id).await
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
        let _queued = self.queue(work.queue_for()).await;
        for attempt in 0..ATTEMPTS_MAX {
            if attempt > 0 {
                tokio::time::sleep(self.clock.jitter(CONFLICT_PAUSE_MAX)).await;
            }
            self.store.prefetch(&work.streams()).await?;
            let mut unit = Unit {
                context: self.clock.context(),
                store: &self.store,
                origin,
                journey: None,
                touched: BTreeMap::new(),
            };
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
                let answer = answer_of(&unit, reply);
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
        let fresh = self.store.still_at(&versions).await?;
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
        let answer = answer_of(&unit, reply);
        let versions = unit.versions();
        let recorded_at = unit.context.now;
        let (mut streams, mut keeps) = (Vec::new(), Vec::new());
        for (stream, touched) in unit.touched {
            streams.push(StreamAppend {
                stream,
                expected_version: touched.version,
                events: touched.events,
            });
            keeps.extend(touched.keep);
        }
        let record = key.map(|key| record_of(key, &answer, recorded_at));
        match self
            .store
            .append(Append {
                streams,
                record,
                recorded_at,
            })
            .await
        {
            Ok(()) => {
                for keep in keeps {
                    keep(&self.store);
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
        let record = Some(record_of(used, answer, recorded_at));
        match self
            .store
            .append(Append {
                streams: Vec::new(),
                record,
                recorded_at,
            })
            .await
        {
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
        Ok(Some(Answer {
            status: record.status,
            headers: serde_json::from_str(&record.headers).unwrap_or_default(),
            body: record.body,
            replayed: true,
        }))
    }

    fn forget(&self, versions: &[(StreamId, i64)]) {
        let streams: Vec<StreamId> = versions.iter().map(|(stream, _)| *stream).collect();
        self.store.forget(&streams);
    }

    async fn queue(&self, stream: Option<StreamId>) -> Option<MutexGuard<'_, ()>> {
        let stream = stream?;
        let (high, low) = stream.id.as_u64_pair();
        let place = usize::try_from((high ^ low) % STREAM_LOCKS as u64).unwrap_or(0);
        Some(self.locks.get(place)?.lock().await)
    }
}

enum Conclusion {
    Answered(Answer),
    Refused(Box<Refusal>),
    Again,
}

/// One command on one aggregate, for those whom `allow` lets.
pub struct Single<A: Decider, F> {
    /// The aggregate's id.
    pub id: Uuid,
    /// The command.
    pub command: A::Command,
    /// `If-Match`.
    pub expected: Option<i64>,
    /// Whether the caller may touch this aggregate; a stranger is told that it does not exist.
    pub allow: F,
    /// What is answered.
    pub reply: Reply,
}

impl<A, F> Work for Single<A, F>
where
    A: Decider,
    F: Fn(&A) -> bool + Sync,
{
    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let loaded = unit.load::<A>(self.id).await?;
        if !(self.allow)(&loaded.state) {
            return Err(ExecuteError::NotTheirs);
        }
        unit.expect_version(&loaded, self.expected)?;
        unit.decide(&loaded, self.command.clone())?;
        Ok(self.reply.clone().tagged(loaded.stream))
    }

    fn queue_for(&self) -> Option<StreamId> {
        stock_queue::<A>(self.id)
    }
}

/// The stream to queue for when `A` is the stock of a shop, which every order of the shop writes.
pub(crate) fn stock_queue<A: Decider>(id: Uuid) -> Option<StreamId> {
    (A::KIND == Kind::Inventory.as_str()).then_some(StreamId {
        kind: Kind::Inventory,
        id,
    })
}

fn answer_of(unit: &Unit<'_>, reply: Reply) -> Answer {
    let mut headers: BTreeMap<String, String> = reply.headers.into_iter().collect();
    if let Some(stream) = reply.etag {
        headers.insert(
            "etag".to_owned(),
            format!("\"{}\"", unit.version_after(stream)),
        );
    }
    let written = unit.written();
    if !written.is_empty() {
        let token = infra::http::consistency::encode(&written);
        headers.insert("x-consistency-token".to_owned(), token);
    }
    let body = if reply.body.is_null() {
        String::new()
    } else {
        reply.body.to_string()
    };
    if !body.is_empty() {
        headers.insert("content-type".to_owned(), "application/json".to_owned());
    }
    Answer {
        status: reply.status,
        headers,
        body,
        replayed: false,
    }
}

fn record_of(
    key: &Key,
    answer: &Answer,
    created_at: chrono::DateTime<chrono::Utc>,
) -> CommandRecord {
    CommandRecord {
        key_hash: key.hash,
        fingerprint: key.fingerprint,
        status: answer.status,
        headers: serde_json::to_string(&answer.headers).unwrap_or_else(|_| "{}".to_owned()),
        body: answer.body.clone(),
        created_at,
    }
}
