//! A shop takes an order on.

use axum::extract::State;
use domain::aggregates::Order;
use domain::kernel::ids::OrderId;
use domain::kernel::quantity::Minutes;
use domain::ordering::order::OrderCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::AcceptOrder;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// How long the kitchen needs.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptOrderBody {
    /// Minutes from now until everything is packed.
    #[schema(inline)]
    prep_minutes: Minutes,
}
domain::collect_struct!(AcceptOrderBody { prep_minutes });

impl AcceptOrderBody {
    /// What is asked of the order.
    pub(super) fn command(self) -> OrderCommand {
        OrderCommand::Accept {
            prep_minutes: self.prep_minutes,
        }
    }
}

/// Accepts a placed order and promises it in `prep_minutes`.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/accept",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    request_body = AcceptOrderBody,
    responses(Committed, Refusals)
)]
pub(super) async fn accept_order(
    State(app): State<App>,
    by: RestaurantStaff<AcceptOrder>,
    Path(id): Path<OrderId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<AcceptOrderBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    app.change::<Order>(
        &asked,
        id,
        BuildsOn::Version(if_match.version()?),
        body.command(),
        Written::reply(id),
    )
    .await
}
