//! A driver tries to reach the customer.

use axum::extract::State;
use domain::aggregates::Delivery;
use domain::delivery::delivery::{ContactChannel, DeliveryCommand};
use domain::kernel::ids::DeliveryId;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::AttemptContact;
use infra::http::{ApiError, Driver, Idempotency, Json, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// How the customer was called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AttemptContactBody {
    /// By what.
    channel: ContactChannel,
}
domain::collect_struct!(AttemptContactBody { channel });

/// Notes an attempt to reach the customer.
#[utoipa::path(
    post,
    path = "/v1/deliveries/{delivery_id}/contact-attempt",
    params(("delivery_id" = uuid::Uuid, Path, description = "The delivery")),
    request_body = AttemptContactBody,
    responses(Committed, Refusals)
)]
pub(super) async fn attempt_contact(
    State(app): State<App>,
    by: Driver<AttemptContact>,
    Path(id): Path<DeliveryId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<AttemptContactBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = DeliveryCommand::AttemptContact {
        channel: body.channel,
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
