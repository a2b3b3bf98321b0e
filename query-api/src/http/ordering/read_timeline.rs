//! `GET /v1/orders/{id}/timeline`: the story of an order, one entry for each event.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::kernel::ids::OrderId;
use infra::http::policy::action;
use infra::http::{ApiError, Caller, Consistency, Json, Path, Problem};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::order_status::OrderStatus;
use crate::app::App;
use crate::error::db;
use crate::http::{json_of, private};
use crate::scope::ScopeFilter;

/// An order's story.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Timeline {
    /// Oldest first.
    entries: Vec<TimelineEntry>,
}

/// What happened.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelineEntry {
    /// Place in the order's history, from 1.
    sequence: i64,
    /// The event's name.
    event: String,
    /// When it happened.
    happened_at: DateTime<Utc>,
    /// When it was stored.
    recorded_at: DateTime<Utc>,
    /// More on it.
    #[schema(value_type = Object)]
    facts: Value,
}

/// Reads the story of an order.
#[utoipa::path(get, path = "/v1/orders/{order_id}/timeline", operation_id = "read_timeline",
    tag = "ordering",
    params(("order_id" = Uuid, Path, description = "The order.")),
    responses((status = 200, body = Timeline), (status = "default", body = Problem)))]
pub(crate) async fn read_timeline(
    State(app): State<App>,
    by: Caller<action::ReadTimeline>,
    Path(id): Path<OrderId>,
    consistency: Consistency,
) -> Result<Response, ApiError> {
    let seen = app.views_seen(&consistency).await?;
    let scope = ScopeFilter::from(&by.scope);
    let order = OrderStatus::read(app.pool(), id.uuid(), &scope)
        .await
        .map_err(db)?;
    let order = order.ok_or_else(ApiError::not_found)?;
    let rows = sqlx::query!(
        r#"SELECT sequence, event, happened_at, recorded_at, facts::text AS "facts!"
           FROM views.order_timeline WHERE order_id = $1 ORDER BY sequence"#,
        order.id
    )
    .fetch_all(app.pool())
    .await
    .map_err(db)?;
    let entries = rows
        .into_iter()
        .map(|row| {
            Ok(TimelineEntry {
                sequence: row.sequence,
                event: row.event,
                happened_at: row.happened_at,
                recorded_at: row.recorded_at,
                facts: json_of(&row.facts)?,
            })
        })
        .collect::<Result<Vec<_>, ApiError>>()?;
    Ok(seen.mark(private(Json::<_>(Timeline { entries }).into_response())))
}
