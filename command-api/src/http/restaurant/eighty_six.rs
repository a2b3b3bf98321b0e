//! A kitchen is out of an ingredient, whatever the count says.

use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::aggregates::Inventory;
use domain::kernel::ids::RestaurantId;
use domain::kernel::key::Key;
use domain::restaurant::inventory::InventoryCommand;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff, policy};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, OfShop};

/// For how long an ingredient is out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EightySixBody {
    /// When it is back by itself.
    #[serde(default)]
    until: Option<DateTime<Utc>>,
}
domain::collect_struct!(EightySixBody { until });

/// Takes an ingredient off sale, until a time or until it is put on again.
#[utoipa::path(
    post,
    path = "/v1/restaurants/{restaurant_id}/ingredients/{ingredient}/eighty-six",
    params(
        ("restaurant_id" = uuid::Uuid, Path, description = "The shop"),
        ("ingredient" = String, Path, description = "The ingredient's key")
    ),
    request_body = EightySixBody,
    responses(Committed, Refusals)
)]
pub(super) async fn eighty_six(
    State(app): State<App>,
    by: RestaurantStaff<policy::action::EightySix>,
    Path((shop, ingredient)): Path<(RestaurantId, Key)>,
    key: Idempotency,
    Json(body): Json<EightySixBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let commands = vec![InventoryCommand::EightySix {
        ingredient,
        until: body.until,
    }];
    let wanted = OfShop::<Inventory> {
        shop,
        commands,
        list: None,
        expected: None,
    };
    app.change_of_shop(&asked, &wanted, Written::reply(shop))
        .await
}
