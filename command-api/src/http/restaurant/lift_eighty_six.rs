//! A kitchen has an ingredient again.

use axum::extract::State;
use domain::aggregates::Inventory;
use domain::kernel::ids::RestaurantId;
use domain::kernel::key::Key;
use domain::restaurant::inventory::InventoryCommand;
use infra::http::policy::action::LiftEightySix;
use infra::http::{ApiError, Idempotency, Path, RestaurantStaff};

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, OfShop};

/// Puts an ingredient on sale again.
#[utoipa::path(
    delete,
    path = "/v1/restaurants/{restaurant_id}/ingredients/{ingredient}/eighty-six",
    params(
        ("restaurant_id" = uuid::Uuid, Path, description = "The shop"),
        ("ingredient" = String, Path, description = "The ingredient's key")
    ),
    responses(Committed, Refusals)
)]
pub(super) async fn lift_eighty_six(
    State(app): State<App>,
    by: RestaurantStaff<LiftEightySix>,
    Path((shop, ingredient)): Path<(RestaurantId, Key)>,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let commands = vec![InventoryCommand::LiftEightySix { ingredient }];
    let wanted = OfShop::<Inventory> {
        shop,
        commands,
        list: None,
        expected: None,
    };
    app.change_of_shop(&asked, &wanted, Written::reply(shop))
        .await
}
