//! All logins of a person end: a telephone was lost.

use axum::extract::State;
use http::StatusCode;
use infra::http::policy::action::LogOutEverywhere;
use infra::http::{ApiError, Caller};

use crate::app::App;
use crate::http::answer::Refusals;

/// Ends every login of the caller, this one among them.
///
/// Their access tokens end within 5 seconds.
#[utoipa::path(
    post,
    path = "/v1/auth/logout-all",
    responses((status = 204, description = "Every login has ended."), Refusals)
)]
pub(super) async fn log_out_everywhere(
    State(app): State<App>,
    by: Caller<LogOutEverywhere>,
) -> Result<StatusCode, ApiError> {
    app.logins()
        .revoke_all(by.principal.id, app.clock.now())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
