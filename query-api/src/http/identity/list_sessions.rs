//! `GET /v1/me/sessions`: where one is signed in. Logins are kept by the edge, which reads them for every
//! request anyway; no view is asked.

use std::sync::Arc;

use axum::Extension;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use infra::http::policy::{Role, action};
use infra::http::{ApiError, Caller, Edge, Json, Problem};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::private;

/// The live logins of a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sessions {
    /// The newest first, at most 100.
    sessions: Vec<Session>,
}

/// One login.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    /// Its id, which opens nothing.
    id: Uuid,
    /// What one has signed in as.
    role: Role,
    /// Whether this request was made with it.
    current: bool,
    /// When one signed in.
    created_at: DateTime<Utc>,
    /// When its tokens were last exchanged.
    refreshed_at: Option<DateTime<Utc>>,
    /// When it ends unless it is refreshed before.
    expires_at: DateTime<Utc>,
}

/// Lists where one is signed in.
#[utoipa::path(get, path = "/v1/me/sessions", operation_id = "list_sessions", tag = "identity",
    responses((status = 200, body = Sessions), (status = "default", body = Problem)))]
pub(crate) async fn list_sessions(
    Extension(edge): Extension<Arc<Edge>>,
    by: Caller<action::ListSessions>,
) -> Result<Response, ApiError> {
    let live = edge.logins.live_of(by.principal.id).await?;
    let sessions = live.into_iter().map(|login| Session {
        id: login.login,
        role: login.role,
        current: login.login == by.principal.login,
        created_at: login.created_at,
        refreshed_at: login.refreshed_at,
        expires_at: login.expires_at,
    });
    let sessions = sessions.collect();
    Ok(private(Json::<_>(Sessions { sessions }).into_response()))
}
