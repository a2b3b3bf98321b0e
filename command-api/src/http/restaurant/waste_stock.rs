//! Something is thrown away.

use axum::extract::State;
use domain::aggregates::Inventory;
use domain::kernel::ids::RestaurantId;
use domain::kernel::quantity::IngredientAmount;
use domain::kernel::text::Reason;
use domain::restaurant::inventory::InventoryCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::WasteStock;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, OfShop};
use crate::http::strict::Strict;

/// What was thrown away, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WasteStockBody {
    /// Each ingredient.
    #[schema(value_type = Vec<IngredientAmount>)]
    items: Strict<Vec<IngredientAmount>>,
    /// Why.
    #[schema(inline)]
    reason: Reason,
}
domain::collect_struct!(WasteStockBody { items, reason });

/// Takes what was thrown away out of the stock.
#[utoipa::path(
    post,
    path = "/v1/restaurants/{restaurant_id}/stock/waste",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    request_body = WasteStockBody,
    responses(Committed, Refusals)
)]
pub(super) async fn waste_stock(
    State(app): State<App>,
    by: RestaurantStaff<WasteStock>,
    Path(shop): Path<RestaurantId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<WasteStockBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let waste = |IngredientAmount { ingredient, amount }| InventoryCommand::Waste {
        ingredient,
        amount,
        reason: body.reason.clone(),
    };
    let commands = body.items.0.into_iter().map(waste).collect();
    let expected = if_match.version()?;
    let wanted = OfShop::<Inventory> {
        shop,
        commands,
        list: Some("items"),
        expected,
    };
    app.change_of_shop(&asked, &wanted, Written::reply(shop))
        .await
}
