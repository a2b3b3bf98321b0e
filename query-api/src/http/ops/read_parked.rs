//! `GET /v1/ops/parked`: events that a view could not fold, oldest first.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use infra::http::policy::action;
use infra::http::{ApiError, Json, Ops, Problem, Query};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::App;
use crate::error::db;
use crate::http::paging::{PAGE_DEFAULT, limit_of};
use crate::http::private;

/// What is asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadParked {
    /// At most so many, 1 to 100.
    limit: u32,
}

domain::collect_struct!(ReadParked { limit = PAGE_DEFAULT });

/// What is parked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Parked {
    /// How many events are parked in all.
    total: i64,
    /// The first event of each parked stream and view, oldest first.
    streams: Vec<ParkedStream>,
}

/// A stream that a view cannot follow.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParkedStream {
    /// The view.
    view: String,
    /// The aggregate's kind.
    kind: String,
    /// The aggregate.
    stream: Uuid,
    /// First event that could not be folded.
    sequence: i64,
    /// Its name.
    event_type: String,
    /// Why.
    error: Option<String>,
    /// Events parked of this stream, for this view.
    events: i64,
    /// Since when.
    parked_at: DateTime<Utc>,
}

/// Reads what is parked.
#[utoipa::path(get, path = "/v1/ops/parked", operation_id = "read_parked", tag = "ops",
    params(ReadParked),
    responses((status = 200, body = Parked), (status = "default", body = Problem)))]
pub(crate) async fn read_parked(
    State(app): State<App>,
    _by: Ops<action::ReadParked>,
    Query(asked): Query<ReadParked>,
) -> Result<Response, ApiError> {
    let limit = limit_of(asked.limit)?;
    let rows = sqlx::query!(
        r#"SELECT DISTINCT ON (view, kind, stream) view, kind, stream, sequence, event_type, error,
                  parked_at,
                  count(*) OVER (PARTITION BY view, kind, stream) AS "events!",
                  count(*) OVER () AS "total!"
           FROM views.parked_events ORDER BY view, kind, stream, sequence"#
    )
    .fetch_all(app.pool())
    .await
    .map_err(db)?;
    let total = rows.first().map_or(0, |row| row.total);
    let mut streams: Vec<ParkedStream> = rows
        .into_iter()
        .map(|row| ParkedStream {
            view: row.view,
            kind: row.kind,
            stream: row.stream,
            sequence: row.sequence,
            event_type: row.event_type,
            error: row.error,
            events: row.events,
            parked_at: row.parked_at,
        })
        .collect();
    streams.sort_by_key(|stream| stream.parked_at);
    streams.truncate(limit as usize);
    Ok(private(
        Json::<_>(Parked { total, streams }).into_response(),
    ))
}
