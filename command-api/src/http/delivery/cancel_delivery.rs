//! Our staff call a transport off.

use axum::extract::State;
use domain::aggregates::Delivery;
use domain::delivery::delivery::DeliveryCommand;
use domain::kernel::ids::DeliveryId;
use domain::kernel::text::Reason;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::CancelDelivery;
use infra::http::{ApiError, Idempotency, Json, Ops, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Why a transport is called off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelDeliveryBody {
    /// Why.
    #[schema(inline)]
    reason: Reason,
}
domain::collect_struct!(CancelDeliveryBody { reason });

/// Calls a delivery off.
#[utoipa::path(
    post,
    path = "/v1/deliveries/{delivery_id}/cancel",
    params(("delivery_id" = uuid::Uuid, Path, description = "The delivery")),
    request_body = CancelDeliveryBody,
    responses(Committed, Refusals)
)]
pub(super) async fn cancel_delivery(
    State(app): State<App>,
    by: Ops<CancelDelivery>,
    Path(id): Path<DeliveryId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<CancelDeliveryBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = DeliveryCommand::Cancel {
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
