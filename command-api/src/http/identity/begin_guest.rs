//! Somebody fills a cart before signing in. A guest is a principal like any other, whose token opens nothing but their
//! carts (docs/adr/0026); whoever signs in later takes the cart over with that token.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use infra::http::logins::Who;
use infra::http::policy::Role;
use infra::http::{ApiError, Edge, Json, SignInRate};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::Refusals;

/// What a guest needs to fill carts. Secret: whoever has it has the carts.
#[derive(Serialize, ToSchema)]
pub(super) struct GuestToken {
    /// For `Authorization: Bearer` on the routes of carts, and for taking one over.
    cart_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// When it ends; a cart does not last longer.
    expires_at: DateTime<Utc>,
}

/// Gives a guest a token for carts. It cannot be refreshed, and orders nothing: checking out asks who it is.
#[utoipa::path(
    post,
    path = "/v1/auth/guest",
    responses((status = 201, description = "The token.", body = GuestToken), Refusals)
)]
pub(super) async fn begin_guest(
    State(app): State<App>,
    Extension(edge): Extension<Arc<Edge>>,
    _: SignInRate,
) -> Result<Response, ApiError> {
    let life = app.flags.cart_life.span().to_std().unwrap_or_default();
    let id = app.clock.fresh_id();
    let who = Who::new(id.into(), Role::Guest, &[]);
    let guest = app.logins().open(&app.clock, &who, life).await?;
    let token = GuestToken {
        cart_token: edge.tokens.issue_for(&guest, life),
        token_type: "Bearer",
        expires_at: app.clock.now() + app.flags.cart_life.span(),
    };
    let secret = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, secret, Json::<_>(token)).into_response())
}
