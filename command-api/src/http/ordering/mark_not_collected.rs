//! Nobody came for an order.

use axum::extract::State;
use domain::aggregates::Order;
use domain::kernel::ids::OrderId;
use domain::ordering::order::OrderCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::MarkNotCollected;
use infra::http::{ApiError, Idempotency, Path, RestaurantStaff};

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Says that nobody fetched an order.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/not-collected",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    responses(Committed, Refusals)
)]
pub(super) async fn mark_not_collected(
    State(app): State<App>,
    by: RestaurantStaff<MarkNotCollected>,
    Path(id): Path<OrderId>,
    if_match: IfMatch,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = OrderCommand::NotCollected;
    app.change::<Order>(
        &asked,
        id,
        BuildsOn::Version(if_match.version()?),
        command,
        Written::reply(id),
    )
    .await
}
