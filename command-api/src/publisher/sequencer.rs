//! The sequencer: dense positions for events in the order of their ids, by difference of snapshots.
//!
//! It keeps the last `pg_snapshot` and numbers what was not visible then and is now, so nobody waits
//! for a slow transaction and nothing is passed over when commits overtake one another. An advisory
//! lock keeps a second one idle; the epoch, locked and checked in every numbering, keeps one that lost
//! its leadership unawares from writing.
//!
//! A numbering is one statement. One that waits for a row's lock goes on with the snapshot it had
//! before, so it may only go on where nothing was numbered meanwhile: epoch and position are compared
//! on the row as it is once locked, and the leader knows what they must be, being alone in moving them.
//!
//! Transaction ids mean nothing in another cluster. After a dump was restored, events may carry ids
//! that this one has not reached: the first numbering then takes what has no position, and every
//! numbering looks only below the cluster's own next id.

use std::time::Duration;

use chrono::{DateTime, Utc};
use infra::clock::{Clock, Stopwatch};
use infra::event_store::{self, EventLog, LogError, LogRow, RawRow};
use infra::fault;
use infra::feed::HeadWatch;
use infra::lifecycle::{Loop, Progress};
use infra::limits::DATABASE_DEADLINE;
use infra::postgres::{Role, in_time, take_role};
use infra::telemetry::{as_gauge, joins};
use sqlx::error::ErrorKind;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};
use tracing::field::Empty;

use super::{Leadership, traces_of};

/// The advisory lock that the leader holds: "ramen", "seq" in ASCII, nothing else uses it.
const LEADER_LOCK: i64 = 0x7261_6d65_6e73_6571;
/// Rows handed over in memory at most; a larger batch (after a restore) is read from the log.
const HANDOVER_ROWS_MAX: i64 = 2_000;
/// Numbering a long backlog, after a restore: 2.7 million events took a minute.
const BACKLOG_DEADLINE: Duration = Duration::from_mins(15);
/// From so many events a backlog counts as long: fewer are numbered within [`DATABASE_DEADLINE`].
const BACKLOG_LONG: i64 = 5_000;
/// A standby asks for the lead this often, however often it is woken.
const STANDBY_PAUSE: Duration = Duration::from_secs(1);
/// How soon the server ends a statement whose client is gone, in milliseconds: the lock goes with it.
const CLIENT_CHECK_MS: &str = "1000";

/// Numbers committed events while it leads.
pub struct Sequencer {
    options: PgConnectOptions,
    clock: Clock,
    head: HeadWatch,
    leadership: Leadership,
    log: Option<EventLog>,
    leader: Option<Leader>,
    standby: Option<Standby>,
}

struct Leader {
    connection: PgConnection,
    epoch: i64,
    mark: Mark,
    /// The stored snapshot is another cluster's: what has no position is numbered, once.
    restored: bool,
    /// Nobody may have numbered for long.
    is_new: bool,
}

/// Kept while another one leads.
struct Standby {
    connection: PgConnection,
    /// None to ask at once.
    asked: Option<Stopwatch>,
}

impl Standby {
    fn rests(&self) -> bool {
        self.asked
            .as_ref()
            .is_some_and(|asked| asked.elapsed() < STANDBY_PAUSE)
    }
}

