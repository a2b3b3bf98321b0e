//! The sequencer: dense positions for events in the order of their ids, by difference of snapshots.
//!
//! It keeps the last `pg_snapshot` and numbers what was not visible then and is now, so nobody waits
//! for a slow transaction and nothing is passed over when commits overtake one another. An advisory
//! lock keeps a second one idle; the epoch, locked and checked before every numbering, keeps one that
//! lost its leadership unawares from writing.

use std::time::Duration;

use infra::clock::Clock;
use infra::event_store::{LogError, LogRow, RawRow};
use infra::fault;
use infra::feed::HeadWatch;
use infra::lifecycle::{Loop, Progress};
use infra::postgres::{Role, take_role};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use super::Leadership;

/// The advisory lock that the leader holds: "ramen", "seq" in ASCII, nothing else uses it.
const LEADER_LOCK: i64 = 0x7261_6d65_6e73_6571;
/// Rows handed over in memory at most; a larger batch (after a restore) is read from the log.
const HANDOVER_ROWS_MAX: i64 = 2_000;
/// A statement of the sequencer that takes longer than this has met a fault.
const STATEMENT_MAX: Duration = Duration::from_secs(60);

/// Numbers committed events while it leads.
pub struct Sequencer {
    options: PgConnectOptions,
    clock: Clock,
    head: HeadWatch,
    leadership: Leadership,
    leader: Option<Leader>,
}

struct Leader {
    connection: PgConnection,
    epoch: i64,
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

/// Where the order stands, read under the row's lock.
struct Mark {
    position: i64,
    hash: Vec<u8>,
    xmax: String,
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
        let statement_max = STATEMENT_MAX.as_millis().to_string();
        let options = options
            .application_name("ramen-sequencer")
            .options([
                ("jit", "off"),
                ("enable_seqscan", "off"),
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
                ("synchronous_commit", "on"),
                ("statement_timeout", statement_max.as_str()),
            ])
            .disable_statement_logging();
        Self {
            options,
            clock,
            head,
            leadership,
            leader: None,
        }
    }

    /// Takes the lead if nobody has it. `None` while another sequencer leads.
    async fn lead(&mut self) -> Result<Option<Leader>, SequencerError> {
        if let Some(leader) = self.leader.take() {
            return Ok(Some(leader));
        }
        let mut connection = self.options.connect().await?;
        take_role(&mut connection, Role::App).await?;
        let locked = sqlx::query_scalar!(
            r#"SELECT pg_try_advisory_lock($1) AS "locked!""#,
            LEADER_LOCK
        )
        .fetch_one(&mut connection)
        .await?;
        if !locked {
            connection.close().await?;
            return Ok(None);
        }
        let row =
            sqlx::query!("UPDATE es.sequencer SET epoch = epoch + 1 RETURNING epoch, position")
                .fetch_one(&mut connection)
                .await?;
        tracing::info!(
            epoch = row.epoch,
            position = row.position,
            "leading the publisher"
        );
        self.head.advance(row.position);
        self.leadership.epoch.send_replace(Some(row.epoch));
        Ok(Some(Leader {
            connection,
            epoch: row.epoch,
        }))
    }

    fn handed_over(&self, numbered: Numbered) -> Progress {
        let Numbered { rows, last, count } = numbered;
        metrics::gauge!("ramen_log_position").set(position_gauge(last));
        // The relay is behind when this is full, and then reads the log.
        if self.leadership.batches.try_send(rows).is_err() {
            tracing::debug!(position = last, "the relay is behind; it will read the log");
        }
        self.leadership.relay.ring();
        self.head.advance(last);
        Progress::Did(usize::try_from(count).unwrap_or(usize::MAX))
    }
}

impl Loop for Sequencer {
    const NAME: &'static str = "sequencer";
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
                Ok(Progress::Idle)
            }
            Err(error) => {
                self.leadership.epoch.send_replace(None);
                Err(error)
            }
        }
    }
}

enum Step {
    Numbered(Numbered),
    Nothing,
    Fenced,
}

struct Numbered {
    rows: Vec<LogRow>,
    last: i64,
    count: i64,
}

impl Leader {
    async fn number(&mut self, now: chrono::DateTime<chrono::Utc>) -> Result<Step, SequencerError> {
        if !self.something_new().await? {
            return Ok(Step::Nothing);
        }
        let mut tx = self.connection.begin().await?;
        // In a statement of its own: one that waits for a row's lock keeps the snapshot it had
        // before the wait, and the rows below must be seen with a later one.
        let mark = sqlx::query_as!(
            Mark,
            r#"SELECT position, hash, pg_snapshot_xmax(snapshot)::text AS "xmax!",
                      ARRAY(SELECT x::text FROM pg_snapshot_xip(snapshot) AS x) AS "xip!"
               FROM es.sequencer WHERE epoch = $1 FOR UPDATE"#,
            self.epoch
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(mark) = mark else {
            return Ok(Step::Fenced);
        };
        let rows = sqlx::query!(
            r#"
            WITH seen AS MATERIALIZED (
                SELECT pg_current_snapshot() AS snapshot
            ), fresh AS MATERIALIZED (
                SELECT e AS event FROM es.events e WHERE e.xid >= $1::text::xid8
                UNION ALL
                SELECT e AS event FROM es.events e WHERE e.xid = ANY($2::text[]::xid8[])
            ), numbered AS MATERIALIZED (
                SELECT event, $3::bigint + row_number() OVER (ORDER BY (event).id) AS position,
                       es.leaf(event) AS leaf
                FROM fresh
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
                FROM last, seen
                WHERE s.epoch = $6
            )
            SELECT c.position AS "position!", (c.event).aggregate_type AS "aggregate_type!",
                   (c.event).aggregate_id AS "aggregate_id!", (c.event).sequence AS "sequence!",
                   (c.event).event_id AS "event_id!", (c.event).event_type AS "event_type!",
                   (c.event).event_version AS "event_version!",
                   (c.event).recorded_at AS "recorded_at!",
                   (c.event).payload::text AS "payload!", (c.event).metadata::text AS "metadata!",
                   (SELECT position FROM last) AS "last!"
            FROM chained c ORDER BY c.position LIMIT $7
            "#,
            mark.xmax,
            &mark.xip,
            mark.position,
            mark.hash,
            now,
            self.epoch,
            HANDOVER_ROWS_MAX
        )
        .fetch_all(&mut *tx)
        .await?;
        fault::point("seq.numbered");
        tx.commit().await?;
        fault::point("seq.committed");
        let Some(last) = rows.last().map(|row| row.last) else {
            return Ok(Step::Nothing);
        };
        let rows: Result<Vec<LogRow>, LogError> = rows
            .into_iter()
            .map(|row| {
                LogRow::try_from(RawRow {
                    position: row.position,
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
        Ok(Step::Numbered(Numbered {
            rows: rows?,
            last,
            count: last - mark.position,
        }))
    }

    /// Asked without a lock, so that an idle sequencer writes nothing.
    async fn something_new(&mut self) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar!(
            r#"SELECT (EXISTS (
                   SELECT FROM es.events e
                   WHERE e.xid >= (SELECT pg_snapshot_xmax(snapshot) FROM es.sequencer))
               OR EXISTS (
                   SELECT FROM es.events e
                   WHERE e.xid = ANY(ARRAY(
                       SELECT pg_snapshot_xip(snapshot) FROM es.sequencer)))) AS "new!""#
        )
        .fetch_one(&mut self.connection)
        .await
    }
}

/// A gauge is a float; positions stay exact up to 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 events")]
pub(super) fn position_gauge(position: i64) -> f64 {
    position as f64
}
