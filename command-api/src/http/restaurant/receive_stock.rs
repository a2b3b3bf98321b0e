//! Goods come in.

use axum::extract::State;
use domain::aggregates::Inventory;
use domain::kernel::ids::RestaurantId;
use domain::kernel::quantity::IngredientAmount;
use domain::restaurant::inventory::InventoryCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::ReceiveStock;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, OfShop};
use crate::http::strict::Strict;

/// What came in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReceiveStockBody {
    /// Each ingredient.
    #[schema(value_type = Vec<IngredientAmount>)]
    items: Strict<Vec<IngredientAmount>>,
}
domain::collect_struct!(ReceiveStockBody { items });

/// Adds a delivery of ingredients to the stock.
#[utoipa::path(
    post,
    path = "/v1/restaurants/{restaurant_id}/stock/receive",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    request_body = ReceiveStockBody,
    responses(Committed, Refusals)
)]
pub(super) async fn receive_stock(
    State(app): State<App>,
    by: RestaurantStaff<ReceiveStock>,
    Path(shop): Path<RestaurantId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<ReceiveStockBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let receive =
        |IngredientAmount { ingredient, amount }| InventoryCommand::Receive { ingredient, amount };
    let commands = body.items.0.into_iter().map(receive).collect();
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
