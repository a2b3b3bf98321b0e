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
#[derive(Debug, Deserialize, ToSchema)]
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
    let command = OrderCommand::Reject {
        reason: body.reason,
        note: body.note,
    };
    app.change::<Order>(
        &asked,
        id,
        BuildsOn::Version(if_match.version()?),
        command,
        Written::reply(id),
    )
    .await
}
