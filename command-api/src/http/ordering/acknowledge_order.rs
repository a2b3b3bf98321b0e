//! A device of the shop has shown the order.

use axum::extract::State;
use domain::aggregates::Order;
use domain::kernel::ids::OrderId;
use domain::kernel::text::Name;
use domain::ordering::order::OrderCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::AcknowledgeOrder;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Which device.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AcknowledgeOrderBody {
    /// The device, as it names itself.
    #[serde(default)]
    #[schema(inline)]
    device: Option<Name>,
}
domain::collect_struct!(AcknowledgeOrderBody { device });

/// Says that a device has shown the order.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/acknowledge",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    request_body = AcknowledgeOrderBody,
    responses(Committed, Refusals)
)]
pub(super) async fn acknowledge_order(
    State(app): State<App>,
    by: RestaurantStaff<AcknowledgeOrder>,
    Path(id): Path<OrderId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(AcknowledgeOrderBody { device }): Json<AcknowledgeOrderBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = OrderCommand::Acknowledge { device };
    let builds_on = BuildsOn::Version(if_match.version()?);
    app.change::<Order>(&asked, id, builds_on, command, Written::reply(id))
        .await
}
