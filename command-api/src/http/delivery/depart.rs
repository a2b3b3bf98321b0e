//! A driver leaves the shop for the door.

use axum::extract::State;
use domain::aggregates::Delivery;
use domain::delivery::delivery::DeliveryCommand;
use domain::kernel::ids::DeliveryId;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::Depart;
use infra::http::{ApiError, Driver, Idempotency, Path};

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Says that the driver has left the shop.
#[utoipa::path(
    post,
    path = "/v1/deliveries/{delivery_id}/depart",
    params(("delivery_id" = uuid::Uuid, Path, description = "The delivery")),
    responses(Committed, Refusals)
)]
pub(super) async fn depart(
    State(app): State<App>,
    by: Driver<Depart>,
    Path(id): Path<DeliveryId>,
    if_match: IfMatch,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = DeliveryCommand::Depart;
    app.change::<Delivery>(
        &asked,
        id,
        BuildsOn::Version(if_match.version()?),
        command,
        Written::reply(id),
    )
    .await
}
