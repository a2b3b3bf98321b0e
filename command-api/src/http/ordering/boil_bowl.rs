//! A bowl's noodles leave the water.

use axum::extract::State;
use domain::aggregates::Order;
use domain::kernel::ids::OrderId;
use domain::ordering::line::LineId;
use domain::ordering::order::OrderCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::BoilBowl;
use infra::http::{ApiError, Idempotency, Path, RestaurantStaff};

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// Says that a bowl's noodles are out of the water.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/lines/{line}/bowls/{bowl}/boiled",
    params(("order_id" = uuid::Uuid, Path, description = "The order"), ("line" = u32, Path, description = "The line of the order"), ("bowl" = u32, Path, description = "Which bowl of the line, from 1")),
    responses(Committed, Refusals)
)]
pub(super) async fn boil_bowl(
    State(app): State<App>,
    by: RestaurantStaff<BoilBowl>,
    Path((id, line, bowl)): Path<(OrderId, LineId, u32)>,
    if_match: IfMatch,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = OrderCommand::BowlBoiled { line, bowl };
    app.change::<Order>(
        &asked,
        id,
        BuildsOn::Version(if_match.version()?),
        command,
        Written::reply(id),
    )
    .await
}
