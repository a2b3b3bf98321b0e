//! A shop takes no more orders for the rest of its service date.

use axum::extract::State;
use domain::aggregates::Restaurant;
use domain::kernel::ids::RestaurantId;
use domain::kernel::text::Reason;
use domain::restaurant::restaurant::RestaurantCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::CloseToday;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Why a shop closes for today.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CloseTodayBody {
    /// Why.
    reason: Reason,
}
domain::collect_struct!(CloseTodayBody { reason });

/// Takes no more orders until the next service date opens. Orders that were placed stay; `GET …/kitchen` lists them, each
/// to be cooked or cancelled.
#[utoipa::path(
    post,
    path = "/v1/restaurants/{restaurant_id}/close-today",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    request_body = CloseTodayBody,
    responses(Committed, Refusals)
)]
pub(super) async fn close_today(
    State(app): State<App>,
    by: RestaurantStaff<CloseToday>,
    Path(id): Path<RestaurantId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(CloseTodayBody { reason }): Json<CloseTodayBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = RestaurantCommand::CloseToday { reason };
    let builds_on = BuildsOn::Version(if_match.version()?);
    app.change::<Restaurant>(&asked, id, builds_on, command, Written::reply(id))
        .await
}
