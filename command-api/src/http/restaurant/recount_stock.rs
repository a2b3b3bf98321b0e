//! The shelf was counted.

use axum::extract::State;
use domain::aggregates::Inventory;
use domain::kernel::ids::RestaurantId;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::RecountStock;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, OfShop};
use crate::http::restaurant::count::Count;
use crate::http::strict::Strict;

/// What was counted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecountStockBody {
    /// Each ingredient.
    #[schema(value_type = Vec<Count>)]
    counts: Strict<Vec<Count>>,
}
domain::collect_struct!(RecountStockBody { counts });

/// Corrects the stock to what was counted.
#[utoipa::path(
    post,
    path = "/v1/restaurants/{restaurant_id}/stock/recount",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    request_body = RecountStockBody,
    responses(Committed, Refusals)
)]
pub(super) async fn recount_stock(
    State(app): State<App>,
    by: RestaurantStaff<RecountStock>,
    Path(shop): Path<RestaurantId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<RecountStockBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let commands = body.counts.0.into_iter().map(Count::command).collect();
    let expected = if_match.version()?;
    let wanted = OfShop::<Inventory> {
        shop,
        commands,
        list: Some("counts"),
        expected,
    };
    app.change_of_shop(&asked, &wanted, Written::reply(shop))
        .await
}
