//! A customer fetches what a courier was to bring.

use axum::extract::State;
use domain::aggregates::Order;
use domain::kernel::ids::OrderId;
use domain::ordering::order::OrderCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::SwitchToPickup;
use infra::http::{ApiError, Caller, Idempotency, Path};

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn, customer_or_ops};

/// Turns a delivery into a pickup: the courier is called off, and what bringing it costs goes back.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/switch-to-pickup",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    responses(Committed, Refusals)
)]
pub(super) async fn switch_to_pickup(
    State(app): State<App>,
    by: Caller<SwitchToPickup>,
    Path(id): Path<OrderId>,
    if_match: IfMatch,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let by = customer_or_ops(&by.principal)?;
    let builds_on = BuildsOn::Version(if_match.version()?);
    let command = OrderCommand::SwitchToPickup { by };
    app.change::<Order>(&asked, id, builds_on, command, Written::reply(id))
        .await
}
