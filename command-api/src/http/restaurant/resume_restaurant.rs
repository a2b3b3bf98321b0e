//! A shop takes orders again.

use axum::extract::State;
use domain::aggregates::Restaurant;
use domain::kernel::ids::RestaurantId;
use domain::restaurant::restaurant::RestaurantCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::ResumeRestaurant;
use infra::http::{ApiError, Idempotency, Path, RestaurantStaff};

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Lets a paused shop take orders again.
#[utoipa::path(
    post,
    path = "/v1/restaurants/{restaurant_id}/resume",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    responses(Committed, Refusals)
)]
pub(super) async fn resume_restaurant(
    State(app): State<App>,
    by: RestaurantStaff<ResumeRestaurant>,
    Path(id): Path<RestaurantId>,
    if_match: IfMatch,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = RestaurantCommand::Resume;
    app.change::<Restaurant>(
        &asked,
        id,
        BuildsOn::Version(if_match.version()?),
        command,
        Written::reply(id),
    )
    .await
}
