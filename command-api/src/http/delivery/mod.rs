//! Deliveries by our own drivers: asked for and assigned by our staff, carried by the driver, let go by
//! the shop where a check fails.

mod arrive;
mod assign_delivery;
mod attempt_contact;
mod cancel_delivery;
mod depart;
mod fail_delivery;
mod override_pickup;
mod pick_up;
mod prove_delivery;
mod request_delivery;
mod verify_pickup;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(request_delivery::request_delivery))
        .routes(routes!(assign_delivery::assign_delivery))
        .routes(routes!(cancel_delivery::cancel_delivery))
        .routes(routes!(depart::depart))
        .routes(routes!(arrive::arrive))
        .routes(routes!(verify_pickup::verify_pickup))
        .routes(routes!(override_pickup::override_pickup))
        .routes(routes!(pick_up::pick_up))
        .routes(routes!(attempt_contact::attempt_contact))
        .routes(routes!(prove_delivery::prove_delivery))
        .routes(routes!(fail_delivery::fail_delivery))
}
