//! A shop is given up for good.

use axum::extract::State;
use domain::aggregates::Restaurant;
use domain::kernel::ids::RestaurantId;
use domain::kernel::text::Reason;
use domain::restaurant::restaurant::RestaurantCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::CloseRestaurant;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Why a shop ends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CloseRestaurantBody {
    /// Why.
    reason: Reason,
}
domain::collect_struct!(CloseRestaurantBody { reason });

/// Ends a shop for good.
#[utoipa::path(
    post,
    path = "/v1/restaurants/{restaurant_id}/close",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    request_body = CloseRestaurantBody,
    responses(Committed, Refusals)
)]
pub(super) async fn close_restaurant(
    State(app): State<App>,
    by: RestaurantStaff<CloseRestaurant>,
    Path(id): Path<RestaurantId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<CloseRestaurantBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = RestaurantCommand::Close {
        reason: body.reason,
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
