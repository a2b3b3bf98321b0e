//! A driver takes the order along.

use axum::extract::State;
use domain::aggregates::Delivery;
use domain::delivery::delivery::DeliveryCommand;
use domain::kernel::ids::DeliveryId;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::PickUp;
use infra::http::{ApiError, Driver, Idempotency, Path};

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Says that the driver has the order.
#[utoipa::path(
    post,
    path = "/v1/deliveries/{delivery_id}/pick-up",
    params(("delivery_id" = uuid::Uuid, Path, description = "The delivery")),
    responses(Committed, Refusals)
)]
pub(super) async fn pick_up(
    State(app): State<App>,
    by: Driver<PickUp>,
    Path(id): Path<DeliveryId>,
    if_match: IfMatch,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = DeliveryCommand::PickUp;
    app.change::<Delivery>(
        &asked,
        id,
        BuildsOn::Version(if_match.version()?),
        command,
        Written::reply(id),
    )
    .await
}
