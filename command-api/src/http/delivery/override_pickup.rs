//! The shop, or our staff for it, lets an order go although a check at pickup failed.

use axum::extract::State;
use domain::aggregates::Delivery;
use domain::delivery::delivery::DeliveryCommand;
use domain::kernel::actor::Actor;
use domain::kernel::ids::DeliveryId;
use domain::kernel::text::Reason;
use infra::http::conditional::IfMatch;
use infra::http::policy::Role;
use infra::http::policy::action::OverridePickup;
use infra::http::{ApiError, Caller, Idempotency, Json, Path, Principal};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Why an order goes as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OverridePickupBody {
    /// Why. It is kept with who said so.
    #[schema(inline)]
    reason: Reason,
}
domain::collect_struct!(OverridePickupBody { reason });

/// Lets an order go as the driver found it; another look that finds something else asks again.
#[utoipa::path(
    post,
    path = "/v1/deliveries/{delivery_id}/pickup-override",
    params(("delivery_id" = uuid::Uuid, Path, description = "The delivery")),
    request_body = OverridePickupBody,
    responses(Committed, Refusals)
)]
pub(super) async fn override_pickup(
    State(app): State<App>,
    by: Caller<OverridePickup>,
    Path(id): Path<DeliveryId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<OverridePickupBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = DeliveryCommand::OverridePickup {
        by: actor(&by.principal)?,
        reason: body.reason,
    };
    let builds_on = BuildsOn::Version(if_match.version()?);
    app.change::<Delivery>(&asked, id, builds_on, command, Written::reply(id))
        .await
}

fn actor(by: &Principal) -> Result<Actor, ApiError> {
    match by.role {
        Role::Owner => Ok(Actor::Restaurant { id: by.id }),
        Role::Ops => Ok(Actor::Ops { id: by.id }),
        Role::Customer | Role::Driver | Role::Service | Role::Guest => Err(ApiError::forbidden()),
    }
}
