//! Everything of an order is packed.

use axum::extract::State;
use domain::aggregates::Order;
use domain::kernel::ids::OrderId;
use domain::ordering::order::OrderCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::ReadyOrder;
use infra::http::{ApiError, Idempotency, Path, RestaurantStaff};

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Says that an order is packed.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/ready",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    responses(Committed, Refusals)
)]
pub(super) async fn ready_order(
    State(app): State<App>,
    by: RestaurantStaff<ReadyOrder>,
    Path(id): Path<OrderId>,
    if_match: IfMatch,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = OrderCommand::Ready;
    app.change::<Order>(
        &asked,
        id,
        BuildsOn::Version(if_match.version()?),
        command,
        Written::reply(id),
    )
    .await
}
