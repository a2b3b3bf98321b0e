//! A shop takes no orders for a while.

use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::aggregates::Restaurant;
use domain::kernel::ids::RestaurantId;
use domain::kernel::text::Reason;
use domain::restaurant::restaurant::RestaurantCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::PauseRestaurant;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Why a shop takes no orders, and until when.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PauseRestaurantBody {
    /// Why.
    reason: Reason,
    /// When it takes orders again by itself.
    #[serde(default)]
    until: Option<DateTime<Utc>>,
}
domain::collect_struct!(PauseRestaurantBody { reason, until });

/// Pauses a shop, until a time or until it is resumed.
#[utoipa::path(
    post,
    path = "/v1/restaurants/{restaurant_id}/pause",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    request_body = PauseRestaurantBody,
    responses(Committed, Refusals)
)]
pub(super) async fn pause_restaurant(
    State(app): State<App>,
    by: RestaurantStaff<PauseRestaurant>,
    Path(id): Path<RestaurantId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<PauseRestaurantBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = RestaurantCommand::Pause {
        reason: body.reason,
        until: body.until,
    };
    app.change::<Restaurant>(
        &asked,
        id,
        BuildsOn::Version(if_match.version()?),
        command,
        Written::reply(id),
    )
    .await
}
