//! The relay: takes numbered events, sends them to Kafka, and moves its cursor once the broker has
//! all of them. A crash between the two repeats records; whoever reads drops what it has.

use std::collections::HashMap;

use infra::event_store::{EventLog, LogError, LogRow};
use infra::fault;
use infra::kafka::{EventProducer, ProduceError};
use infra::lifecycle::{Loop, Progress};
use sqlx::PgPool;

use super::Handover;
use super::sequencer::position_gauge;

/// Records sent before their acknowledgements are awaited.
const BATCH_MAX: i64 = 1_000;

/// Sends the log to Kafka while this process leads.
pub struct Relay {
    pool: PgPool,
    log: EventLog,
    producer: EventProducer,
    handover: Handover,
    leading: Option<Sent>,
}

/// How far this leader has sent.
struct Sent {
    epoch: i64,
    cursor: i64,
    /// The last position in each (topic, partition).
    last: HashMap<(String, i32), i64>,
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
}

impl Relay {
    /// A relay that follows the sequencer at the other end of `handover`.
    pub fn new(pool: PgPool, producer: EventProducer, handover: Handover) -> Self {
        Self {
            log: EventLog::new(pool.clone()),
            pool,
            producer,
            handover,
            leading: None,
        }
    }

    /// How far has been sent, read from the database whenever the epoch is new.
    async fn leading(&mut self) -> Result<Option<Sent>, RelayError> {
        let epoch = *self.handover.epoch.borrow_and_update();
        let Some(epoch) = epoch else { return Ok(None) };
        if let Some(sent) = self.leading.take()
            && sent.epoch == epoch
        {
            return Ok(Some(sent));
        }
        let cursor = sqlx::query_scalar!("SELECT position FROM ops.publisher_cursor")
            .fetch_one(&self.pool)
            .await?;
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
        }))
    }

    /// What comes after `cursor`: from the sequencer's hands, or from the log when they are ahead.
    async fn next(&mut self, cursor: i64) -> Result<Vec<LogRow>, RelayError> {
        while let Ok(batch) = self.handover.batches.try_recv() {
            match batch.first() {
                Some(first) if first.position == cursor + 1 => return Ok(batch),
                Some(first) if first.position > cursor + 1 => break,
                Some(_) | None => {}
            }
        }
        Ok(self.log.after(cursor, BATCH_MAX).await?)
    }

    async fn move_cursor(&self, sent: &Sent) -> Result<bool, RelayError> {
        let (mut topics, mut partitions, mut positions) = (Vec::new(), Vec::new(), Vec::new());
        for ((topic, partition), position) in &sent.last {
            topics.push(topic.clone());
            partitions.push(*partition);
            positions.push(*position);
        }
        // Everything up to the cursor is acknowledged, so a leader that was deposed meanwhile would
        // do no harm by saying so; the epoch keeps it from saying it late.
        let moved = sqlx::query_scalar!(
            r#"
            WITH moved AS (
                UPDATE ops.publisher_cursor SET position = $1
                WHERE position < $1 AND EXISTS (SELECT FROM es.sequencer WHERE epoch = $2)
                RETURNING 1
            ), kept AS (
                INSERT INTO ops.topic_positions (topic, partition, position)
                SELECT * FROM unnest($3::text[], $4::integer[], $5::bigint[])
                WHERE EXISTS (SELECT FROM moved)
                ON CONFLICT (topic, partition) DO UPDATE SET position = excluded.position
                    WHERE ops.topic_positions.position < excluded.position
            )
            SELECT EXISTS (SELECT FROM moved) AS "moved!"
            "#,
            sent.cursor,
            sent.epoch,
            &topics,
            &partitions,
            &positions
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(moved)
    }
}

impl Loop for Relay {
    const NAME: &'static str = "relay";
    type Error = RelayError;

    async fn step(&mut self) -> Result<Progress, RelayError> {
        let Some(mut sent) = self.leading().await? else {
            return Ok(Progress::Idle);
        };
        let rows = self.next(sent.cursor).await?;
        fault::point("pub.read");
        let Some(end) = rows.last().map(|row| row.position) else {
            self.leading = Some(sent);
            return Ok(Progress::Idle);
        };
        // On an error `leading` stays empty, so that the next step reads the stored cursor.
        sent.last = self.producer.send(&rows, sent.last).await?;
        fault::point("pub.acked");
        sent.cursor = end;
        if self.move_cursor(&sent).await? {
            metrics::gauge!("ramen_published_position").set(position_gauge(end));
            self.leading = Some(sent);
        }
        fault::point("pub.cursor");
        Ok(Progress::Did(rows.len()))
    }
}
