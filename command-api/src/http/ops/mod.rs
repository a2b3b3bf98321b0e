//! What our staff ask of the write side. What they read otherwise is the read side's.

mod read_audit;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(read_audit::read_audit))
}
