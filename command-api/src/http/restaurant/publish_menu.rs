//! A shop's menu, replaced whole or refused whole.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::State;
use domain::aggregates::{Menu, Restaurant};
use domain::kernel::ids::RestaurantId;
use domain::restaurant::menu::{MenuCommand, MenuDocument};
use infra::http::policy::Scope;
use infra::http::policy::action::PublishMenu;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use infra::limits::MENU_BODY_BYTES_MAX;

use crate::app::App;
use crate::execute::{ExecuteError, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, Guard};
use crate::http::strict::Strict;
use crate::http::whose::only_theirs;

/// Publishes a menu; `If-Match` names the menu that it replaces, `"0"` or `If-None-Match: *` none.
#[utoipa::path(
    put,
    path = "/v1/restaurants/{restaurant_id}/menu",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    request_body = MenuDocument,
    responses(Committed, Refusals)
)]
pub(super) async fn publish_menu(
    State(app): State<App>,
    by: RestaurantStaff<PublishMenu>,
    Path(shop): Path<RestaurantId>,
    guard: Guard,
    key: Idempotency,
    Json(Strict(document)): Json<Strict<MenuDocument>, MENU_BODY_BYTES_MAX>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let document = Arc::new(document);
    app.carry_out(
        &asked,
        &Publish {
            shop,
            scope: &by.scope,
            guard,
            document,
        },
    )
    .await
}

struct Publish<'a> {
    shop: RestaurantId,
    scope: &'a Scope,
    guard: Guard,
    document: Arc<MenuDocument>,
}

impl Work for Publish<'_> {
    fn name(&self) -> Cow<'static, str> {
        "restaurant.menu.publish".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let shop = unit.load::<Restaurant>(self.shop.uuid()).await?;
        only_theirs(&shop, self.scope)?;
        let menu = unit.load::<Menu>(self.shop.uuid()).await?;
        self.guard.check(menu.version)?;
        let document = Arc::clone(&self.document);
        unit.decide(&menu, MenuCommand::Publish { document })?;
        Ok(Written::reply(self.shop).tagged(menu.stream))
    }
}
