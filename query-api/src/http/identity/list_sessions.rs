//! `GET /v1/me/sessions`: where one is signed in. Logins are kept by the edge, which reads them for every
//! request anyway; no view is asked.

use std::sync::Arc;

use axum::Extension;
use axum::response::Response;
use chrono::{DateTime, Utc};
use infra::http::logins::SessionPage;
use infra::http::policy::{Role, action};
use infra::http::{ApiError, Caller, Edge, Problem, Query};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::paging::{Cursor, Key, List, PAGE_DEFAULT, limit_of};

/// The live logins of a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sessions {
    /// The newest first.
    sessions: Vec<Session>,
    /// For the next page; none on the last.
    cursor: Option<Cursor>,
}

/// What is asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListSessions {
    /// At most so many, 1 to 100.
    limit: u32,
    /// Where the page before ended, from its `Link`.
    cursor: Option<Cursor>,
}

domain::collect_struct!(ListSessions { limit = PAGE_DEFAULT, cursor });

/// What the list is ordered by.
struct Opened {
    at: DateTime<Utc>,
    login: Uuid,
}

impl Key for Opened {
    fn to_bytes(&self) -> Vec<u8> {
        let at = self.at.timestamp_micros().to_be_bytes();
        [at.as_slice(), self.login.as_bytes()].concat()
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (at, login) = bytes.split_first_chunk()?;
        Some(Self {
            at: DateTime::from_timestamp_micros(i64::from_be_bytes(*at))?,
            login: Uuid::from_slice(login).ok()?,
        })
    }
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
    params(ListSessions),
    responses((status = 200, body = Sessions), (status = "default", body = Problem)))]
pub(crate) async fn list_sessions(
    Extension(edge): Extension<Arc<Edge>>,
    by: Caller<action::ListSessions>,
    Query(asked): Query<ListSessions>,
) -> Result<Response, ApiError> {
    let limit = limit_of(asked.limit)?;
    let list = List::new("/v1/me/sessions", by.principal.id);
    let after: Option<Opened> = list.after(asked.cursor.as_ref())?;
    let page = SessionPage {
        behind: after.map(|last| (last.at, last.login)),
        limit: i64::from(limit) + 1,
    };
    let live = edge.logins.live_of(by.principal.id, page).await?;
    let sessions = live.into_iter().map(|login| Session {
        id: login.login,
        role: login.role,
        current: login.login == by.principal.login,
        created_at: login.created_at,
        refreshed_at: login.refreshed_at,
        expires_at: login.expires_at,
    });
    let mut sessions: Vec<Session> = sessions.collect();
    let cursor = list.cut(&mut sessions, limit, |session| Opened {
        at: session.created_at,
        login: session.id,
    });
    let next = cursor.clone();
    Ok(list.answer(Sessions { sessions, cursor }, limit, next.as_ref()))
}
