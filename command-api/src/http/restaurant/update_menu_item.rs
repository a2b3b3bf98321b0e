//! A shop changes one item's price, or takes it off or puts it on.

use axum::extract::State;
use domain::kernel::ids::RestaurantId;
use domain::kernel::key::Key;
use domain::kernel::money::Price;
use domain::restaurant::menu::MenuCommand;
use infra::http::policy::action::UpdateMenuItem;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals};
use crate::http::asked::Asked;

/// What changes; at least one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateMenuItemBody {
    /// The new price, in minor units of the shop's currency.
    #[serde(default)]
    #[schema(inline)]
    price_minor: Option<Price>,
    /// Whether the item can be ordered.
    #[serde(default)]
    available: Option<bool>,
}
domain::collect_struct!(UpdateMenuItemBody {
    price_minor,
    available
});

/// Changes an item's price or availability.
#[utoipa::path(
    patch,
    path = "/v1/restaurants/{restaurant_id}/menu/items/{item}",
    params(
        ("restaurant_id" = uuid::Uuid, Path, description = "The shop"),
        ("item" = String, Path, description = "The item's key")
    ),
    request_body = UpdateMenuItemBody,
    responses(Committed, Refusals)
)]
pub(super) async fn update_menu_item(
    State(app): State<App>,
    by: RestaurantStaff<UpdateMenuItem>,
    Path((shop, item)): Path<(RestaurantId, Key)>,
    key: Idempotency,
    Json(body): Json<UpdateMenuItemBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let price = body.price_minor.map(|price_minor| MenuCommand::SetPrice {
        item: item.clone(),
        price_minor,
    });
    let available = body
        .available
        .map(|available| MenuCommand::SetAvailable { item, available });
    app.change_menu_part(&asked, shop, price, available).await
}