/// Why a step of the sequencer failed. The connection is given up; the next step begins anew.
#[derive(Debug, thiserror::Error)]
pub enum SequencerError {
    /// The database said no or could not be reached.
    #[error("numbering events failed")]
    Database(#[from] sqlx::Error),
    /// A row that was just numbered names no stream of ours.
    #[error("a numbered event does not read")]
    Row(#[from] LogError),
}

/// Where the order stands: only the leader moves it.
struct Mark {
    position: i64,
    hash: Vec<u8>,
    /// Transactions from here on were not visible yet.
    xmax: String,
    /// Transactions before it that were not visible either.
    xip: Vec<String>,
}

impl Sequencer {
    /// A sequencer on a connection of its own that tells `head` and `leadership` what it numbers.
    pub fn new(
        options: PgConnectOptions,
        clock: Clock,
        head: HeadWatch,
        leadership: Leadership,
    ) -> Self {
        let statement_max = BACKLOG_DEADLINE.as_millis().to_string();
        let options = options
            .application_name("ramen-sequencer")
            .options([
                ("jit", "off"),
                ("enable_seqscan", "off"),
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
                ("max_parallel_workers_per_gather", "0"),
                ("synchronous_commit", "on"),
                ("statement_timeout", statement_max.as_str()),
                ("client_connection_check_interval", CLIENT_CHECK_MS),
            ])
            .disable_statement_logging();
        Self {
            options,
            clock,
            head,
            leadership,
            log: None,
            leader: None,
            standby: None,
        }
    }

    /// Those who share `log` are handed what is numbered, and need not read it.
    #[must_use]
    pub fn telling(self, log: EventLog) -> Self {
        Self {
            log: Some(log),
            ..self
        }
    }

    /// Takes the lead if nobody has it. `None` while another sequencer leads.
    async fn lead(&mut self) -> Result<Option<Leader>, SequencerError> {
        if let Some(leader) = self.leader.take() {
            return Ok(Some(leader));
        }
        let mut connection = match self.standby.take() {
            Some(standby) if standby.rests() => {
                self.standby = Some(standby);
                return Ok(None);
            }
            Some(standby) => standby.connection,
            None => in_time(DATABASE_DEADLINE, self.connect()).await?,
        };
        let asked = Some(self.clock.stopwatch());
        match in_time(DATABASE_DEADLINE, take_lead(&mut connection)).await? {
            None => {
                self.standby = Some(Standby { connection, asked });
                Ok(None)
            }
            Some(lead) => Ok(Some(self.begin(connection, lead))),
        }
    }

    fn begin(&self, connection: PgConnection, lead: Lead) -> Leader {
        let Lead {
            epoch,
            position,
            hash,
            xmax,
            xip,
            restored,
        } = lead;
        tracing::info!(epoch, position, restored, "leading the publisher");
        self.head.advance(position);
        self.leadership.epoch.send_replace(Some(epoch));
        Leader {
            connection,
            epoch,
            mark: Mark {
                position,
                hash,
                xmax,
                xip,
            },
            restored,
            is_new: true,
        }
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        take_role(&mut connection, Role::App).await?;
        Ok(connection)
    }

    fn handed_over(&self, numbered: Numbered) -> Progress {
        let Numbered {
            from,
            rows,
            last,
            count,
        } = numbered;
        if let Some(log) = &self.log {
            log.learn(from, &rows);
        }
        metrics::gauge!("ramen_log_position").set(as_gauge(last));
        // The relay is behind when this is full, and then reads the log.
        if self.leadership.batches.try_send(rows).is_err() {
            tracing::debug!(position = last, "the relay is behind; it will read the log");
        }
        self.leadership.relay.ring();
        self.head.advance(last);
        // What has been committed since rings, or shows at the next look.
        Progress::DidAll(usize::try_from(count).unwrap_or(usize::MAX))
    }
}

impl Loop for Sequencer {
    const NAME: &'static str = "sequencer";
    /// Each of its statements has a deadline; the two of a long backlog have the longest.
    const STEP_MAX: Duration = Duration::from_mins(31);
    type Error = SequencerError;

    async fn step(&mut self) -> Result<Progress, SequencerError> {
        let Some(mut leader) = self.lead().await? else {
            return Ok(Progress::Idle);
        };
        // Until the step has succeeded the connection is not put back: an error gives it up, and
        // with it the lock.
        match leader.number(self.clock.now()).await {
            Ok(Step::Numbered(numbered)) => {
                self.leader = Some(leader);
                Ok(self.handed_over(numbered))
            }
            Ok(Step::Nothing) => {
                self.leader = Some(leader);
                Ok(Progress::Idle)
            }
            Ok(Step::Fenced) => {
                tracing::warn!(epoch = leader.epoch, "another publisher leads; standing by");
                self.leadership.epoch.send_replace(None);
                self.standby = Some(Standby {
                    connection: leader.connection,
                    asked: None,
                });
                Ok(Progress::Idle)
            }
            Err(error) => {
                self.leadership.epoch.send_replace(None);
                Err(error)
            }
        }
    }
}

struct Lead {
    epoch: i64,
    position: i64,
    hash: Vec<u8>,
    xmax: String,
    xip: Vec<String>,
    restored: bool,
}

/// Takes the lock and a new epoch; none while another session has the lock.
async fn take_lead(connection: &mut PgConnection) -> Result<Option<Lead>, sqlx::Error> {
    let locked = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_lock($1) AS "locked!""#,
        LEADER_LOCK
    )
    .fetch_one(&mut *connection)
    .await?;
    if !locked {
        return Ok(None);
    }
    // An event or a snapshot from beyond the next transaction id was made by another cluster.
    let lead = sqlx::query_as!(
        Lead,
        r#"UPDATE es.sequencer SET epoch = epoch + 1
           RETURNING epoch, position, hash, pg_snapshot_xmax(snapshot)::text AS "xmax!",
               ARRAY(SELECT x::text FROM pg_snapshot_xip(snapshot) AS x) AS "xip!",
               pg_snapshot_xmax(snapshot) > pg_snapshot_xmax(pg_current_snapshot())
               OR EXISTS (
                   SELECT FROM es.events e
                   WHERE e.xid >= pg_snapshot_xmax(pg_current_snapshot())) AS "restored!""#
    )
    .fetch_one(connection)
    .await?;
    if lead.restored {
        tracing::warn!(
            "the event store comes from another cluster: numbering what has no position"
        );
    }
    Ok(Some(lead))
}

enum Step {
    Numbered(Numbered),
    Nothing,
    Fenced,
}

struct Numbered {
    /// What they follow.
    from: event_store::Mark,
    rows: Vec<LogRow>,
    last: i64,
    count: i64,
}

impl Step {
    /// Events that had no position.
    fn count(&self) -> i64 {
        match self {
            Self::Numbered(numbered) => numbered.count,
            Self::Nothing | Self::Fenced => 0,
        }
    }
}

/// Whether a numbering was refused because its row was not held: it had no position to give.
fn is_without_lead(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.kind() == ErrorKind::NotNullViolation)
}

