//! The appender: one task, one connection, one statement for all commands that have queued. It never
//! waits to fill a batch, so a command alone pays nothing for sharing.
//!
//! A batch goes out in the plain form first. When the database finds a stale version or a used key
//! in it, the same batch goes out in the form that leaves such commands out and names them; only a
//! race with another process, which fails that too, falls back to one command at a time.
//!
//! Rows go in by stream and sequence, records by key: two processes that write the same streams take
//! their locks in the same order and cannot wait for each other in a circle.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::cache::StateCache;
use super::{Append, AppendError, EVENT_BYTES_MAX, StreamId};
use crate::fault;
use crate::lifecycle::Doorbell;
use crate::limits::DATABASE_DEADLINE;

/// Commands that may wait; beyond that callers are refused at once (reliability §5).
const QUEUE_MAX: usize = 4_096;
/// A command that has waited this long is refused before it is written (reliability §5).
const WAIT_MAX: Duration = Duration::from_millis(500);
/// Events in one statement: the knee of the measured curve (performance §4, "share commits").
const BATCH_EVENTS_MAX: usize = 128;
/// The server gives up a write a little before we stop waiting for its answer, so that a write that
/// waits for a lock ends with a known outcome, in milliseconds.
const STATEMENT_MAX_MS: &str = "4000";
/// Pause between attempts to reconnect.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);

type Reply = oneshot::Sender<Result<(), AppendError>>;

struct Job {
    append: Append,
    queued: Instant,
    reply: Reply,
}

/// Hands commands to the appender's task.
#[derive(Clone)]
pub(super) struct AppenderHandle {
    queue: mpsc::Sender<Job>,
}

impl AppenderHandle {
    pub(super) async fn append(&self, append: Append) -> Result<(), AppendError> {
        let too_large = |event: &super::NewEvent| event.payload.len() > EVENT_BYTES_MAX;
        if append
            .streams
            .iter()
            .flat_map(|part| &part.events)
            .any(too_large)
        {
            return Err(AppendError::TooLarge);
        }
        let (reply, answer) = oneshot::channel();
        let job = Job {
            append,
            queued: Instant::now(),
            reply,
        };
        self.queue
            .try_send(job)
            .map_err(|_| AppendError::Overloaded)?;
        answer.await.unwrap_or(Err(AppendError::Unknown))
    }
}

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

/// What the database answered to one statement.
enum Outcome {
    /// All of it is committed.
    Stored,
    /// Nothing of it is; some command is stale or repeated.
    Refused,
    /// Nothing of it is; the one command's key was used before.
    KeyUsed,
    /// Nothing of it is, for a reason that is not the commands'.
    Failed,
    /// The connection broke: nobody knows.
    Unknown,
}

