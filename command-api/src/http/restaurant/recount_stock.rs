//! The shelf was counted.

use axum::extract::State;
use domain::kernel::ids::RestaurantId;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::RecountStock;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::Asked;
use crate::http::restaurant::count::Counts;

/// Corrects the stock to what was counted.
#[utoipa::path(
    post,
    path = "/v1/restaurants/{restaurant_id}/stock/recount",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    request_body = Counts,
    responses(Committed, Refusals)
)]
pub(super) async fn recount_stock(
    State(app): State<App>,
    by: RestaurantStaff<RecountStock>,
    Path(shop): Path<RestaurantId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<Counts>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let wanted = body.of_shop(shop, if_match.version()?);
    app.change_of_shop(&asked, &wanted, Written::reply(shop))
        .await
}
