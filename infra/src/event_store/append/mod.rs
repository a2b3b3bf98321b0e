//! The appender: one task, one connection, one statement for all commands that have queued. It never
//! waits to fill a batch, so a command alone pays nothing for sharing.
//!
//! A batch goes out in the plain form first. When the database finds a stale version or a used key
//! in it, the same batch goes out in the form that leaves such commands out and names them; only a
//! race with another process, which fails that too, falls back to one command at a time.
//!
//! Rows go in by stream and sequence, records by key: two processes that write the same streams take
//! their locks in the same order and cannot wait for each other in a circle.

mod batch;
mod queue;
mod rows;
mod statement;

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

use batch::{BATCH_EVENTS_MAX, Batch};
pub(super) use queue::AppenderHandle;
use queue::Job;
use rows::Rows;
use statement::Outcome;

use super::AppendError;
use super::cache::StateCache;
use crate::fault;
use crate::lifecycle::Doorbell;
use crate::limits::DATABASE_DEADLINE;
use crate::telemetry::joins;

/// A command that has waited this long is refused before it is written (reliability §5).
const WAIT_MAX: Duration = Duration::from_millis(500);
/// The server gives up a write a little before we stop waiting for its answer, so that a write that
/// waits for a lock ends with a known outcome, in milliseconds.
const STATEMENT_MAX_MS: &str = "4000";
/// Pause between attempts to reconnect.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);

/// The task that owns the writing connection.
pub(super) struct Appender {
    options: PgConnectOptions,
    queue: mpsc::Receiver<Job>,
    /// Commands that touch a stream which the batch before them writes.
    deferred: Vec<Job>,
    connection: Option<PgConnection>,
    cache: Arc<StateCache>,
    committed: Doorbell,
}

impl Appender {
    pub(super) fn new(
        options: PgConnectOptions,
        cache: Arc<StateCache>,
        committed: Doorbell,
    ) -> (Self, AppenderHandle) {
        let (handle, queue) = queue::queue();
        // Plans are kept for the connection's life; on a small table the planner would choose a
        // scan that is ruinous on a large one (performance §4, "plans").
        let options = options
            .application_name("ramen-appender")
            .options([
                ("jit", "off"),
                ("enable_seqscan", "off"),
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
                ("synchronous_commit", "on"),
                ("plan_cache_mode", "force_generic_plan"),
                ("statement_timeout", STATEMENT_MAX_MS),
            ])
            .disable_statement_logging();
        let appender = Self {
            options,
            queue,
            deferred: Vec::new(),
            connection: None,
            cache,
            committed,
        };
        (appender, handle)
    }

