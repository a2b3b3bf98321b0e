//! The relay: takes numbered events, sends them to Kafka, and moves its cursor once the broker has
//! all of them. A crash between the two repeats records; whoever reads drops what it has.
//!
//! A step never waits long for the broker: what is on its way stays there, and the next step goes on
//! waiting for it, unless the lead was lost meanwhile.

use std::time::Duration;

use infra::event_store::{EventLog, LogError, LogRow, Mark};
use infra::fault;
use infra::feed::HistoryAlarm;
use infra::http::health::Readiness;
use infra::kafka::{EventProducer, LastSent, OnTheWay, ProduceError};
use infra::lifecycle::{Loop, Progress};
use infra::telemetry::{as_gauge, joins};
use sqlx::PgPool;
use tracing::{Instrument as _, Span};

use super::{Handover, traces_of};

/// Records sent before their acknowledgements are awaited.
const BATCH_MAX: i64 = 1_000;
/// One step's wait for acknowledgements, so that a stopping process and a lost lead are noticed.
const STEP_MAX: Duration = Duration::from_secs(3);

/// The cursor and the log are in one database: somebody has restored one without the other.
const REMEDY: &str = "point it at the right store; if the store was restored on purpose, what the topics \
     hold beyond it never happened: make new topics and set ops.publisher_cursor to 0";

/// Sends the log to Kafka while this process leads.
pub struct Relay {
    pool: PgPool,
    log: EventLog,
    producer: EventProducer,
    handover: Handover,
    leading: Option<Sent>,
    alarm: HistoryAlarm,
    /// An epoch that is over, although the sequencer has not said so yet.
    deposed: Option<i64>,
}

/// How far this leader has sent.
struct Sent {
    epoch: i64,
    cursor: Mark,
    last: LastSent,
    on_the_way: Option<Batch>,
}

/// Sent and not yet acknowledged.
struct Batch {
    end: Mark,
    count: usize,
    records: OnTheWay,
    /// From the sending to the cursor.
    span: Span,
}

