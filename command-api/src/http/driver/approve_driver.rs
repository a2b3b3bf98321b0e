//! Our staff let a driver carry.

use axum::extract::State;
use domain::aggregates::Driver;
use domain::driver::driver::DriverCommand;
use domain::kernel::ids::DriverId;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::ApproveDriver;
use infra::http::{ApiError, Idempotency, Ops, Path};

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Lets a driver carry.
#[utoipa::path(
    post,
    path = "/v1/drivers/{driver_id}/approve",
    params(("driver_id" = uuid::Uuid, Path, description = "The driver")),
    responses(Committed, Refusals)
)]
pub(super) async fn approve_driver(
    State(app): State<App>,
    by: Ops<ApproveDriver>,
    Path(id): Path<DriverId>,
    if_match: IfMatch,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = DriverCommand::Approve;
    app.change::<Driver>(
        &asked,
        id,
        BuildsOn::Version(if_match.version()?),
        command,
        Written::reply(id),
    )
    .await
}
