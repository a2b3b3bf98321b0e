//! An owner asks for approval.

use axum::extract::State;
use domain::aggregates::Restaurant;
use domain::kernel::ids::RestaurantId;
use domain::restaurant::restaurant::RestaurantCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::SubmitRestaurant;
use infra::http::{ApiError, Idempotency, Path, RestaurantStaff};

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Asks for approval of a shop.
#[utoipa::path(
    post,
    path = "/v1/restaurants/{restaurant_id}/submit",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    responses(Committed, Refusals)
)]
pub(super) async fn submit_restaurant(
    State(app): State<App>,
    by: RestaurantStaff<SubmitRestaurant>,
    Path(id): Path<RestaurantId>,
    if_match: IfMatch,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = RestaurantCommand::Submit;
    app.change::<Restaurant>(
        &asked,
        id,
        BuildsOn::Version(if_match.version()?),
        command,
        Written::reply(id),
    )
    .await
}
