//! Our event store, as the command API uses it: cached states, one appender, a record per command.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::aggregates::Kind;
use domain::ordering::cart::Cart;
use infra::clock::Clock;
use infra::event_store::{Append, AppendError, CommandRecord, EventStore, StreamAppend, StreamId};
use infra::lifecycle::Tasks;
use infra::postgres::{self, Role};
use uuid::Uuid;

use super::streams::Streams;
use crate::bench::arm::{Arm, Work, closed_loop};
use crate::bench::meter::SqlMeter;
use crate::bench::server::{Database, Server};
use crate::bench::verify;
use crate::bench::workload::Workload;

/// Connections that load aggregates, as many as the stock arm's pool.
const CONNECTIONS: u32 = 8;

/// Aggregates that are loaded with one query.
const WARMED_AT_ONCE: usize = 16;

/// What a store is asked to do.
pub(in crate::bench) struct Task {
    /// Its name in goals and tables.
    pub(in crate::bench) name: &'static str,
    /// Commands in flight.
    pub(in crate::bench) workers: usize,
    /// What each command writes.
    pub(in crate::bench) workload: Workload,
    /// Where.
    pub(in crate::bench) streams: Streams,
    /// One of so many commands is sent with a version that is stale.
    pub(in crate::bench) stale_every: Option<u64>,
}

/// Our arm.
pub(in crate::bench) struct Ours {
    task: Task,
    store: EventStore,
    tasks: Tasks,
    database: Database,
    sql: SqlMeter,
    clock: Clock,
    sent: AtomicU64,
    acknowledged: AtomicU64,
    /// Events that lay there before.
    before: u64,
}

impl Ours {
    /// Opens a store on `database`.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(in crate::bench) async fn open(
        task: Task,
        server: &Server,
        database: Database,
        clock: &Clock,
    ) -> anyhow::Result<Self> {
        let options = database.options()?;
        let pool = postgres::pool(options.clone(), Role::App, CONNECTIONS);
        let (store, work) = EventStore::new(pool, options);
        let tasks = Tasks::new(clock.clone());
        let stop = tasks.stop().last_token();
        tasks.last("event store", async move {
            work.run(stop).await;
            Ok::<_, std::convert::Infallible>(())
        });
        let before = verify::events_of(&database, "es.events").await?;
        Ok(Self {
            task,
            store,
            tasks,
            sql: server.sql_meter(&database),
            database,
            clock: clock.clone(),
            sent: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            before,
        })
    }

    /// Loads aggregates, so that no command meets a cold one.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(in crate::bench) async fn warm(&self, ids: &[Uuid]) -> anyhow::Result<()> {
        let kind = Kind::parse(Workload::kind())?;
        for some in ids.chunks(WARMED_AT_ONCE) {
            let streams: Vec<StreamId> = some.iter().map(|id| StreamId { kind, id: *id }).collect();
            self.store.prefetch(&streams).await?;
        }
        Ok(())
    }

    /// One command, again on fresh state when others were quicker; the events it wrote.
    async fn command(&self) -> anyhow::Result<u64> {
        let nth = self.sent.fetch_add(1, Ordering::Relaxed);
        let stream = StreamId {
            kind: Kind::parse(Workload::kind())?,
            id: self
                .task
                .streams
                .next()
                .unwrap_or_else(|| self.clock.fresh_id()),
        };
        let is_new = matches!(self.task.streams, Streams::Fresh);
        if self
            .task
            .stale_every
            .is_some_and(|every| nth.is_multiple_of(every))
        {
            self.stale(stream).await?;
        }
        loop {
            let (version, state) = if is_new {
                (0, Arc::new(Cart::default()))
            } else {
                let loaded = self.store.load::<Cart>(stream.id).await?;
                (loaded.version, loaded.state)
            };
            match self.store.append(self.append(stream, version)?).await {
                Ok(()) => {}
                Err(AppendError::Conflict) => continue,
                Err(error) => return Err(error.into()),
            }
            self.keep(stream, version, &state)?;
            self.acknowledged
                .fetch_add(self.task.workload.len(), Ordering::Relaxed);
            return Ok(self.task.workload.len());
        }
    }

    /// Sends what must be refused.
    async fn stale(&self, stream: StreamId) -> anyhow::Result<()> {
        let loaded = self.store.load::<Cart>(stream.id).await?;
        if loaded.version == 0 {
            return Ok(());
        }
        let refused = self
            .store
            .append(self.append(stream, loaded.version - 1)?)
            .await;
        anyhow::ensure!(
            refused == Err(AppendError::Conflict),
            "a stale version gave {refused:?}"
        );
        Ok(())
    }

    /// The state that the command led to, as the executor keeps it.
    fn keep(&self, stream: StreamId, version: i64, state: &Arc<Cart>) -> anyhow::Result<()> {
        let mut after = Cart::clone(state);
        for event in &self.task.workload.events {
            domain::decider::Decider::evolve(&mut after, event);
        }
        let events = i64::try_from(self.task.workload.len())?;
        self.store
            .keep(stream, version, version + events, Arc::new(after));
        Ok(())
    }

    fn append(&self, stream: StreamId, expected_version: i64) -> anyhow::Result<Append> {
        let now = self.clock.now();
        Ok(Append {
            streams: vec![StreamAppend {
                stream,
                expected_version,
                events: self.task.workload.encode(&self.clock)?,
            }],
            record: Some(CommandRecord {
                key_hash: self.clock.random(),
                fingerprint: [7; 32],
                status: 201,
                headers: r#"{"content-type":"application/json"}"#.to_owned(),
                body: format!(
                    r#"{{"cart_id":"{}","version":{expected_version}}}"#,
                    stream.id
                ),
                created_at: now,
            }),
            recorded_at: now,
        })
    }
}

#[async_trait]
impl Arm for Ours {
    fn name(&self) -> &'static str {
        self.task.name
    }

    async fn block(&mut self, span: Duration) -> anyhow::Result<Work> {
        closed_loop(self.task.workers, span, &self.clock, |_worker| {
            self.command()
        })
        .await
    }

    async fn verify(&mut self) -> anyhow::Result<()> {
        let acknowledged = self.before + self.acknowledged.load(Ordering::Relaxed);
        verify::stored_once(&self.database, "es.events", acknowledged).await
    }

    fn sql(&self) -> Option<SqlMeter> {
        Some(self.sql.clone())
    }

    async fn stop(self: Box<Self>) -> anyhow::Result<()> {
        self.tasks.shut_down().await?;
        Ok(())
    }
}
