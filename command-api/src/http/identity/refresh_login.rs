//! A login goes on: a refresh token is exchanged for an access token and the next refresh token. The
//! answer is secret, so it is kept nowhere and needs no Idempotency-Key: a client that has lost it asks
//! again with the same token at once (docs/adr/0014).

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use infra::http::logins::SignedIn;
use infra::http::{ApiError, Edge, Json, SignInRate};
use infra::limits;
use serde::Serialize;
use utoipa::ToSchema;

use super::RefreshTokenBody;
use crate::app::App;
use crate::http::answer::Refusals;

/// What a client needs to act as who has signed in. Secret: never log it, keep it where nobody reads it.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenPair {
    /// For `Authorization: Bearer`.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds that the access token is good for.
    expires_in: u64,
    /// For the next refresh; the one that was sent is used up.
    refresh_token: String,
    /// When the login ends unless it is refreshed before.
    refresh_expires_at: DateTime<Utc>,
}

impl TokenPair {
    fn of(signed_in: &SignedIn, edge: &Edge, now: DateTime<Utc>) -> Self {
        let left = (signed_in.expires_at - now).to_std().unwrap_or_default();
        let life: Duration = left.min(limits::ACCESS_TOKEN_LIFE);
        Self {
            access_token: edge.tokens.issue_for(&signed_in.principal, life),
            token_type: "Bearer",
            expires_in: life.as_secs(),
            refresh_token: signed_in.refresh.expose(),
            refresh_expires_at: signed_in.expires_at,
        }
    }
}

/// Exchanges a refresh token for an access token and the next refresh token.
///
/// Each refresh token is used once. One that comes again ends the login, for two must have it; only
/// within 30 seconds, and as long as its successor was not used, the same successor is given again.
#[utoipa::path(
    post,
    path = "/v1/auth/refresh",
    request_body = RefreshTokenBody,
    responses((status = 200, description = "The tokens.", body = TokenPair), Refusals)
)]
pub(super) async fn refresh_login(
    State(app): State<App>,
    Extension(edge): Extension<Arc<Edge>>,
    _: SignInRate,
    Json(body): Json<RefreshTokenBody>,
) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let signed_in = app.logins().refresh(&body.refresh_token, now).await?;
    Ok((
        [(CACHE_CONTROL, HeaderValue::from_static("no-store"))],
        Json::<_>(TokenPair::of(&signed_in, &edge, now)),
    )
        .into_response())
}
