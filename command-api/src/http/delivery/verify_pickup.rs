//! A driver looks at what is to be carried.

use axum::extract::State;
use domain::aggregates::Delivery;
use domain::delivery::delivery::{DeliveryCommand, PickupChecks};
use domain::kernel::ids::DeliveryId;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::VerifyPickup;
use infra::http::{ApiError, Driver, Idempotency, Json, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// What the driver found.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyPickupBody {
    /// Each check; true also where there is nothing to check.
    checks: PickupChecks,
}
domain::collect_struct!(VerifyPickupBody { checks });

/// Answers the checks at pickup; a failed one keeps the order at the shop.
#[utoipa::path(
    post,
    path = "/v1/deliveries/{delivery_id}/pickup-verification",
    params(("delivery_id" = uuid::Uuid, Path, description = "The delivery")),
    request_body = VerifyPickupBody,
    responses(Committed, Refusals)
)]
pub(super) async fn verify_pickup(
    State(app): State<App>,
    by: Driver<VerifyPickup>,
    Path(id): Path<DeliveryId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<VerifyPickupBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = DeliveryCommand::VerifyPickup {
        checks: body.checks,
    };
    app.change::<Delivery>(
        &asked,
        id,
        BuildsOn::Version(if_match.version()?),
        command,
        Written::reply(id),
    )
    .await
}
