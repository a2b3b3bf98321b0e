//! A customer, a shop or our staff call an order off; who may at which stage is the order's to say.

use axum::extract::State;
use domain::aggregates::Order;
use domain::kernel::actor::Actor;
use domain::kernel::ids::OrderId;
use domain::kernel::text::Reason;
use domain::ordering::order::{FaultParty, OrderCommand};
use infra::http::conditional::IfMatch;
use infra::http::policy::Role;
use infra::http::policy::action::CancelOrder;
use infra::http::{ApiError, Caller, Idempotency, Json, Path, Principal};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Why an order is called off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelOrderBody {
    /// Why.
    #[schema(inline)]
    reason: Reason,
    /// Whose fault it is. Believed from our staff; others bear it themselves.
    #[serde(default)]
    fault: Option<FaultParty>,
}
domain::collect_struct!(CancelOrderBody { reason, fault });

/// Cancels an order.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/cancel",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    request_body = CancelOrderBody,
    responses(Committed, Refusals)
)]
pub(super) async fn cancel_order(
    State(app): State<App>,
    by: Caller<CancelOrder>,
    Path(id): Path<OrderId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(CancelOrderBody { reason, fault }): Json<CancelOrderBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let (by, theirs) = actor(&by.principal)?;
    let command = OrderCommand::Cancel {
        by,
        reason,
        fault: fault.unwrap_or(theirs),
    };
    let builds_on = BuildsOn::Version(if_match.version()?);
    app.change::<Order>(&asked, id, builds_on, command, Written::reply(id))
        .await
}

/// Who cancels, and whose fault that is unless somebody says otherwise.
fn actor(by: &Principal) -> Result<(Actor, FaultParty), ApiError> {
    match by.role {
        Role::Customer => Ok((Actor::Customer { id: by.id.into() }, FaultParty::Customer)),
        Role::Owner => Ok((Actor::Restaurant { id: by.id }, FaultParty::Shop)),
        Role::Ops => Ok((Actor::Ops { id: by.id }, FaultParty::Platform)),
        Role::Driver | Role::Service | Role::Guest => Err(ApiError::forbidden()),
    }
}
