//! `GET /v1/ops/lag`: how far each view is behind the log.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use infra::http::policy::action;
use infra::http::{ApiError, Json, Ops, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::db;
use crate::http::private;

/// How far the read side is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Lag {
    /// Last position of the log.
    head: i64,
    /// Each view.
    views: Vec<ViewLag>,
}

/// How far one view is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ViewLag {
    /// The view.
    view: String,
    /// Everything up to this position is folded.
    position: i64,
    /// Events that it has not seen yet.
    behind: i64,
    /// Events that it could not fold, and those that wait behind them.
    parked: i64,
}

/// Reads how far each view is behind the log.
#[utoipa::path(get, path = "/v1/ops/lag", operation_id = "read_lag", tag = "ops",
    responses((status = 200, body = Lag), (status = "default", body = Problem)))]
pub(crate) async fn read_lag(
    State(app): State<App>,
    _by: Ops<action::ReadLag>,
) -> Result<Response, ApiError> {
    // The store's checkpoint is the frontier below which everything was seen, whatever the feed.
    let rows = sqlx::query!(
        r#"SELECT c.view, c.position,
                  (SELECT count(*) FROM views.parked_events p WHERE p.view = c.view) AS "parked!",
                  (SELECT coalesce(max(position), 0) FROM es.event_log) AS "head!"
           FROM views.checkpoints c WHERE c.topic = 'store' ORDER BY c.view"#
    )
    .fetch_all(app.pool())
    .await
    .map_err(db)?;
    let head = rows.iter().map(|row| row.head).max().unwrap_or(0);
    let views = rows.into_iter().map(|row| ViewLag {
        view: row.view,
        position: row.position,
        behind: head - row.position,
        parked: row.parked,
    });
    Ok(private(
        Json::<_>(Lag {
            head,
            views: views.collect(),
        })
        .into_response(),
    ))
}
