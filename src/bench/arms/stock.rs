//! The peer: the store of the postgres-es crate with our aggregates, at its best settings.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::anyhow;
use async_trait::async_trait;
use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{AggregateError, EventStore as _};
use domain::ordering::cart::Cart;
use infra::clock::Clock;
use infra::event_store::{Folded, Stored};
use postgres_es::PostgresEventRepository;
use sqlx::postgres::PgPoolOptions;

use super::ours::Task;
use crate::bench::arm::{Arm, Work, closed_loop};
use crate::bench::meter::SqlMeter;
use crate::bench::server::{Database, Server};
use crate::bench::verify;

/// The pool that suits it best on two cores.
const CONNECTIONS: u32 = 8;
/// The table as the crate's documentation has it.
const SCHEMA: &str = "CREATE TABLE events (
    aggregate_type text NOT NULL,
    aggregate_id   text NOT NULL,
    sequence       bigint CHECK (sequence >= 0) NOT NULL,
    event_type     text NOT NULL,
    event_version  text NOT NULL,
    payload        json NOT NULL,
    metadata       json NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence))";

type Store = PersistedEventStore<PostgresEventRepository, Folded<Cart>>;

/// The stock arm.
pub(in crate::bench) struct Stock {
    task: Task,
    store: Store,
    database: Database,
    sql: SqlMeter,
    clock: Clock,
    sent: AtomicU64,
    acknowledged: AtomicU64,
    before: u64,
}

impl Stock {
    /// Makes the crate's table in an empty database.
    ///
    /// # Errors
    /// When the server does not.
    pub(in crate::bench) async fn prepare(database: &Database) -> anyhow::Result<()> {
        let mut connection = database.connect().await?;
        sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
        Ok(())
    }

    /// Opens the store.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(in crate::bench) async fn open(
        task: Task,
        server: &Server,
        database: Database,
        clock: &Clock,
    ) -> anyhow::Result<Self> {
        let pool = PgPoolOptions::new()
            .min_connections(CONNECTIONS)
            .max_connections(CONNECTIONS)
            .test_before_acquire(false)
            .connect_with(database.options()?)
            .await?;
        let repository = PostgresEventRepository::new(pool);
        let before = verify::events_of(&database, "events").await?;
        Ok(Self {
            task,
            store: PersistedEventStore::new_event_store(repository),
            sql: server.sql_meter(&database),
            database,
            clock: clock.clone(),
            sent: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            before,
        })
    }

    async fn command(&self) -> anyhow::Result<u64> {
        let nth = self.sent.fetch_add(1, Ordering::Relaxed);
        let id = self.task.streams.next();
        let id = id.unwrap_or_else(|| self.clock.fresh_id()).to_string();
        if self
            .task
            .stale_every
            .is_some_and(|every| nth.is_multiple_of(every))
        {
            self.stale(&id).await?;
        }
        while !self.commit(&id).await? {}
        self.acknowledged
            .fetch_add(self.task.workload.len(), Ordering::Relaxed);
        Ok(self.task.workload.len())
    }

    /// Loads and writes; false when others were quicker.
    async fn commit(&self, id: &str) -> anyhow::Result<bool> {
        let context = self.store.load_aggregate(id).await.map_err(failed)?;
        self.write(context).await
    }

    async fn write(
        &self,
        context: cqrs_es::persist::EventStoreAggregateContext<Folded<Cart>>,
    ) -> anyhow::Result<bool> {
        let events = self.task.workload.events.iter().cloned().map(Stored);
        let metadata: HashMap<String, String> = self.task.workload.metadata.clone();
        match self.store.commit(events.collect(), context, metadata).await {
            Ok(_written) => Ok(true),
            Err(AggregateError::AggregateConflict) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    /// Sends what must be refused.
    async fn stale(&self, id: &str) -> anyhow::Result<()> {
        let mut context = self.store.load_aggregate(id).await.map_err(failed)?;
        if context.current_sequence == 0 {
            return Ok(());
        }
        context.current_sequence -= 1;
        let written = self.write(context).await?;
        anyhow::ensure!(!written, "a stale version was written");
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err gives")]
fn failed<E: std::error::Error>(error: AggregateError<E>) -> anyhow::Error {
    anyhow!("the stock store: {error}")
}

#[async_trait]
impl Arm for Stock {
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
        verify::stored_once(&self.database, "events", acknowledged).await
    }

    fn sql(&self) -> Option<SqlMeter> {
        Some(self.sql.clone())
    }

    async fn stop(self: Box<Self>) -> anyhow::Result<()> {
        Ok(())
    }
}
