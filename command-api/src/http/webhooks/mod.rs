//! What vendors tell us. A webhook is believed by its signature, kept, and answered; a process handles
//! it later.

mod stripe;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(stripe::receive_stripe_webhook))
}