impl Leader {
    async fn number(&mut self, now: DateTime<Utc>) -> Result<Step, SequencerError> {
        let within = self.deadline().await?;
        // Nothing happens inside the span, so that it can learn at its end which traces it joins.
        let span = tracing::debug_span!("sequence", events = Empty);
        let step = in_time(within, self.number_now(now)).await?;
        (self.is_new, self.restored) = (false, false);
        metrics::gauge!("ramen_unsequenced_events").set(as_gauge(step.count()));
        if let Step::Numbered(numbered) = &step {
            span.record("events", numbered.count);
            joins(&span, traces_of(&numbered.rows));
        }
        Ok(step)
    }

    /// How long the next numbering may take. A leader that was too slow with what came in at once gives
    /// up its lead, and the next one counts.
    async fn deadline(&mut self) -> Result<Duration, SequencerError> {
        let is_long = self.restored
            || self.is_new && in_time(DATABASE_DEADLINE, self.backlog()).await? == BACKLOG_LONG;
        Ok(if is_long {
            BACKLOG_DEADLINE
        } else {
            DATABASE_DEADLINE
        })
    }

    async fn number_now(&mut self, now: DateTime<Utc>) -> Result<Step, SequencerError> {
        fault::point("seq.sent");
        let mark = &self.mark;
        let numbered = sqlx::query!(
            r#"
            WITH seen AS MATERIALIZED (
                SELECT pg_current_snapshot() AS snapshot
            ), fresh AS MATERIALIZED (
                -- Ordered by the index and asked by range, so that the planner takes it whatever the
                -- statistics say: after an import one transaction may have written half the events.
                (SELECT e AS event FROM es.events e
                 WHERE NOT $8 AND e.xid >= $1::text::xid8
                   AND e.xid < pg_snapshot_xmax(pg_current_snapshot())
                   AND NOT EXISTS (SELECT FROM es.event_log l WHERE l.event_row = e.id)
                 ORDER BY e.xid, e.id)
                UNION ALL
                SELECT late.event
                FROM unnest($2::text[]::xid8[]) AS open (xid)
                CROSS JOIN LATERAL (
                    SELECT e AS event FROM es.events e
                    WHERE NOT $8 AND e.xid BETWEEN open.xid AND open.xid
                      AND NOT EXISTS (SELECT FROM es.event_log l WHERE l.event_row = e.id)
                    ORDER BY e.xid, e.id
                ) late
                UNION ALL
                SELECT e AS event FROM es.events e
                WHERE $8 AND NOT EXISTS (SELECT FROM es.event_log l WHERE l.event_row = e.id)
            ), held AS MATERIALIZED (
                -- Locked only for something to number, so that an idle sequencer writes nothing.
                SELECT s.position FROM es.sequencer s
                WHERE s.epoch = $6 AND s.position = $3 AND EXISTS (SELECT FROM fresh)
                FOR UPDATE
            ), numbered AS MATERIALIZED (
                -- Without the lead there is no position, which the log refuses.
                SELECT event, held.position + row_number() OVER (ORDER BY (event).id) AS position,
                       es.leaf(event) AS leaf
                FROM fresh LEFT JOIN held ON true
            ), chained AS MATERIALIZED (
                SELECT event, position,
                       es.chain($4::bytea, position, leaf) OVER (ORDER BY position) AS hash
                FROM numbered
            ), logged AS (
                INSERT INTO es.event_log (position, event_row, assigned_at, hash)
                SELECT position, (event).id, $5, hash FROM chained ORDER BY position
            ), last AS MATERIALIZED (
                SELECT position, hash FROM chained ORDER BY position DESC LIMIT 1
            ), moved AS (
                UPDATE es.sequencer s
                SET position = last.position, hash = last.hash, snapshot = seen.snapshot
                FROM seen, last
                WHERE s.epoch = $6
            )
            SELECT c.position AS "position!", c.hash AS "hash!", (c.event).aggregate_type AS "aggregate_type!",
                   (c.event).aggregate_id AS "aggregate_id!", (c.event).sequence AS "sequence!",
                   (c.event).event_id AS "event_id!", (c.event).event_type AS "event_type!",
                   (c.event).event_version AS "event_version!",
                   (c.event).recorded_at AS "recorded_at!",
                   (c.event).payload::text AS "payload!", (c.event).metadata::text AS "metadata!",
                   (SELECT position FROM last) AS "last!", (SELECT hash FROM last) AS "last_hash!",
                   (SELECT pg_snapshot_xmax(snapshot)::text FROM seen) AS "xmax!",
                   (SELECT ARRAY(SELECT x::text FROM pg_snapshot_xip(snapshot) AS x) FROM seen) AS "xip!"
            FROM chained c ORDER BY c.position LIMIT $7
            "#,
            mark.xmax,
            &mark.xip,
            mark.position,
            mark.hash,
            now,
            self.epoch,
            HANDOVER_ROWS_MAX,
            self.restored
        )
        .fetch_all(&mut self.connection)
        .await;
        let rows = match numbered {
            Err(error) if is_without_lead(&error) => return Ok(Step::Fenced),
            numbered => numbered?,
        };
        let Some(end) = rows.last() else {
            return Ok(Step::Nothing);
        };
        fault::point("seq.committed");
        let end = Mark {
            position: end.last,
            hash: end.last_hash.clone(),
            xmax: end.xmax.clone(),
            xip: end.xip.clone(),
        };
        let rows: Result<Vec<LogRow>, LogError> = rows
            .into_iter()
            .map(|row| {
                LogRow::try_from(RawRow {
                    position: row.position,
                    hash: row.hash,
                    aggregate_type: row.aggregate_type,
                    aggregate_id: row.aggregate_id,
                    sequence: row.sequence,
                    event_id: row.event_id,
                    event_type: row.event_type,
                    event_version: row.event_version,
                    recorded_at: row.recorded_at,
                    payload: row.payload,
                    metadata: row.metadata,
                })
            })
            .collect();
        let (last, from) = (end.position, std::mem::replace(&mut self.mark, end));
        Ok(Step::Numbered(Numbered {
            rows: rows?,
            last,
            count: last - from.position,
            from: event_store::Mark::of_row(from.position, from.hash)?,
        }))
    }

    /// How many events wait, counted up to [`BACKLOG_LONG`].
    async fn backlog(&mut self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM (
                   (SELECT e.id FROM es.events e
                    WHERE e.xid >= (SELECT pg_snapshot_xmax(snapshot) FROM es.sequencer)
                      AND e.xid < pg_snapshot_xmax(pg_current_snapshot())
                      AND NOT EXISTS (SELECT FROM es.event_log l WHERE l.event_row = e.id)
                    -- As in the numbering: by the index, whatever the statistics say.
                    ORDER BY e.xid, e.id)
                   UNION ALL
                   SELECT late.id
                   FROM (SELECT pg_snapshot_xip(snapshot) AS xid FROM es.sequencer) open
                   CROSS JOIN LATERAL (
                       SELECT e.id FROM es.events e
                       WHERE e.xid BETWEEN open.xid AND open.xid
                         AND NOT EXISTS (SELECT FROM es.event_log l WHERE l.event_row = e.id)
                       ORDER BY e.xid, e.id
                   ) late
                   LIMIT $1
               ) waiting"#,
            BACKLOG_LONG
        )
        .fetch_one(&mut self.connection)
        .await
    }
}
