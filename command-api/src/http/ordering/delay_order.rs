//! A kitchen needs longer than it promised.

use axum::extract::State;
use domain::aggregates::Order;
use domain::kernel::ids::OrderId;
use domain::kernel::quantity::Minutes;
use domain::kernel::text::Reason;
use domain::ordering::order::{FaultParty, OrderCommand};
use infra::http::conditional::IfMatch;
use infra::http::policy::action::DelayOrder;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// How long the kitchen needs now.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DelayOrderBody {
    /// Minutes from acceptance until everything is packed.
    #[schema(inline)]
    prep_minutes: Minutes,
    /// Why.
    #[schema(inline)]
    reason: Reason,
}
domain::collect_struct!(DelayOrderBody {
    prep_minutes,
    reason
});

impl DelayOrderBody {
    /// What is asked of the order: a kitchen's clock has slipped.
    pub(super) fn command(self) -> OrderCommand {
        OrderCommand::Delay {
            prep_minutes: self.prep_minutes,
            reason: self.reason,
            party: FaultParty::Shop,
        }
    }
}

/// Moves the promise of an accepted order to a later time. It never moves back.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/delay",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    request_body = DelayOrderBody,
    responses(Committed, Refusals)
)]
pub(super) async fn delay_order(
    State(app): State<App>,
    by: RestaurantStaff<DelayOrder>,
    Path(id): Path<OrderId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<DelayOrderBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let builds_on = BuildsOn::Version(if_match.version()?);
    app.change::<Order>(&asked, id, builds_on, body.command(), Written::reply(id))
        .await
}
