//! A bowl's noodles leave the water.

use axum::extract::State;
use domain::ordering::order::OrderCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::BoilBowl;
use infra::http::{ApiError, Idempotency, RestaurantStaff};

use crate::app::App;
use crate::http::answer::{Committed, Refusals};
use crate::http::ordering::bowl::{BowlParams, BowlPath};

/// Says that a bowl's noodles are out of the water.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/lines/{line}/bowls/{bowl}/boiled",
    params(BowlParams),
    responses(Committed, Refusals)
)]
pub(super) async fn boil_bowl(
    State(app): State<App>,
    by: RestaurantStaff<BoilBowl>,
    bowl: BowlPath,
    if_match: IfMatch,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let noted = |line, bowl| OrderCommand::BowlBoiled { line, bowl };
    app.note_bowl(&by, bowl, &if_match, &key, noted).await
}
