//! A driver arrives at the shop or at the door.

use axum::extract::State;
use domain::aggregates::Delivery;
use domain::delivery::delivery::DeliveryCommand;
use domain::kernel::collect::Collect;
use domain::kernel::fault::{Faults, Pointer};
use domain::kernel::ids::DeliveryId;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::Arrive;
use infra::http::{ApiError, Driver, Idempotency, Json, Path};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// A stop of a delivery.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stop {
    /// The shop.
    Pickup,
    /// The door.
    Dropoff,
}

impl Collect for Stop {
    fn collect(value: &Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        let stop = Self::deserialize(value).ok();
        if stop.is_none() {
            faults.add("stop_unknown", at, "must be pickup or dropoff");
        }
        stop
    }
}

/// Where the driver is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ArriveBody {
    /// The stop.
    at: Stop,
}
domain::collect_struct!(ArriveBody { at });

/// Says that the driver has arrived.
#[utoipa::path(
    post,
    path = "/v1/deliveries/{delivery_id}/arrive",
    params(("delivery_id" = uuid::Uuid, Path, description = "The delivery")),
    request_body = ArriveBody,
    responses(Committed, Refusals)
)]
pub(super) async fn arrive(
    State(app): State<App>,
    by: Driver<Arrive>,
    Path(id): Path<DeliveryId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<ArriveBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = match body.at {
        Stop::Pickup => DeliveryCommand::ArriveAtPickup,
        Stop::Dropoff => DeliveryCommand::ArriveAtDropoff,
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
