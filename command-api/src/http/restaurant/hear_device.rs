//! A device of a shop says that it is there.

use axum::extract::State;
use domain::aggregates::Restaurant;
use domain::kernel::ids::{DeviceId, RestaurantId};
use domain::processes::{Process as _, ShopReachability, shop_reachability};
use domain::restaurant::restaurant::RestaurantCommand;
use infra::http::policy::action::HearDevice;
use infra::http::{ApiError, Path, RestaurantStaff, Unavailable};

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};
use crate::processes::timer_move;

/// Says that a device is there: to be sent once a minute while it is switched on. While a device is heard, its shop is
/// not paused for silence; the first heartbeat after a silence ends such a pause. A device that the shop has not
/// entered is answered 404 `device_unknown`.
#[utoipa::path(
    post,
    path = "/v1/restaurants/{restaurant_id}/devices/{device_id}/heartbeat",
    params(
        ("restaurant_id" = uuid::Uuid, Path, description = "The shop"),
        ("device_id" = uuid::Uuid, Path, description = "Which")
    ),
    responses(Committed, Refusals)
)]
pub(super) async fn hear_device(
    State(app): State<App>,
    by: RestaurantStaff<HearDevice>,
    Path((shop, device)): Path<(RestaurantId, DeviceId)>,
) -> Result<Committed, ApiError> {
    // Repeating it is what it is for: an answer kept under a key would be a row for each minute.
    let asked = Asked::new(&by, None);
    let command = RestaurantCommand::HearDevice { device };
    let (builds_on, reply) = (BuildsOn::Version(None), Written::reply(device));
    let heard = app
        .change::<Restaurant>(&asked, shop, builds_on, command, reply)
        .await?;
    // The process starts the timer when it sees the device come; until then there is none to move.
    let name = shop_reachability::missing(device);
    let missed_at = app.clock.now() + app.flags.unreachable_silence.span();
    timer_move(
        &app.pool,
        ShopReachability::NAME,
        shop.uuid(),
        &name,
        missed_at,
    )
    .await
    .map_err(Unavailable::from)?;
    Ok(heard)
}
