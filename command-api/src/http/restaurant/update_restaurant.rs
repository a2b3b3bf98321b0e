//! A shop changes its public face.

use axum::extract::State;
use domain::aggregates::Restaurant;
use domain::kernel::bowl::Style;
use domain::kernel::ids::RestaurantId;
use domain::kernel::text::Name;
use domain::restaurant::restaurant::RestaurantCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::UpdateRestaurant;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// What changes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateRestaurantBody {
    /// A new name.
    #[serde(default)]
    #[schema(inline)]
    name: Option<Name>,
    /// New styles.
    #[serde(default)]
    styles: Option<Vec<Style>>,
    /// Whether accepted orders are fired by themselves.
    #[serde(default)]
    auto_fire: Option<bool>,
}
domain::collect_struct!(UpdateRestaurantBody {
    name,
    styles,
    auto_fire
});

/// Changes a shop's name, styles or the firing of its orders; what is absent stays.
#[utoipa::path(
    patch,
    path = "/v1/restaurants/{restaurant_id}",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    request_body = UpdateRestaurantBody,
    responses(Committed, Refusals)
)]
pub(super) async fn update_restaurant(
    State(app): State<App>,
    by: RestaurantStaff<UpdateRestaurant>,
    Path(id): Path<RestaurantId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<UpdateRestaurantBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let UpdateRestaurantBody {
        name,
        styles,
        auto_fire,
    } = body;
    let command = RestaurantCommand::UpdateProfile {
        name,
        styles,
        auto_fire,
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
