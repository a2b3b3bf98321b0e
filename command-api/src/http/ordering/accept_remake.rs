//! A customer takes what was offered to be made again.

use axum::extract::State;
use domain::kernel::ids::OrderId;
use infra::http::policy::action::AcceptRemake;
use infra::http::{ApiError, Caller, Idempotency, Path};

use super::remaking::{MakeAgain, RemadeAnswer};
use crate::app::App;
use crate::http::answer::{Committed, Refusals};
use crate::http::asked::{Asked, customer_or_ops};

/// Has the bowls made again that were offered. A repeat answers with the same order.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/remake/accept",
    params(("order_id" = uuid::Uuid, Path, description = "The first order")),
    responses(
        (status = 201, description = "The order in which it is made again.", body = RemadeAnswer),
        Refusals
    )
)]
pub(super) async fn accept_remake(
    State(app): State<App>,
    by: Caller<AcceptRemake>,
    Path(order): Path<OrderId>,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let work = MakeAgain {
        scope: &by.scope,
        flags: &app.flags,
        of: order,
        by: customer_or_ops(&by.principal)?,
        bowls: None,
        shop_stock: app.stock_of(order).await?,
    };
    app.carry_out(&asked, &work).await
}
