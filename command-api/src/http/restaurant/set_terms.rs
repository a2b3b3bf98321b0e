//! Tax, commission and fees of a shop, replaced whole.

use axum::extract::State;
use domain::aggregates::Restaurant;
use domain::kernel::ids::RestaurantId;
use domain::restaurant::restaurant::{RestaurantCommand, Terms};
use infra::http::conditional::IfMatch;
use infra::http::policy::action::SetTerms;
use infra::http::{ApiError, Idempotency, Json, Ops, Path};

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};
use crate::http::strict::Strict;

/// Replaces the terms on which a shop sells.
#[utoipa::path(
    put,
    path = "/v1/restaurants/{restaurant_id}/terms",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    request_body = Terms,
    responses(Committed, Refusals)
)]
pub(super) async fn set_terms(
    State(app): State<App>,
    by: Ops<SetTerms>,
    Path(id): Path<RestaurantId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(Strict(terms)): Json<Strict<Terms>>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = RestaurantCommand::SetTerms { terms };
    app.change::<Restaurant>(
        &asked,
        id,
        BuildsOn::Version(if_match.version()?),
        command,
        Written::reply(id),
    )
    .await
}
