//! Our staff stop a driver from carrying.

use axum::extract::State;
use domain::aggregates::Driver;
use domain::driver::driver::DriverCommand;
use domain::kernel::ids::DriverId;
use domain::kernel::text::Reason;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::SuspendDriver;
use infra::http::{ApiError, Idempotency, Json, Ops, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Why a driver is stopped.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SuspendDriverBody {
    /// Why.
    #[schema(inline)]
    reason: Reason,
}
domain::collect_struct!(SuspendDriverBody { reason });

/// Stops a driver from carrying.
#[utoipa::path(
    post,
    path = "/v1/drivers/{driver_id}/suspend",
    params(("driver_id" = uuid::Uuid, Path, description = "The driver")),
    request_body = SuspendDriverBody,
    responses(Committed, Refusals)
)]
pub(super) async fn suspend_driver(
    State(app): State<App>,
    by: Ops<SuspendDriver>,
    Path(id): Path<DriverId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<SuspendDriverBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = DriverCommand::Suspend {
        reason: body.reason,
    };
    app.change::<Driver>(
        &asked,
        id,
        BuildsOn::Version(if_match.version()?),
        command,
        Written::reply(id),
    )
    .await
}
