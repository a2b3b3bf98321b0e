//! A bowl is packed and closed; its clock starts.

use axum::extract::State;
use domain::ordering::order::OrderCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::SealBowl;
use infra::http::{ApiError, Idempotency, RestaurantStaff};

use crate::app::App;
use crate::http::answer::{Committed, Refusals};
use crate::http::ordering::bowl::{BowlParams, BowlPath};

/// Says that a bowl is closed.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/lines/{line}/bowls/{bowl}/sealed",
    params(BowlParams),
    responses(Committed, Refusals)
)]
pub(super) async fn seal_bowl(
    State(app): State<App>,
    by: RestaurantStaff<SealBowl>,
    bowl: BowlPath,
    if_match: IfMatch,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let noted = |line, bowl| OrderCommand::BowlSealed { line, bowl };
    app.note_bowl(&by, bowl, &if_match, &key, noted).await
}
