//! A shop changes what one option adds to prices, or takes it off or puts it on, wherever it is offered.

use axum::extract::State;
use domain::aggregates::Menu;
use domain::kernel::ids::RestaurantId;
use domain::kernel::key::Key;
use domain::kernel::money::PriceDelta;
use domain::restaurant::menu::{MenuCommand, OptionRef};
use infra::http::policy::action::UpdateMenuOption;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use super::update_menu_item::nothing_to_do;
use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, OfShop};

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
    let commands = body.commands(&OptionRef { group, option });
    if commands.is_empty() {
        return Err(nothing_to_do());
    }
    let wanted = OfShop::<Menu> {
        shop,
        commands,
        list: None,
        expected: None,
    };
    app.change_of_shop(&asked, &wanted, Written::reply(shop))
        .await
}

impl UpdateMenuOptionBody {
    fn commands(self, option: &OptionRef) -> Vec<MenuCommand> {
        let price = self.price_minor;
        let price = price.map(|price_minor| MenuCommand::SetOptionPrice {
            option: option.clone(),
            price_minor,
        });
        let available = self.available;
        let available = available.map(|available| MenuCommand::SetOptionAvailable {
            option: option.clone(),
            available,
        });
        price.into_iter().chain(available).collect()
    }
}
