//! A login ends, by the wish of who holds its refresh token.

use axum::extract::State;
use http::StatusCode;
use infra::http::{ApiError, Json, SignInRate};

use super::RefreshTokenBody;
use crate::app::App;
use crate::http::answer::Refusals;

/// Ends the login of a refresh token.
///
/// Its access tokens end within 5 seconds. An unknown or used token, or a login that has ended before, is
/// answered alike: there is nothing left to end (RFC 7009 §2.2).
#[utoipa::path(
    post,
    path = "/v1/auth/logout",
    request_body = RefreshTokenBody,
    responses((status = 204, description = "The login has ended."), Refusals)
)]
pub(super) async fn log_out(
    State(app): State<App>,
    _: SignInRate,
    Json(body): Json<RefreshTokenBody>,
) -> Result<StatusCode, ApiError> {
    app.logins()
        .log_out(&body.refresh_token, app.clock.now())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
