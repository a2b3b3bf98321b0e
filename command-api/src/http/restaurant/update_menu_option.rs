//! A shop changes what one option adds to prices, or takes it off or puts it on, wherever it is offered.

use axum::extract::State;
use domain::kernel::ids::RestaurantId;
use domain::kernel::key::Key;
use domain::kernel::money::PriceDelta;
use domain::restaurant::menu::{MenuCommand, OptionRef};
use infra::http::policy::action::UpdateMenuOption;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals};
use crate::http::asked::Asked;

/// What changes; at least one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateMenuOptionBody {
    /// What it adds to a price, or takes off, in minor units of the shop's currency. Its prices by
    /// another group stay.
    #[serde(default)]
    #[schema(inline)]
    price_minor: Option<PriceDelta>,
    /// Whether it can be chosen.
    #[serde(default)]
    available: Option<bool>,
}
domain::collect_struct!(UpdateMenuOptionBody {
    price_minor,
    available
});

/// Changes an option's price or availability.
#[utoipa::path(
    patch,
    path = "/v1/restaurants/{restaurant_id}/menu/options/{group}/{option}",
    params(
        ("restaurant_id" = uuid::Uuid, Path, description = "The shop"),
        ("group" = String, Path, description = "The option group's key"),
        ("option" = String, Path, description = "The option's key")
    ),
    request_body = UpdateMenuOptionBody,
    responses(Committed, Refusals)
)]
pub(super) async fn update_menu_option(
    State(app): State<App>,
    by: RestaurantStaff<UpdateMenuOption>,
    Path((shop, group, option)): Path<(RestaurantId, Key, Key)>,
    key: Idempotency,
    Json(body): Json<UpdateMenuOptionBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let option = OptionRef { group, option };
    let price = body
        .price_minor
        .map(|price_minor| MenuCommand::SetOptionPrice {
            option: option.clone(),
            price_minor,
        });
    let available = body
        .available
        .map(|available| MenuCommand::SetOptionAvailable { option, available });
    app.change_menu_part(&asked, shop, price, available).await
}
