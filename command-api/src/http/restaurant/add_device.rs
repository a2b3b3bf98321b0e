//! A shop has a tablet.

use axum::extract::State;
use domain::aggregates::Restaurant;
use domain::kernel::ids::{DeviceId, RestaurantId};
use domain::kernel::text::Name;
use domain::restaurant::restaurant::RestaurantCommand;
use infra::http::policy::action::AddDevice;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// A device of a shop.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddDeviceBody {
    /// Its id, which it keeps.
    #[schema(inline)]
    id: DeviceId,
    /// What the shop calls it; orders that it acknowledges carry this name.
    #[schema(inline)]
    name: Name,
}
domain::collect_struct!(AddDeviceBody { id, name });

/// Enters a device of the shop, or gives it another name. Its sign-in belongs to the identity service.
#[utoipa::path(
    post,
    path = "/v1/restaurants/{restaurant_id}/devices",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    request_body = AddDeviceBody,
    responses(Committed, Refusals)
)]
pub(super) async fn add_device(
    State(app): State<App>,
    by: RestaurantStaff<AddDevice>,
    Path(shop): Path<RestaurantId>,
    key: Idempotency,
    Json(body): Json<AddDeviceBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = RestaurantCommand::AddDevice {
        device: body.id,
        name: body.name,
    };
    let builds_on = BuildsOn::Version(None);
    app.change::<Restaurant>(&asked, shop, builds_on, command, Written::reply(body.id))
        .await
}
