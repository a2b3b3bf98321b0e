//! A customer does not want what was offered to be made again.

use axum::extract::State;
use domain::aggregates::Order;
use domain::kernel::ids::OrderId;
use domain::ordering::order::OrderCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::DeclineRemake;
use infra::http::{ApiError, Caller, Idempotency, Path};

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn, customer_or_ops};

/// Declines what was offered.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/remake/decline",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    responses(Committed, Refusals)
)]
pub(super) async fn decline_remake(
    State(app): State<App>,
    by: Caller<DeclineRemake>,
    Path(id): Path<OrderId>,
    if_match: IfMatch,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let by = customer_or_ops(&by.principal)?;
    let command = OrderCommand::DeclineRemake { by };
    let builds_on = BuildsOn::Version(if_match.version()?);
    app.change::<Order>(&asked, id, builds_on, command, Written::reply(id))
        .await
}
