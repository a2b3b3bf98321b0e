//! A device is no longer the shop's.

use axum::extract::State;
use domain::aggregates::Restaurant;
use domain::kernel::ids::{DeviceId, RestaurantId};
use domain::restaurant::restaurant::RestaurantCommand;
use infra::http::policy::action::RemoveDevice;
use infra::http::{ApiError, Idempotency, Path, RestaurantStaff};

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Strikes a device out. Repeating it changes nothing.
#[utoipa::path(
    delete,
    path = "/v1/restaurants/{restaurant_id}/devices/{device_id}",
    params(
        ("restaurant_id" = uuid::Uuid, Path, description = "The shop"),
        ("device_id" = uuid::Uuid, Path, description = "Which")
    ),
    responses(Committed, Refusals)
)]
pub(super) async fn remove_device(
    State(app): State<App>,
    by: RestaurantStaff<RemoveDevice>,
    Path((shop, device)): Path<(RestaurantId, DeviceId)>,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = RestaurantCommand::RemoveDevice { device };
    let builds_on = BuildsOn::Version(None);
    app.change::<Restaurant>(&asked, shop, builds_on, command, Written::reply(device))
        .await
}
