//! Where a shop delivers, replaced whole.

use axum::extract::State;
use domain::aggregates::Restaurant;
use domain::kernel::ids::RestaurantId;
use domain::restaurant::restaurant::{RestaurantCommand, Zone};
use infra::http::policy::action::SetZones;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn, Guard};
use crate::http::strict::Strict;

/// All zones of a shop. The first that contains a place decides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetZonesBody {
    /// The zones.
    #[schema(value_type = Vec<Zone>)]
    zones: Strict<Vec<Zone>>,
}
domain::collect_struct!(SetZonesBody { zones });

/// Replaces a shop's delivery zones; `If-Match` names the version they replace.
#[utoipa::path(
    put,
    path = "/v1/restaurants/{restaurant_id}/zones",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    request_body = SetZonesBody,
    responses(Committed, Refusals)
)]
pub(super) async fn set_zones(
    State(app): State<App>,
    by: RestaurantStaff<SetZones>,
    Path(id): Path<RestaurantId>,
    guard: Guard,
    key: Idempotency,
    Json(body): Json<SetZonesBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = RestaurantCommand::SetZones {
        zones: body.zones.0,
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
