//! Snapshots of streams that grow for ever. Written behind the commands' backs, read with the
//! events in one query, and ignored when the state's shape has changed since.

use domain::aggregates::Kind;
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::StreamId;

/// Events between two snapshots of one stream (performance §4, "load").
const INTERVAL_EVENTS: i64 = 500;
/// Snapshots waiting to be written; more are dropped, since the next interval brings another.
const QUEUE_MAX: usize = 64;

/// The shape of the snapshotted state. Raise it when the state of its kind changes its JSON.
pub(super) fn schema_version(kind: Kind) -> i32 {
    match kind {
        Kind::Promotion => 1,
        Kind::Inventory => 2,
        // Short streams: nothing was ever written under this version.
        Kind::Restaurant
        | Kind::Menu
        | Kind::PromotionBook
        | Kind::Cart
        | Kind::Order
        | Kind::Payment
        | Kind::Delivery
        | Kind::Driver => 0,
    }
}

/// Whether the step from `before` to `after` crosses an interval of a snapshotted kind.
pub(super) fn due(kind: Kind, before: i64, after: i64) -> bool {
    schema_version(kind) > 0 && before / INTERVAL_EVENTS != after / INTERVAL_EVENTS
}

/// The state of a stream up to one of its events.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The stream.
    pub stream: StreamId,
    /// The last event in it.
    pub sequence: i64,
    /// The state as JSON.
    pub state: String,
}

/// Where states are left to be written.
#[derive(Clone)]
pub(super) struct SnapshotQueue {
    sender: mpsc::Sender<Snapshot>,
}

impl SnapshotQueue {
    pub(super) fn offer(&self, snapshot: Snapshot) {
        let stream = snapshot.stream;
        if self.sender.try_send(snapshot).is_err() {
            tracing::debug!(%stream, "a snapshot was left out: the queue is full");
        }
    }
}

/// The task that writes snapshots.
pub(super) struct SnapshotWriter {
    pool: PgPool,
    queue: mpsc::Receiver<Snapshot>,
}

pub(super) fn channel(pool: PgPool) -> (SnapshotQueue, SnapshotWriter) {
    let (sender, queue) = mpsc::channel(QUEUE_MAX);
    (SnapshotQueue { sender }, SnapshotWriter { pool, queue })
}

impl SnapshotWriter {
    /// Writes what is offered until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            let snapshot = tokio::select! {
                () = stop.cancelled() => return,
                snapshot = self.queue.recv() => snapshot,
            };
            let Some(snapshot) = snapshot else { return };
            if let Err(error) = self.write(&snapshot).await {
                tracing::warn!(stream = %snapshot.stream, %error, "a snapshot was not written");
            }
        }
    }

    #[tracing::instrument(name = "db.snapshot_write", skip_all, level = "debug")]
    async fn write(&self, snapshot: &Snapshot) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "INSERT INTO es.snapshots
                 (aggregate_type, aggregate_id, sequence, schema_version, state)
             VALUES ($1, $2, $3, $4, $5::text::json)
             ON CONFLICT (aggregate_type, aggregate_id) DO UPDATE
                 SET sequence = excluded.sequence, schema_version = excluded.schema_version,
                     state = excluded.state
                 WHERE es.snapshots.sequence < excluded.sequence
                    OR es.snapshots.schema_version <> excluded.schema_version",
            snapshot.stream.kind.as_str(),
            snapshot.stream.id.to_string(),
            snapshot.sequence,
            schema_version(snapshot.stream.kind),
            snapshot.state,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
