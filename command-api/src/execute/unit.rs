//! What a piece of work reads and writes under one commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::aggregates::Kind;
use domain::decider::{Context, Decider, Event as _};
use infra::event_store::{EventStore, Loaded, NewEvent, StreamAppend, StreamId};
use uuid::Uuid;

use super::error::{ExecuteError, Refusal};
use crate::metadata::Origin;

/// What an order says that stays somewhere for too long.
const STALLED: &str = "stalled";

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

/// Puts the new state of a stream into the store's cache, once it is committed.
pub(super) type Keep = Box<dyn FnOnce(&EventStore) + Send + Sync>;

struct Touched {
    version: i64,
    events: Vec<NewEvent>,
    /// The stage that the events lead to, when they change it.
    reached: Option<&'static str>,
    /// The stage at which it is said to stay for too long.
    stalled: Option<&'static str>,
    keep: Option<Keep>,
}

impl Touched {
    fn at(version: i64) -> Self {
        Self {
            version,
            events: Vec::new(),
            reached: None,
            stalled: None,
            keep: None,
        }
    }

    fn version_after(&self) -> i64 {
        self.version + count(&self.events)
    }
}

fn count<T>(things: &[T]) -> i64 {
    i64::try_from(things.len()).unwrap_or(i64::MAX)
}

impl<'a> Unit<'a> {
    /// A unit that has read nothing.
    pub(super) fn new(store: &'a EventStore, origin: &'a Origin, context: Context) -> Self {
        Self {
            context,
            store,
            origin,
            journey: None,
            touched: BTreeMap::new(),
        }
    }

    /// The aggregate `id`. The version read is asserted when the unit commits.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load<A: Decider>(&mut self, id: Uuid) -> Result<Loaded<A>, ExecuteError> {
        let loaded = self.store.load::<A>(id).await?;
        self.touched
            .entry(loaded.stream)
            .or_insert(Touched::at(loaded.version));
        Ok(loaded)
    }

    /// The aggregate `id` as it was last seen. The commit does not assert its version: what is decided must not
    /// hang on what of it can change.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn peek<A: Decider>(&self, id: Uuid) -> Result<Loaded<A>, ExecuteError> {
        Ok(self.store.load::<A>(id).await?)
    }

    /// Brings those of `streams` that are not remembered with one query, for the loads that follow.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn prefetch(&self, streams: &[StreamId]) -> Result<(), ExecuteError> {
        Ok(self.store.prefetch(streams).await?)
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
        let reached = Some(state.stage()).filter(|stage| *stage != loaded.state.stage());
        let facets = state.facets(loaded.stream.id);
        let metadata = self.origin.metadata(&facets, self.journey);
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
        let after = Loaded {
            stream: loaded.stream,
            version: loaded.version + count(&rows),
            state: Arc::new(state),
        };
        let touched = self
            .touched
            .entry(loaded.stream)
            .or_insert(Touched::at(loaded.version));
        touched.events.extend(rows);
        touched.reached = reached.map(Into::into).or(touched.reached);
        if events.iter().any(|event| event.name() == STALLED) {
            touched.stalled = Some(loaded.state.stage().into());
        }
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

    /// Whether anything is to be committed.
    pub(super) fn writes(&self) -> bool {
        self.touched
            .values()
            .any(|touched| !touched.events.is_empty())
    }

    /// Every stream that was read or written, with the version it was read at.
    pub(super) fn versions(&self) -> Vec<(StreamId, i64)> {
        self.touched
            .iter()
            .map(|(stream, touched)| (*stream, touched.version))
            .collect()
    }

    /// The version that `stream` has once the unit is committed.
    pub(super) fn version_after(&self, stream: StreamId) -> i64 {
        self.touched.get(&stream).map_or(0, Touched::version_after)
    }

    /// The same with the versions that they have once the unit is committed.
    pub(super) fn versions_after(&self) -> Vec<(StreamId, i64)> {
        self.touched
            .iter()
            .map(|(stream, touched)| (*stream, touched.version_after()))
            .collect()
    }

    /// The streams that the commit adds to, with the versions they then have.
    pub(super) fn written(&self) -> Vec<(StreamId, i64)> {
        self.touched
            .iter()
            .filter(|(_, touched)| !touched.events.is_empty())
            .map(|(stream, touched)| (*stream, touched.version_after()))
            .collect()
    }

    /// The stages that orders come to by it.
    pub(super) fn orders_reached(&self) -> Vec<&'static str> {
        let orders = self.touched.iter();
        let orders = orders.filter(|(stream, _)| stream.kind == Kind::Order);
        orders.filter_map(|(_, order)| order.reached).collect()
    }

    /// The stages at which orders are said to stay for too long.
    pub(super) fn orders_stalled(&self) -> Vec<&'static str> {
        let orders = self.touched.iter();
        let orders = orders.filter(|(stream, _)| stream.kind == Kind::Order);
        orders.filter_map(|(_, order)| order.stalled).collect()
    }

    /// What is to be appended, and what is then to be kept.
    pub(super) fn into_parts(self) -> (Vec<StreamAppend>, Vec<Keep>) {
        let (mut streams, mut keeps) = (Vec::new(), Vec::new());
        for (stream, touched) in self.touched {
            streams.push(StreamAppend {
                stream,
                expected_version: touched.version,
                events: touched.events,
            });
            keeps.extend(touched.keep);
        }
        (streams, keeps)
    }
}
