//! Who carries: signing up, approval, suspension.

mod approve_driver;
mod register_driver;
mod suspend_driver;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(register_driver::register_driver))
        .routes(routes!(approve_driver::approve_driver))
        .routes(routes!(suspend_driver::suspend_driver))
}
