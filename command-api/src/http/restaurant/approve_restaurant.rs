//! Our staff let a shop sell, once it has all that a shop needs.

use std::borrow::Cow;

use axum::extract::State;
use domain::aggregates::{Menu, Restaurant};
use domain::kernel::ids::RestaurantId;
use domain::restaurant::restaurant::RestaurantCommand;
use infra::http::policy::Scope;
use infra::http::policy::action::ApproveRestaurant;
use infra::http::{ApiError, Idempotency, Ops, Path};

use crate::app::App;
use crate::execute::{ExecuteError, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::Asked;
use crate::http::whose::only_theirs;

/// Lets a shop sell, or sell again after it was stopped.
#[utoipa::path(
    post,
    path = "/v1/restaurants/{restaurant_id}/approve",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    responses(Committed, Refusals)
)]
pub(super) async fn approve_restaurant(
    State(app): State<App>,
    by: Ops<ApproveRestaurant>,
    Path(id): Path<RestaurantId>,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    app.carry_out(
        &asked,
        &Approve {
            id,
            scope: &by.scope,
        },
    )
    .await
}

struct Approve<'a> {
    id: RestaurantId,
    scope: &'a Scope,
}

impl Work for Approve<'_> {
    fn name(&self) -> Cow<'static, str> {
        "restaurant.restaurant.approve".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let shop = unit.load::<Restaurant>(self.id.uuid()).await?;
        only_theirs(&shop, self.scope)?;
        let menu = unit.load::<Menu>(self.id.uuid()).await?;
        let menu_published = menu.state.published().is_some();
        unit.decide(&shop, RestaurantCommand::Approve { menu_published })?;
        Ok(Written::reply(self.id).tagged(shop.stream))
    }
}
