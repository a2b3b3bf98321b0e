//! Logins: keeping one alive, and ending it. Signing in comes with the ways of doing so.
//!
//! A refresh token travels in the body. Its form as a cookie, with the list of origins that may send it,
//! belongs to the browser's part of signing in.

mod begin_guest;
mod log_out;
mod log_out_everywhere;
mod refresh_login;

use domain::collect_struct;
use infra::http::logins::{PgLogins, RefreshToken};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(begin_guest::begin_guest))
        .routes(routes!(refresh_login::refresh_login))
        .routes(routes!(log_out::log_out))
        .routes(routes!(log_out_everywhere::log_out_everywhere))
}

/// Shows which login is meant, and that the caller may speak for it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefreshTokenBody {
    /// A refresh token: 43 characters of base64url.
    #[schema(value_type = String, min_length = 43, max_length = 43)]
    refresh_token: RefreshToken,
}
collect_struct!(RefreshTokenBody { refresh_token });

impl App {
    /// Where logins are kept.
    fn logins(&self) -> PgLogins {
        PgLogins::new(self.pool.clone())
    }
}
