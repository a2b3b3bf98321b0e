//! `GET /v1/restaurants/{id}/stock`: what the shop has of each ingredient.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::kernel::ids::RestaurantId;
use domain::kernel::kitchen::{Kitchen, KitchenCapacity, slot_of};
use http::header::ETAG;
use infra::availability::StockLevel;
use infra::http::conditional::Etag;
use infra::http::policy::{Subject, action};
use infra::http::{ApiError, Consistency, Json, Path, Problem, RestaurantStaff};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::error::db;
use crate::http::{json_of, private};

/// A shop's stock.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StockPage {
    /// The shop.
    restaurant_id: Uuid,
    /// Events folded; 0 when the shop keeps no stock.
    version: i64,
    /// Each ingredient that was ever named, by key.
    ingredients: Vec<StockLine>,
    /// What of the kitchen is booked, slot by slot of ten minutes; the one that runs now is the first.
    kitchen: Vec<SlotLine>,
}

/// Ten minutes of the kitchen.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SlotLine {
    /// When they begin.
    starts: DateTime<Utc>,
    /// Bowls that are booked.
    bowls: u32,
    /// Seconds of boiler baskets that are booked.
    basket_seconds: u32,
    /// Seconds of boiler baskets that are left; none when the shop does not say what its kitchen can do.
    left_seconds: Option<u32>,
}

/// An ingredient, every amount in its unit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StockLine {
    /// The ingredient's key.
    ingredient: String,
    /// Whether stock is kept of it; until then it is never out.
    tracked: bool,
    /// What can still be promised.
    free: i64,
    /// Held for orders that are not fired.
    held: i64,
    /// Received in all.
    received: i64,
    /// What counting added or took away.
    adjusted: i64,
    /// Cooked.
    used: i64,
    /// Thrown away.
    wasted: i64,
    /// Whether it is out by word of the shop.
    eighty_sixed: bool,
    /// When it is back by itself.
    back_at: Option<DateTime<Utc>>,
}

/// Reads a shop's stock.
#[utoipa::path(get, path = "/v1/restaurants/{restaurant_id}/stock", operation_id = "read_stock",
    tag = "restaurant",
    params(("restaurant_id" = Uuid, Path, description = "The shop.")),
    responses((status = 200, body = StockPage), (status = "default", body = Problem)))]
pub(crate) async fn read_stock(
    State(app): State<App>,
    by: RestaurantStaff<action::ReadStock>,
    Path(id): Path<RestaurantId>,
    consistency: Consistency,
) -> Result<Response, ApiError> {
    if !by.scope.covers(&Subject::of_restaurant(id)) {
        return Err(ApiError::not_found());
    }
    let seen = app.views_seen(&consistency).await?;
    let row = sqlx::query!(
        r#"SELECT s.sequence AS "sequence?", s.ingredients::text, s.kitchen::text AS "kitchen?",
                  r.capacity::text
           FROM views.restaurants r LEFT JOIN views.stock s USING (restaurant_id)
           WHERE r.restaurant_id = $1"#,
        id.uuid()
    )
    .fetch_optional(app.pool())
    .await
    .map_err(db)?
    .ok_or_else(ApiError::not_found)?;
    let levels: BTreeMap<String, StockLevel> = row
        .ingredients
        .as_deref()
        .map(json_of)
        .transpose()?
        .unwrap_or_default();
    let kitchen: Option<Kitchen> = row.kitchen.as_deref().map(json_of).transpose()?;
    let capacity: Option<KitchenCapacity> = row.capacity.as_deref().map(json_of).transpose()?;
    let now = app.clock().now();
    let page = StockPage {
        restaurant_id: id.uuid(),
        version: row.sequence.unwrap_or(0),
        ingredients: levels
            .into_iter()
            .map(|(key, level)| line(key, level, now))
            .collect(),
        kitchen: slots(&kitchen.unwrap_or_default(), capacity.as_ref(), now),
    };
    let etag = Etag::version(page.version).header();
    let mut response = private(Json::<_>(page).into_response());
    response.headers_mut().insert(ETAG, etag);
    Ok(seen.mark(response))
}

/// The slots that are not over.
fn slots(
    kitchen: &Kitchen,
    capacity: Option<&KitchenCapacity>,
    now: DateTime<Utc>,
) -> Vec<SlotLine> {
    let present = slot_of(now);
    kitchen
        .slots()
        .filter(|(starts, _)| *starts >= present)
        .map(|(starts, load)| SlotLine {
            starts,
            bowls: load.bowls,
            basket_seconds: load.basket_seconds,
            left_seconds: capacity.map(|capacity| capacity.left(load).0),
        })
        .collect()
}

fn line(ingredient: String, level: StockLevel, now: DateTime<Utc>) -> StockLine {
    let out = level
        .eighty_six
        .filter(|out| out.until.is_none_or(|until| now < until));
    StockLine {
        ingredient,
        tracked: level.tracked,
        free: level.free,
        held: level.held,
        received: level.received,
        adjusted: level.adjusted,
        used: level.used,
        wasted: level.wasted,
        eighty_sixed: out.is_some(),
        back_at: out.and_then(|out| out.until),
    }
}
