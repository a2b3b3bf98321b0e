//! An order is handed over the counter.

use axum::extract::State;
use domain::aggregates::Order;
use domain::kernel::ids::OrderId;
use domain::ordering::order::OrderCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::CollectOrder;
use infra::http::{ApiError, Idempotency, Path, RestaurantStaff};

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Hands an order to the customer who fetches it.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/collect",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    responses(Committed, Refusals)
)]
pub(super) async fn collect_order(
    State(app): State<App>,
    by: RestaurantStaff<CollectOrder>,
    Path(id): Path<OrderId>,
    if_match: IfMatch,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = OrderCommand::Collect;
    app.change::<Order>(
        &asked,
        id,
        BuildsOn::Version(if_match.version()?),
        command,
        Written::reply(id),
    )
    .await
}
