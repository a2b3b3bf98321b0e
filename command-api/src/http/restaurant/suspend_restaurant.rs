//! Our staff stop a shop from selling.

use axum::extract::State;
use domain::aggregates::Restaurant;
use domain::kernel::ids::RestaurantId;
use domain::kernel::text::Reason;
use domain::restaurant::restaurant::RestaurantCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::SuspendRestaurant;
use infra::http::{ApiError, Idempotency, Json, Ops, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Why a shop is stopped.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SuspendRestaurantBody {
    /// Why.
    reason: Reason,
}
domain::collect_struct!(SuspendRestaurantBody { reason });

/// Stops a shop from selling.
#[utoipa::path(
    post,
    path = "/v1/restaurants/{restaurant_id}/suspend",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    request_body = SuspendRestaurantBody,
    responses(Committed, Refusals)
)]
pub(super) async fn suspend_restaurant(
    State(app): State<App>,
    by: Ops<SuspendRestaurant>,
    Path(id): Path<RestaurantId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<SuspendRestaurantBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = RestaurantCommand::Suspend {
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
