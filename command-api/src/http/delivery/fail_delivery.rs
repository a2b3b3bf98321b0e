//! A driver cannot hand the order over.

use axum::extract::State;
use domain::aggregates::Delivery;
use domain::delivery::delivery::DeliveryCommand;
use domain::kernel::handover::UndeliverableReason;
use domain::kernel::ids::DeliveryId;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::FailDelivery;
use infra::http::{ApiError, Driver, Idempotency, Json, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Why an order cannot be handed over.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FailDeliveryBody {
    /// Why.
    reason: UndeliverableReason,
}
domain::collect_struct!(FailDeliveryBody { reason });

/// Gives a delivery up.
#[utoipa::path(
    post,
    path = "/v1/deliveries/{delivery_id}/fail",
    params(("delivery_id" = uuid::Uuid, Path, description = "The delivery")),
    request_body = FailDeliveryBody,
    responses(Committed, Refusals)
)]
pub(super) async fn fail_delivery(
    State(app): State<App>,
    by: Driver<FailDelivery>,
    Path(id): Path<DeliveryId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<FailDeliveryBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = DeliveryCommand::Fail {
        reason: body.reason,
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