impl Appender {
    pub(super) fn new(
        options: PgConnectOptions,
        cache: Arc<StateCache>,
        committed: Doorbell,
    ) -> (Self, AppenderHandle) {
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
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
        (appender, AppenderHandle { queue: sender })
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
            self.write(batch).await;
        }
    }

    /// Takes what has queued, as long as no command touches a stream that one before it writes.
    fn gather(&mut self, first: Job) -> Vec<Job> {
        let mut written: HashSet<StreamId> = HashSet::new();
        let mut events = 0;
        let mut batch = Vec::new();
        let mut waiting: Vec<Job> = std::mem::take(&mut self.deferred);
        waiting.insert(0, first);
        let mut waiting = waiting.into_iter();
        while let Some(job) = waiting.next().or_else(|| self.queue.try_recv().ok()) {
            if job.queued.elapsed() > WAIT_MAX {
                answer(job.reply, Err(AppendError::Overloaded));
                continue;
            }
            if job
                .append
                .streams
                .iter()
                .any(|part| written.contains(&part.stream))
            {
                self.deferred.push(job);
                if self.deferred.len() >= BATCH_EVENTS_MAX {
                    break;
                }
                continue;
            }
            for part in job
                .append
                .streams
                .iter()
                .filter(|part| !part.events.is_empty())
            {
                written.insert(part.stream);
                events += part.events.len();
            }
            batch.push(job);
            if events >= BATCH_EVENTS_MAX {
                break;
            }
        }
        self.deferred.extend(waiting);
        batch
    }

    async fn write(&mut self, batch: Vec<Job>) {
        if batch.is_empty() {
            return;
        }
        if !self.connected().await {
            for job in batch {
                answer(job.reply, Err(AppendError::Unavailable));
            }
            tokio::time::sleep(RECONNECT_PAUSE).await;
            return;
        }
        metrics::histogram!("ramen_append_batch_commands").record(count(batch.len()));
        let rows = Rows::of(&batch);
        fault::point("append.queued");
        match self.plain(&rows).await {
            Outcome::Stored => self.stored(batch),
            Outcome::Unknown => self.unknown(batch),
            Outcome::Failed => refuse(batch, AppendError::Unavailable),
            Outcome::KeyUsed if batch.len() == 1 => refuse(batch, AppendError::KeyUsed),
            Outcome::Refused if batch.len() == 1 => refuse(batch, AppendError::Conflict),
            Outcome::Refused | Outcome::KeyUsed => self.write_leaving_out(batch, &rows).await,
        }
    }

    /// The batch again, without the commands that the statement itself finds stale or repeated.
    async fn write_leaving_out(&mut self, batch: Vec<Job>, rows: &Rows) {
        match self.leaving_out(rows).await {
            Ok(left_out) => {
                let (mut stored, mut stale) = (Vec::new(), Vec::new());
                for (index, job) in batch.into_iter().enumerate() {
                    match left_out.get(index).copied().flatten() {
                        None => stored.push(job),
                        Some(error) => stale.push((job, error)),
                    }
                }
                for (job, error) in stale {
                    answer(job.reply, Err(error));
                }
                self.stored(stored);
            }
            Err(Outcome::Unknown) => self.unknown(batch),
            Err(Outcome::Failed) => refuse(batch, AppendError::Unavailable),
            Err(Outcome::Refused | Outcome::KeyUsed | Outcome::Stored) => {
                for job in batch {
                    self.write_alone(job).await;
                }
            }
        }
    }

    async fn write_alone(&mut self, job: Job) {
        if !self.connected().await {
            return answer(job.reply, Err(AppendError::Unavailable));
        }
        let rows = Rows::of(std::slice::from_ref(&job));
        match self.plain(&rows).await {
            Outcome::Stored => self.stored(vec![job]),
            Outcome::Refused => answer(job.reply, Err(AppendError::Conflict)),
            Outcome::KeyUsed => answer(job.reply, Err(AppendError::KeyUsed)),
            Outcome::Failed => answer(job.reply, Err(AppendError::Unavailable)),
            Outcome::Unknown => self.unknown(vec![job]),
        }
    }

    fn stored(&self, batch: Vec<Job>) {
        fault::point("append.committed");
        if batch.is_empty() {
            return;
        }
        self.committed.ring();
        for job in batch {
            answer(job.reply, Ok(()));
        }
    }

    fn unknown(&mut self, batch: Vec<Job>) {
        self.connection = None;
        self.cache.forget_all();
        refuse(batch, AppendError::Unknown);
    }

    async fn connected(&mut self) -> bool {
        if self.connection.is_some() {
            return true;
        }
        let connected = tokio::time::timeout(DATABASE_DEADLINE, self.connect());
        match connected.await.unwrap_or_else(|_| Err(late())) {
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

    /// Has both statements planned, by a batch of nothing, so that no command waits for that.
    async fn rehearsed(&mut self) -> bool {
        let nothing = Rows::default();
        let ready = matches!(self.plain(&nothing).await, Outcome::Stored)
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

    async fn plain(&mut self, rows: &Rows) -> Outcome {
        let Some(connection) = self.connection.as_mut() else {
            return Outcome::Failed;
        };
        fault::point("append.sent");
        let query = sqlx::query_scalar!(
            r#"
            WITH fault AS MATERIALIZED (
                SELECT 1
                FROM unnest($1::text[], $2::text[], $3::bigint[]) AS s (kind, id, expected)
                WHERE EXISTS (
                        SELECT FROM es.events e
                        WHERE e.aggregate_type = s.kind AND e.aggregate_id = s.id
                          AND e.sequence = s.expected + 1)
                   OR (s.expected > 0 AND NOT EXISTS (
                        SELECT FROM es.events e
                        WHERE e.aggregate_type = s.kind AND e.aggregate_id = s.id
                          AND e.sequence = s.expected))
                LIMIT 1
            ), record AS (
                INSERT INTO ops.command_records
                    (key_hash, fingerprint, status, headers, body, created_at)
                SELECT key_hash, fingerprint, status, headers::json, body, created_at
                FROM unnest($4::bytea[], $5::bytea[], $6::smallint[], $7::text[], $8::text[],
                            $9::timestamptz[])
                    AS r (key_hash, fingerprint, status, headers, body, created_at)
                WHERE NOT EXISTS (SELECT FROM fault)
                ORDER BY key_hash
            ), written AS (
                INSERT INTO es.events
                    (aggregate_type, aggregate_id, sequence, event_type, event_version,
                     payload, metadata, event_id, recorded_at)
                SELECT kind, id, sequence, event_type, event_version,
                       payload::json, metadata::json, event_id, recorded_at
                FROM unnest($10::text[], $11::text[], $12::bigint[], $13::text[], $14::text[],
                            $15::text[], $16::text[], $17::uuid[], $18::timestamptz[])
                    AS n (kind, id, sequence, event_type, event_version, payload, metadata,
                          event_id, recorded_at)
                WHERE NOT EXISTS (SELECT FROM fault)
                ORDER BY kind, id, sequence
            )
            SELECT NOT EXISTS (SELECT FROM fault) AS "stored!"
            "#,
            &rows.stream_kinds,
            &rows.stream_ids,
            &rows.stream_expected,
            &rows.keys,
            &rows.fingerprints,
            &rows.statuses,
            &rows.headers,
            &rows.bodies,
            &rows.created,
            &rows.kinds,
            &rows.ids,
            &rows.sequences,
            &rows.types,
            &rows.versions,
            &rows.payloads,
            &rows.metadata,
            &rows.event_ids,
            &rows.recorded,
        )
        .fetch_one(connection);
        match in_time(query).await {
            Ok(true) => Outcome::Stored,
            Ok(false) => Outcome::Refused,
            Err(error) => outcome_of(&error),
        }
    }

    /// For each command `None` when it was stored, else why it was left out.
    async fn leaving_out(&mut self, rows: &Rows) -> Result<Vec<Option<AppendError>>, Outcome> {
        let Some(connection) = self.connection.as_mut() else {
            return Err(Outcome::Failed);
        };
        let query = sqlx::query!(
            r#"
            WITH stale AS MATERIALIZED (
                SELECT s.command, false AS key_used
                FROM unnest($1::text[], $2::text[], $3::bigint[], $19::integer[])
                    AS s (kind, id, expected, command)
                WHERE EXISTS (
                        SELECT FROM es.events e
                        WHERE e.aggregate_type = s.kind AND e.aggregate_id = s.id
                          AND e.sequence = s.expected + 1)
                   OR (s.expected > 0 AND NOT EXISTS (
                        SELECT FROM es.events e
                        WHERE e.aggregate_type = s.kind AND e.aggregate_id = s.id
                          AND e.sequence = s.expected))
                UNION ALL
                SELECT k.command, true
                FROM unnest($4::bytea[], $20::integer[]) AS k (key_hash, command)
                WHERE EXISTS (SELECT FROM ops.command_records c WHERE c.key_hash = k.key_hash)
            ), record AS (
                INSERT INTO ops.command_records
                    (key_hash, fingerprint, status, headers, body, created_at)
                SELECT key_hash, fingerprint, status, headers::json, body, created_at
                FROM unnest($4::bytea[], $5::bytea[], $6::smallint[], $7::text[], $8::text[],
                            $9::timestamptz[], $20::integer[])
                    AS r (key_hash, fingerprint, status, headers, body, created_at, command)
                WHERE r.command NOT IN (SELECT command FROM stale)
                ORDER BY key_hash
            ), written AS (
                INSERT INTO es.events
                    (aggregate_type, aggregate_id, sequence, event_type, event_version,
                     payload, metadata, event_id, recorded_at)
                SELECT kind, id, sequence, event_type, event_version,
                       payload::json, metadata::json, event_id, recorded_at
                FROM unnest($10::text[], $11::text[], $12::bigint[], $13::text[], $14::text[],
                            $15::text[], $16::text[], $17::uuid[], $18::timestamptz[],
                            $21::integer[])
                    AS n (kind, id, sequence, event_type, event_version, payload, metadata,
                          event_id, recorded_at, command)
                WHERE n.command NOT IN (SELECT command FROM stale)
                ORDER BY kind, id, sequence
            )
            SELECT command AS "command!", bool_or(key_used) AS "key_used!"
            FROM stale GROUP BY command
            "#,
            &rows.stream_kinds,
            &rows.stream_ids,
            &rows.stream_expected,
            &rows.keys,
            &rows.fingerprints,
            &rows.statuses,
            &rows.headers,
            &rows.bodies,
            &rows.created,
            &rows.kinds,
            &rows.ids,
            &rows.sequences,
            &rows.types,
            &rows.versions,
            &rows.payloads,
            &rows.metadata,
            &rows.event_ids,
            &rows.recorded,
            &rows.stream_commands,
            &rows.record_commands,
            &rows.event_commands,
        )
        .fetch_all(connection);
        let left_out = in_time(query).await.map_err(|error| outcome_of(&error))?;
        let mut answers = vec![None; rows.commands];
        for row in left_out {
            let place = usize::try_from(row.command)
                .ok()
                .and_then(|index| answers.get_mut(index));
            if let Some(place) = place {
                let error = if row.key_used {
                    AppendError::KeyUsed
                } else {
                    AppendError::Conflict
                };
                *place = Some(error);
            }
        }
        Ok(answers)
    }
}

fn outcome_of(error: &sqlx::Error) -> Outcome {
    let Some(database) = error.as_database_error() else {
        tracing::error!(error = %error, "the appender lost its connection in a write");
        return Outcome::Unknown;
    };
    if database.is_unique_violation() {
        return match database.constraint() {
            Some("command_records_pkey") => Outcome::KeyUsed,
            _ => Outcome::Refused,
        };
    }
    let code = database.code().unwrap_or_default();
    // Deadlock and serialisation failure: lost against another writer, like a stale version.
    if code == "40P01" || code == "40001" {
        return Outcome::Refused;
    }
    tracing::error!(error = %error, "the event store refused a write");
    // A server that shuts down or kills the backend says so and closes: whether the commit was
    // through is not knowable from here.
    if code.starts_with("57P") {
        Outcome::Unknown
    } else {
        Outcome::Failed
    }
}

/// One round trip. A server that does not answer within the deadline is given up, and what it did is
/// as unknown as after a lost connection.
async fn in_time<T>(query: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    tokio::time::timeout(DATABASE_DEADLINE, query)
        .await
        .unwrap_or_else(|_| Err(late()))
}

fn late() -> sqlx::Error {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

/// A batch as the columns that the statement takes.
#[derive(Default)]
struct Rows {
    commands: usize,
    stream_kinds: Vec<String>,
    stream_ids: Vec<String>,
    stream_expected: Vec<i64>,
    stream_commands: Vec<i32>,
    keys: Vec<Vec<u8>>,
    fingerprints: Vec<Vec<u8>>,
    statuses: Vec<i16>,
    headers: Vec<String>,
    bodies: Vec<String>,
    created: Vec<chrono::DateTime<chrono::Utc>>,
    record_commands: Vec<i32>,
    kinds: Vec<String>,
    ids: Vec<String>,
    sequences: Vec<i64>,
    types: Vec<String>,
    versions: Vec<String>,
    payloads: Vec<String>,
    metadata: Vec<String>,
    event_ids: Vec<uuid::Uuid>,
    recorded: Vec<chrono::DateTime<chrono::Utc>>,
    event_commands: Vec<i32>,
}

impl Rows {
    fn of(batch: &[Job]) -> Self {
        let mut rows = Self {
            commands: batch.len(),
            ..Self::default()
        };
        for (command, job) in (0_i32..).zip(batch) {
            rows.add(command, &job.append);
        }
        rows
    }

    fn add(&mut self, command: i32, append: &Append) {
        for part in &append.streams {
            let (kind, id) = (part.stream.kind.as_str(), part.stream.id.to_string());
            self.stream_kinds.push(kind.to_owned());
            self.stream_ids.push(id.clone());
            self.stream_expected.push(part.expected_version);
            self.stream_commands.push(command);
            for (sequence, event) in (part.expected_version + 1..).zip(&part.events) {
                self.kinds.push(kind.to_owned());
                self.ids.push(id.clone());
                self.sequences.push(sequence);
                self.types.push(event.event_type.clone());
                self.versions.push(event.event_version.clone());
                self.payloads.push(event.payload.clone());
                self.metadata.push(event.metadata.clone());
                self.event_ids.push(event.event_id);
                self.recorded.push(append.recorded_at);
                self.event_commands.push(command);
            }
        }
        if let Some(record) = &append.record {
            self.keys.push(record.key_hash.to_vec());
            self.fingerprints.push(record.fingerprint.to_vec());
            self.statuses
                .push(i16::try_from(record.status).unwrap_or(i16::MAX));
            self.headers.push(record.headers.clone());
            self.bodies.push(record.body.clone());
            self.created.push(record.created_at);
            self.record_commands.push(command);
        }
    }
}

fn refuse(batch: Vec<Job>, error: AppendError) {
    for job in batch {
        answer(job.reply, Err(error));
    }
}

fn answer(reply: Reply, outcome: Result<(), AppendError>) {
    if reply.send(outcome).is_err() {
        tracing::debug!(?outcome, "a caller left before its append was answered");
    }
}

/// Batch sizes are far below 2³².
fn count(size: usize) -> f64 {
    f64::from(u32::try_from(size).unwrap_or(u32::MAX))
}
