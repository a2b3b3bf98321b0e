//! A shop's opening hours, replaced whole.

use axum::extract::State;
use domain::aggregates::Restaurant;
use domain::kernel::hours::WeeklyHours;
use domain::kernel::ids::RestaurantId;
use domain::restaurant::restaurant::RestaurantCommand;
use infra::http::policy::action::SetHours;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn, Guard};
use crate::http::strict::Strict;

/// Replaces a shop's opening hours; `If-Match` names the version they replace.
#[utoipa::path(
    put,
    path = "/v1/restaurants/{restaurant_id}/hours",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    request_body = WeeklyHours,
    responses(Committed, Refusals)
)]
pub(super) async fn set_hours(
    State(app): State<App>,
    by: RestaurantStaff<SetHours>,
    Path(id): Path<RestaurantId>,
    guard: Guard,
    key: Idempotency,
    Json(Strict(hours)): Json<Strict<WeeklyHours>>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = RestaurantCommand::SetHours { hours };
    app.change::<Restaurant>(
        &asked,
        id,
        BuildsOn::Document(guard),
        command,
        Written::reply(id),
    )
    .await
}