    /// Serves the queue until `stop`, then finishes what has queued.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        // Before the first command, which would wait for it.
        self.connected().await;
        loop {
            let job = tokio::select! {
                biased;
                () = stop.cancelled(), if self.deferred.is_empty() => match self.queue.try_recv() {
                    Ok(job) => Some(job),
                    Err(_) => return,
                },
                job = self.queue.recv(), if self.deferred.is_empty() => job,
                () = std::future::ready(()), if !self.deferred.is_empty() => {
                    Some(self.deferred.remove(0))
                }
            };
            let Some(first) = job else { return };
            let batch = self.gather(first);
            metrics::gauge!("ramen_appender_queue").set(count(self.waiting()));
            let span = batch_span(&batch);
            self.write(batch).instrument(span).await;
        }
    }

    /// Commands that no batch has taken yet.
    fn waiting(&self) -> usize {
        self.queue.len() + self.deferred.len()
    }

    /// Takes what has queued, as long as no command touches a stream that one before it writes.
    fn gather(&mut self, first: Job) -> Vec<Job> {
        let mut batch = Batch::default();
        let mut waiting = std::mem::take(&mut self.deferred);
        waiting.insert(0, first);
        let mut waiting = waiting.into_iter();
        while let Some(job) = waiting.next().or_else(|| self.queue.try_recv().ok()) {
            if job.queued.elapsed() > WAIT_MAX {
                job.answer(Err(AppendError::Overloaded));
            } else if batch.collides(&job) {
                self.deferred.push(job);
            } else {
                batch.add(job);
            }
            if batch.is_full() || self.deferred.len() >= BATCH_EVENTS_MAX {
                break;
            }
        }
        self.deferred.extend(waiting);
        batch.into_jobs()
    }

    async fn write(&mut self, batch: Vec<Job>) {
        if batch.is_empty() {
            return;
        }
        if !self.connected().await {
            refuse(batch, AppendError::Unavailable);
            tokio::time::sleep(RECONNECT_PAUSE).await;
            return;
        }
        let rows = Rows::of(&batch);
        metrics::histogram!("ramen_append_batch_commands").record(count(batch.len()));
        metrics::histogram!("ramen_append_batch_events").record(count(rows.kinds.len()));
        fault::point("append.queued");
        let outcome = self.all_or_nothing(&rows).await;
        match outcome {
            Outcome::Refused | Outcome::KeyUsed if batch.len() > 1 => {
                self.write_leaving_out(batch, &rows).await;
            }
            Outcome::Stored
            | Outcome::Refused
            | Outcome::KeyUsed
            | Outcome::Failed
            | Outcome::Unknown => self.settle(batch, outcome),
        }
    }

    /// The batch again, without the commands that the statement itself finds stale or repeated.
    async fn write_leaving_out(&mut self, batch: Vec<Job>, rows: &Rows) {
        match self.leaving_out(rows).await {
            Ok(left_out) => {
                let mut stored = Vec::new();
                for (job, error) in batch.into_iter().zip(left_out) {
                    match error {
                        None => stored.push(job),
                        Some(error) => job.answer(Err(error)),
                    }
                }
                self.settle(stored, Outcome::Stored);
            }
            Err(outcome @ (Outcome::Unknown | Outcome::Failed)) => self.settle(batch, outcome),
            Err(Outcome::Refused | Outcome::KeyUsed | Outcome::Stored) => {
                for job in batch {
                    self.write_alone(job).await;
                }
            }
        }
    }

    async fn write_alone(&mut self, job: Job) {
        let outcome = if self.connected().await {
            let rows = Rows::of(std::slice::from_ref(&job));
            self.all_or_nothing(&rows).await
        } else {
            Outcome::Failed
        };
        self.settle(vec![job], outcome);
    }

    async fn all_or_nothing(&mut self, rows: &Rows) -> Outcome {
        let Some(connection) = self.connection.as_mut() else {
            return Outcome::Failed;
        };
        fault::point("append.sent");
        statement::all_or_nothing(connection, rows).await
    }

    async fn leaving_out(&mut self, rows: &Rows) -> Result<Vec<Option<AppendError>>, Outcome> {
        let Some(connection) = self.connection.as_mut() else {
            return Err(Outcome::Failed);
        };
        statement::leaving_out(connection, rows).await
    }

    /// Tells every command of a batch what has become of it.
    fn settle(&mut self, batch: Vec<Job>, outcome: Outcome) {
        match outcome {
            Outcome::Stored => self.stored(batch),
            Outcome::Refused => refuse(batch, AppendError::Conflict),
            Outcome::KeyUsed => refuse(batch, AppendError::KeyUsed),
            Outcome::Failed => refuse(batch, AppendError::Unavailable),
            Outcome::Unknown => {
                self.connection = None;
                self.cache.forget_all();
                refuse(batch, AppendError::Unknown);
            }
        }
    }

    fn stored(&self, batch: Vec<Job>) {
        fault::point("append.committed");
        if batch.is_empty() {
            return;
        }
        self.committed.ring();
        for job in batch {
            job.answer(Ok(()));
        }
    }

    async fn connected(&mut self) -> bool {
        if self.connection.is_some() {
            return true;
        }
        let connected = tokio::time::timeout(DATABASE_DEADLINE, self.connect());
        match connected.await.unwrap_or_else(|_| Err(statement::late())) {
            Ok(connection) => {
                self.cache.forget_all();
                self.connection = Some(connection);
                self.rehearsed().await
            }
            Err(error) => {
                tracing::error!(error = %error, "the appender cannot reach the event store");
                false
            }
        }
    }

    /// Has both forms planned, by a batch of nothing, so that no command waits for that.
    async fn rehearsed(&mut self) -> bool {
        let nothing = Rows::default();
        let ready = matches!(self.all_or_nothing(&nothing).await, Outcome::Stored)
            && self.leaving_out(&nothing).await.is_ok();
        if !ready {
            self.connection = None;
        }
        ready
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        crate::postgres::take_role(&mut connection, crate::postgres::Role::App).await?;
        connection.ping().await?;
        Ok(connection)
    }
}

/// The span of a shared commit: it has a parent in each of its commands.
fn batch_span(batch: &[Job]) -> Span {
    let span = tracing::debug_span!(parent: None, "append.batch", commands = batch.len());
    joins(&span, batch.iter().filter_map(|job| job.trace));
    span
}

fn refuse(batch: Vec<Job>, error: AppendError) {
    for job in batch {
        job.answer(Err(error));
    }
}

/// Batch sizes are far below 2³².
fn count(size: usize) -> f64 {
    f64::from(u32::try_from(size).unwrap_or(u32::MAX))
}
