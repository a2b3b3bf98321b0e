//! What our staff ask of the write side. What they read otherwise is the read side's.

mod act_on_orders;
mod read_audit;
mod read_proof;
mod redrive_parked;

use infra::event_store::LogError;
use infra::http::{ApiError, Unavailable};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
pub use redrive_parked::{ParkedName, Redrive, RedriveError, Redriven};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(act_on_orders::act_on_orders))
        .routes(routes!(read_audit::read_audit))
        .routes(routes!(read_proof::read_proof))
        .routes(routes!(redrive_parked::redrive_parked))
}

fn log_failed(error: LogError) -> ApiError {
    match error {
        LogError::Database(error) => Unavailable::from(error).into(),
        LogError::Stream { .. } | LogError::OtherHistory(_) => ApiError::internal(error),
    }
}
