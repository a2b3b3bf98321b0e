//! What a shop's kitchen can do, replaced whole.

use axum::extract::State;
use domain::aggregates::Restaurant;
use domain::kernel::ids::RestaurantId;
use domain::kernel::kitchen::KitchenCapacity;
use domain::restaurant::restaurant::RestaurantCommand;
use infra::http::policy::action::SetCapacity;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn, Guard};
use crate::http::strict::Strict;

/// What a kitchen can do. Without a capacity the shop promises its usual time, however much was ordered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetCapacityBody {
    /// Boiler baskets and limits on bowls.
    #[serde(default)]
    #[schema(value_type = Option<KitchenCapacity>)]
    capacity: Option<Strict<KitchenCapacity>>,
}
domain::collect_struct!(SetCapacityBody { capacity });

/// Replaces what a shop's kitchen can do; `If-Match` names the version that it replaces.
#[utoipa::path(
    put,
    path = "/v1/restaurants/{restaurant_id}/capacity",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    request_body = SetCapacityBody,
    responses(Committed, Refusals)
)]
pub(super) async fn set_capacity(
    State(app): State<App>,
    by: RestaurantStaff<SetCapacity>,
    Path(id): Path<RestaurantId>,
    guard: Guard,
    key: Idempotency,
    Json(body): Json<SetCapacityBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = RestaurantCommand::SetCapacity {
        capacity: body.capacity.map(|capacity| capacity.0),
    };
    app.change::<Restaurant>(
        &asked,
        id,
        BuildsOn::Document(guard),
        command,
        Written::reply(id),
    )
    .await
}
