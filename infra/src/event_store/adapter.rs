//! Every decider as a `cqrs_es::Aggregate`, and our store as a `cqrs_es::EventStore`, so that
//! cqrs-es's framework and test tools apply. The hot path does not come through here: cqrs-es
//! converts events through `Value`.

use std::collections::HashMap;
use std::marker::PhantomData;

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, AggregateContext, AggregateError, DomainEvent, EventEnvelope};
use domain::decider::{Context, Decider, Event};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sqlx::PgPool;
use uuid::Uuid;

use super::load::kind_of;
use super::{Append, AppendError, EventStore, NewEvent, StreamAppend, StreamId};

/// An event as cqrs-es wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored<E>(pub E);

impl<E: Serialize> Serialize for Stored<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, E: DeserializeOwned> Deserialize<'de> for Stored<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        E::deserialize(deserializer).map(Self)
    }
}

impl<E: Event> DomainEvent for Stored<E> {
    fn event_type(&self) -> String {
        self.0.name().to_owned()
    }

    fn event_version(&self) -> String {
        self.0.version().to_owned()
    }
}

/// A decider's state as cqrs-es wants it.
#[derive(Clone, Debug, Default)]
pub struct Folded<A>(pub A);

impl<A: Serialize> Serialize for Folded<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, A: DeserializeOwned> Deserialize<'de> for Folded<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        A::deserialize(deserializer).map(Self)
    }
}

impl<A: Decider> Aggregate for Folded<A> {
    type Command = A::Command;
    type Error = A::Rejection;
    type Event = Stored<A::Event>;
    type Services = Context;

    const TYPE: &'static str = A::KIND;

    async fn handle(
        &mut self,
        command: Self::Command,
        context: &Context,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        for event in self.0.decide(command, context)? {
            sink.write(Stored(event), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        self.0.evolve(&event.0);
    }
}

/// What can go wrong between cqrs-es and our store, beside its own errors.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// cqrs-es names aggregates by text; ours are UUIDs.
    #[error("{0:?} is not an aggregate id")]
    Id(String),
    /// The append was not stored, or nobody knows.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// Our store behind cqrs-es's trait, for one kind of aggregate.
pub struct CqrsEventStore<A> {
    store: EventStore,
    pool: PgPool,
    context: Context,
    aggregate: PhantomData<fn() -> A>,
}

impl<A> CqrsEventStore<A> {
    /// A view of `store` that reads whole streams by `pool` and takes time and ids from `context`.
    pub fn new(store: EventStore, pool: PgPool, context: Context) -> Self {
        Self {
            store,
            pool,
            context,
            aggregate: PhantomData,
        }
    }
}

/// An aggregate on its way through cqrs-es.
pub struct FoldedContext<A> {
    stream: StreamId,
    version: i64,
    state: Folded<A>,
}

impl<A: Decider> AggregateContext<Folded<A>> for FoldedContext<A> {
    fn aggregate(&mut self) -> &mut Folded<A> {
        &mut self.state
    }
}

fn stream_of<A: Decider>(id: &str) -> Result<StreamId, AdapterError> {
    let id = Uuid::parse_str(id).map_err(|_| AdapterError::Id(id.to_owned()))?;
    Ok(StreamId {
        kind: kind_of::<A>(),
        id,
    })
}

fn unexpected<E: std::error::Error, S>(error: S) -> AggregateError<E>
where
    S: std::error::Error + Send + Sync + 'static,
{
    AggregateError::UnexpectedError(Box::new(error))
}

impl<A: Decider> cqrs_es::EventStore<Folded<A>> for CqrsEventStore<A> {
    type AC = FoldedContext<A>;

    async fn load_events(
        &self,
        id: &str,
    ) -> Result<Vec<EventEnvelope<Folded<A>>>, AggregateError<A::Rejection>> {
        let stream = stream_of::<A>(id).map_err(unexpected)?;
        // All that is committed, numbered or not: this is the write side's view.
        let rows = sqlx::query!(
            r#"SELECT sequence, payload::text AS "payload!", metadata::text AS "metadata!"
               FROM es.events WHERE aggregate_type = $1 AND aggregate_id = $2
               ORDER BY sequence"#,
            stream.kind.as_str(),
            stream.id.to_string()
        )
        .fetch_all(&self.pool)
        .await
        .map_err(unexpected)?;
        rows.into_iter()
            .map(|row| {
                Ok(EventEnvelope {
                    aggregate_id: id.to_owned(),
                    sequence: usize::try_from(row.sequence).unwrap_or(usize::MAX),
                    payload: serde_json::from_str(&row.payload).map_err(unexpected)?,
                    metadata: serde_json::from_str(&row.metadata).map_err(unexpected)?,
                })
            })
            .collect()
    }

    async fn load_aggregate(&self, id: &str) -> Result<Self::AC, AggregateError<A::Rejection>> {
        let stream = stream_of::<A>(id).map_err(unexpected)?;
        let loaded = self.store.load::<A>(stream.id).await.map_err(unexpected)?;
        Ok(FoldedContext {
            stream,
            version: loaded.version,
            state: Folded(A::clone(&loaded.state)),
        })
    }

    async fn commit(
        &self,
        events: Vec<Stored<A::Event>>,
        context: Self::AC,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<Folded<A>>>, AggregateError<A::Rejection>> {
        let text = serde_json::to_string(&metadata).map_err(unexpected)?;
        let rows: Result<Vec<NewEvent>, _> = events
            .iter()
            .map(|event| {
                Ok(NewEvent {
                    event_id: self.context.fresh_id(),
                    event_type: event.event_type(),
                    event_version: event.event_version(),
                    payload: serde_json::to_string(event)?,
                    metadata: text.clone(),
                })
            })
            .collect();
        let part = StreamAppend {
            stream: context.stream,
            expected_version: context.version,
            events: rows.map_err(|error: serde_json::Error| unexpected(error))?,
        };
        let append = Append {
            streams: vec![part],
            record: None,
            recorded_at: self.context.now,
        };
        match self.store.append(append).await {
            Ok(()) => {}
            Err(AppendError::Conflict) => return Err(AggregateError::AggregateConflict),
            Err(error) => return Err(unexpected(AdapterError::from(error))),
        }
        self.store.forget(&[context.stream]);
        let first = usize::try_from(context.version).unwrap_or(0) + 1;
        Ok((first..)
            .zip(events)
            .map(|(sequence, payload)| EventEnvelope {
                aggregate_id: context.stream.id.to_string(),
                sequence,
                payload,
                metadata: metadata.clone(),
            })
            .collect())
    }
}
