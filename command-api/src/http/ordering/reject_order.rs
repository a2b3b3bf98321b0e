//! A shop turns an order down.

use axum::extract::State;
use domain::aggregates::Order;
use domain::kernel::ids::OrderId;
use domain::kernel::text::Reason;
use domain::ordering::order::{OrderCommand, RejectReason};
use infra::http::conditional::IfMatch;
use infra::http::policy::action::RejectOrder;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Why an order is turned down.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RejectOrderBody {
    /// Why.
    reason: RejectReason,
    /// In the shop's words.
    #[serde(default)]
    #[schema(inline)]
    note: Option<Reason>,
}
domain::collect_struct!(RejectOrderBody { reason, note });

impl RejectOrderBody {
    /// What is asked of the order.
    pub(super) fn command(self) -> OrderCommand {
        OrderCommand::Reject {
            reason: self.reason,
            note: self.note,
        }
    }
}

/// Rejects a placed order; its payment is given back.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/reject",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    request_body = RejectOrderBody,
    responses(Committed, Refusals)
)]
pub(super) async fn reject_order(
    State(app): State<App>,
    by: RestaurantStaff<RejectOrder>,
    Path(id): Path<OrderId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<RejectOrderBody>,
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
