//! Somebody no longer works at a shop.

use axum::extract::State;
use domain::aggregates::Restaurant;
use domain::kernel::ids::{RestaurantId, StaffId};
use domain::restaurant::restaurant::RestaurantCommand;
use infra::http::policy::action::RemoveStaff;
use infra::http::{ApiError, Idempotency, Path, RestaurantStaff};

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Strikes somebody out. Repeating it changes nothing.
#[utoipa::path(
    delete,
    path = "/v1/restaurants/{restaurant_id}/staff/{staff_id}",
    params(
        ("restaurant_id" = uuid::Uuid, Path, description = "The shop"),
        ("staff_id" = uuid::Uuid, Path, description = "Which")
    ),
    responses(Committed, Refusals)
)]
pub(super) async fn remove_staff(
    State(app): State<App>,
    by: RestaurantStaff<RemoveStaff>,
    Path((shop, staff)): Path<(RestaurantId, StaffId)>,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = RestaurantCommand::RemoveStaff { staff };
    let builds_on = BuildsOn::Version(None);
    app.change::<Restaurant>(&asked, shop, builds_on, command, Written::reply(staff))
        .await
}
