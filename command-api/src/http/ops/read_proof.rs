//! What proves that an event is in the log as it was written: its columns, and the leaves between the
//! two signed checkpoints around it. Whoever has the signer's public key can follow the chain from one
//! to the other without trusting us or our database.

use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use infra::event_store::{EventLog, LogRow};
use infra::http::policy::action::ReadProof;
use infra::http::{ApiError, Json, Ops, Path, Unavailable};
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;
use uuid::Uuid;

use super::log_failed;
use crate::app::App;
use crate::http::answer::Refusals;
use crate::publisher::{STRETCH_MAX, chain};

/// The proof of one event.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Proof {
    /// The event as it is stored.
    event: ProvenEvent,
    /// The signed note before it; absent for what stands before the first, whose hash is 32 zeros.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// The position of the note before it, 0 when there is none.
    from_position: i64,
    /// The signed note at it or after it.
    to: String,
    /// Base64 of the leaves from `from_position + 1` up to the position of `to`: `hash(n) =
    /// SHA-256(01 ‖ hash(n-1) ‖ n as 8 bytes ‖ leaf(n))`.
    leaves: Vec<String>,
    /// Public keys of the notes, `name+id+key` as a C2SP signed note writes them.
    verifiers: Vec<String>,
}

/// The columns that an event's leaf covers, in their order: SHA-256 of a zero byte and these, texts
/// behind a 4-byte length, numbers as 8 bytes, all big-endian.
#[derive(Debug, Serialize, ToSchema)]
struct ProvenEvent {
    /// Its number in the whole log.
    position: i64,
    /// The kind of its aggregate.
    aggregate_type: &'static str,
    /// Its aggregate.
    aggregate_id: Uuid,
    /// Its number in the aggregate.
    sequence: i64,
    /// Its name.
    event_type: String,
    /// The version of its form.
    event_version: String,
    /// Its own id.
    event_id: Uuid,
    /// Microseconds since 2000-01-01.
    recorded_at_us: i64,
    /// JSON, byte for byte.
    payload: String,
    /// JSON, byte for byte.
    metadata: String,
}

/// Reads the proof of an event. One that is not signed yet has none for up to a minute.
#[utoipa::path(
    get,
    path = "/v1/ops/proof/{position}",
    params(("position" = i64, Path, description = "The event's number in the whole log, as the audit shows it")),
    responses((status = 200, description = "The proof.", body = Proof), Refusals)
)]
pub(super) async fn read_proof(
    State(app): State<App>,
    _by: Ops<ReadProof>,
    Path(position): Path<i64>,
) -> Result<Json<Proof>, ApiError> {
    let around = Around::read(&app.pool, position).await?;
    let log = EventLog::new(app.pool.clone());
    let stretch = log
        .after_position(around.from_position, STRETCH_MAX)
        .await
        .map_err(log_failed)?;
    let event = stretch.iter().find(|row| row.position == position);
    let event = event.ok_or_else(ApiError::not_found)?;
    let covered = stretch
        .iter()
        .take_while(|row| row.position <= around.to_position);
    Ok(Json(Proof {
        event: ProvenEvent::of(event),
        from: around.from,
        from_position: around.from_position,
        to: around.to,
        leaves: covered
            .map(|row| STANDARD.encode(chain::leaf(row)))
            .collect(),
        verifiers: app.notary.verifiers(),
    }))
}

/// The notes around a position.
struct Around {
    from: Option<String>,
    from_position: i64,
    to: String,
    to_position: i64,
}

impl Around {
    async fn read(pool: &PgPool, position: i64) -> Result<Self, ApiError> {
        let after = sqlx::query!(
            "SELECT position, note FROM ops.checkpoints WHERE position >= $1
             ORDER BY position LIMIT 1",
            position
        )
        .fetch_optional(pool)
        .await
        .map_err(Unavailable::from)?;
        let Some(after) = after else {
            return Err(ApiError::not_found()
                .with_detail("the event is not covered by a signed checkpoint yet"));
        };
        let before = sqlx::query!(
            "SELECT position, note FROM ops.checkpoints WHERE position < $1
             ORDER BY position DESC LIMIT 1",
            position
        )
        .fetch_optional(pool)
        .await
        .map_err(Unavailable::from)?;
        Ok(Self {
            from_position: before.as_ref().map_or(0, |row| row.position),
            from: before.map(|row| row.note),
            to: after.note,
            to_position: after.position,
        })
    }
}

impl ProvenEvent {
    fn of(row: &LogRow) -> Self {
        Self {
            position: row.position,
            aggregate_type: row.stream.kind.as_str(),
            aggregate_id: row.stream.id,
            sequence: row.sequence,
            event_type: row.event_type.clone(),
            event_version: row.event_version.clone(),
            event_id: row.event_id,
            recorded_at_us: chain::micros_since_2000(row.recorded_at),
            payload: row.payload.clone(),
            metadata: row.metadata.clone(),
        }
    }
}