/// Why a step of the relay failed. The next one begins at the stored cursor.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The cursor could not be read or moved.
    #[error("the publisher's cursor cannot be read or written")]
    Cursor(#[from] sqlx::Error),
    /// The log could not be read.
    #[error("the publisher cannot read the log")]
    Log(#[from] LogError),
    /// The broker did not take everything.
    #[error("publishing to the broker failed")]
    Produce(#[from] ProduceError),
    /// The broker has not answered yet. What was sent is still on its way.
    #[error("the broker has not acknowledged position {0} yet")]
    Late(i64),
}

impl Relay {
    /// A relay that follows the sequencer at the other end of `handover`.
    pub fn new(
        pool: PgPool,
        producer: EventProducer,
        handover: Handover,
        readiness: &Readiness,
    ) -> Self {
        Self {
            log: EventLog::new(pool.clone()),
            pool,
            producer,
            handover,
            alarm: HistoryAlarm::new("relay", REMEDY, readiness),
            leading: None,
            deposed: None,
        }
    }

    /// How far has been sent, read from the database whenever the epoch is new.
    async fn leading(&mut self) -> Result<Option<Sent>, RelayError> {
        let epoch = *self.handover.epoch.borrow_and_update();
        let Some(epoch) = epoch else { return Ok(None) };
        if self.deposed == Some(epoch) {
            return Ok(None);
        }
        if let Some(sent) = self.leading.take()
            && sent.epoch == epoch
        {
            return Ok(Some(sent));
        }
        let row = sqlx::query!("SELECT position, hash FROM ops.publisher_cursor")
            .fetch_one(&self.pool)
            .await?;
        let cursor = Mark::of_row(row.position, row.hash)?;
        self.log.verify([cursor]).await?;
        let rows = sqlx::query!("SELECT topic, partition, position FROM ops.topic_positions")
            .fetch_all(&self.pool)
            .await?;
        let last = rows
            .into_iter()
            .map(|row| ((row.topic, row.partition), row.position))
            .collect();
        Ok(Some(Sent {
            epoch,
            cursor,
            last,
            on_the_way: None,
        }))
    }

    /// What comes after `cursor`: from the sequencer's hands, or from the log when they are ahead.
    async fn next(&mut self, cursor: Mark) -> Result<Vec<LogRow>, RelayError> {
        while let Ok(batch) = self.handover.batches.try_recv() {
            match batch.first() {
                Some(first) if first.position == cursor.position + 1 => return Ok(batch),
                Some(first) if first.position > cursor.position + 1 => break,
                Some(_) | None => {}
            }
        }
        Ok(self.log.after(cursor, BATCH_MAX).await?)
    }

    /// The batch that is on its way, or the next one, sent just now.
    async fn batch(&mut self, sent: &mut Sent) -> Result<Option<Batch>, RelayError> {
        if let Some(batch) = sent.on_the_way.take() {
            return Ok(Some(batch));
        }
        let rows = self.next(sent.cursor).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        fault::point("pub.read");
        let span = tracing::debug_span!("publish", events = rows.len());
        joins(&span, traces_of(&rows));
        let mut records = self.producer.send(&rows, sent.last.clone()).await?;
        fault::point("pub.produced");
        sent.last = std::mem::take(&mut records.last);
        let count = records.taken;
        let end = rows.get(count - 1).map_or(sent.cursor, LogRow::mark);
        Ok(Some(Batch {
            end,
            count,
            records,
            span,
        }))
    }

    /// Whether the broker has all of `batch`; waits a while for it, and not once the lead is lost.
    async fn acknowledged(&mut self, batch: &mut Batch) -> Result<bool, ProduceError> {
        tokio::select! {
            acknowledged = batch.records.acknowledged() => acknowledged.map(|()| true),
            // The sequencer's end lives as long as the process.
            _ = self.handover.epoch.changed() => Ok(false),
            () = tokio::time::sleep(STEP_MAX) => Ok(false),
        }
    }
}

/// What came of moving the cursor.
struct Moved {
    /// It has moved.
    cursor: bool,
    /// The epoch is still the present one.
    leads: bool,
}

impl Moved {
    /// Moves the cursor to `cursor` while `epoch` is the present one.
    #[tracing::instrument(name = "db.cursor_move", skip_all, level = "debug")]
    async fn to(
        pool: &PgPool,
        epoch: i64,
        cursor: Mark,
        last: &LastSent,
    ) -> Result<Self, sqlx::Error> {
        let (mut topics, mut partitions, mut positions) = (Vec::new(), Vec::new(), Vec::new());
        for ((topic, partition), position) in last {
            topics.push(topic.clone());
            partitions.push(*partition);
            positions.push(*position);
        }
        // Everything up to the cursor is acknowledged, so a leader that was deposed meanwhile would
        // do no harm by saying so; the epoch keeps it from saying it late.
        sqlx::query_as!(
            Moved,
            r#"
            WITH leads AS MATERIALIZED (
                SELECT FROM es.sequencer WHERE epoch = $2
            ), moved AS (
                UPDATE ops.publisher_cursor SET position = $1, hash = $6
                WHERE position < $1 AND EXISTS (SELECT FROM leads)
                RETURNING 1
            ), kept AS (
                INSERT INTO ops.topic_positions (topic, partition, position)
                SELECT * FROM unnest($3::text[], $4::integer[], $5::bigint[])
                WHERE EXISTS (SELECT FROM moved)
                ON CONFLICT (topic, partition) DO UPDATE SET position = excluded.position
                    WHERE ops.topic_positions.position < excluded.position
            )
            SELECT EXISTS (SELECT FROM moved) AS "cursor!", EXISTS (SELECT FROM leads) AS "leads!"
            "#,
            cursor.position,
            epoch,
            &topics,
            &partitions,
            &positions,
            cursor.hash.as_bytes()
        )
        .fetch_one(pool)
        .await
    }
}

impl Loop for Relay {
    const NAME: &'static str = "relay";
    type Error = RelayError;

    async fn step(&mut self) -> Result<Progress, RelayError> {
        let outcome = self.publish().await;
        self.alarm.hear(&outcome);
        outcome
    }
}

impl Relay {
    async fn publish(&mut self) -> Result<Progress, RelayError> {
        let Some(mut sent) = self.leading().await? else {
            return Ok(Progress::Idle);
        };
        // On an error `leading` stays empty, so that the next step reads the stored cursor.
        let Some(mut batch) = self.batch(&mut sent).await? else {
            self.leading = Some(sent);
            return Ok(Progress::Idle);
        };
        if !self.acknowledged(&mut batch).await? {
            let end = batch.end.position;
            sent.on_the_way = Some(batch);
            self.leading = Some(sent);
            return Err(RelayError::Late(end));
        }
        fault::point("pub.acked");
        sent.cursor = batch.end;
        let moved = Moved::to(&self.pool, sent.epoch, sent.cursor, &sent.last);
        let moved = moved.instrument(batch.span.clone()).await?;
        if !moved.leads {
            tracing::warn!(
                epoch = sent.epoch,
                "another publisher leads; nothing more is sent"
            );
            self.deposed = Some(sent.epoch);
            return Ok(Progress::Idle);
        }
        if moved.cursor {
            metrics::gauge!("ramen_published_position").set(as_gauge(batch.end.position));
            self.leading = Some(sent);
        }
        fault::point("pub.cursor");
        Ok(Progress::Did(batch.count))
    }
}
