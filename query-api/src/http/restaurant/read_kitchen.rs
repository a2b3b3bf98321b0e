//! `GET /v1/restaurants/{id}/kitchen`: what the kitchen has before it, with its clocks.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use domain::kernel::ids::RestaurantId;
use domain::kernel::kitchen::KitchenBooking;
use infra::http::policy::{Subject, action};
use infra::http::{ApiError, Consistency, Json, Path, Problem, RestaurantStaff};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::error::db;
use crate::http::ordering::sealed_parts::{AddressView, open_address, open_notes};
use crate::http::{json_of, private};

/// A kitchen's orders.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KitchenPage {
    /// The instant that the clocks are to be read against.
    now: DateTime<Utc>,
    /// The most urgent first: by the promise's end.
    orders: Vec<KitchenOrder>,
    /// Orders for later, which the kitchen is asked for at their `release_at`; the next one first.
    later: Vec<KitchenOrder>,
}

/// An order in the kitchen.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KitchenOrder {
    /// The order.
    order_id: Uuid,
    /// Events folded; what `If-Match` compares.
    version: i64,
    /// Number on its service date.
    number: i32,
    /// Local date on which the opening began.
    service_date: NaiveDate,
    /// `delivery` or `pickup`.
    fulfilment: String,
    /// `placed`, `accepted`, `cooking` or `ready`; `scheduled` of an order for later.
    state: String,
    /// Whether it is fired without a tap.
    auto_fire: bool,
    /// Name for the label, of a delivery.
    recipient: Option<String>,
    /// What to cook, with the customer's notes.
    #[schema(value_type = Vec<Object>)]
    lines: Vec<Value>,
    /// The clock of each bowl that was begun.
    #[schema(value_type = Vec<Object>)]
    bowls: Value,
    /// What the kitchen said it needs.
    prep_minutes: Option<i32>,
    /// Promised not before.
    promise_earliest: Option<DateTime<Utc>>,
    /// Promised not after.
    promise_latest: DateTime<Utc>,
    /// When the kitchen is asked for an order for later.
    release_at: Option<DateTime<Utc>>,
    /// When the kitchen was asked for it.
    placed_at: Option<DateTime<Utc>>,
    /// When the shop took it.
    accepted_at: Option<DateTime<Utc>>,
    /// When a device of the shop has shown it.
    acknowledged_at: Option<DateTime<Utc>>,
    /// When the kitchen began.
    fired_at: Option<DateTime<Utc>>,
    /// When all was packed.
    ready_at: Option<DateTime<Utc>>,
    /// Until when it is still ramen.
    slurp_deadline: Option<DateTime<Utc>>,
    /// The order of which it makes bowls again.
    remake_of: Option<Uuid>,
    /// The waves in which its bowls go into the boiler, of an order that is not fired, in a shop that says what its
    /// kitchen can do. A large order has several, ten minutes apart.
    waves: Vec<Wave>,
}

/// Bowls that boil beside each other.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Wave {
    /// When the first of them may go in.
    starts: DateTime<Utc>,
    /// How many.
    bowls: u32,
}

/// Reads what a kitchen has before it.
#[utoipa::path(get, path = "/v1/restaurants/{restaurant_id}/kitchen",
    operation_id = "read_kitchen", tag = "restaurant",
    params(("restaurant_id" = Uuid, Path, description = "The shop.")),
    responses((status = 200, body = KitchenPage), (status = "default", body = Problem)))]
pub(crate) async fn read_kitchen(
    State(app): State<App>,
    by: RestaurantStaff<action::ReadKitchen>,
    Path(id): Path<RestaurantId>,
    consistency: Consistency,
) -> Result<Response, ApiError> {
    if !by.scope.covers(&Subject::of_restaurant(id)) {
        return Err(ApiError::not_found());
    }
    let seen = app.views_seen(&consistency).await?;
    // An order that nobody has paid for is none of the kitchen's.
    let rows = sqlx::query!(
        r#"SELECT k.order_id, k.sequence, k.number, k.service_date, k.fulfilment, k.state,
                  k.auto_fire, k.lines::text AS "lines!", k.bowls::text AS "bowls!", k.prep_minutes,
                  k.promise_earliest, k.promise_latest, k.release_at, k.placed_at, k.accepted_at, k.acknowledged_at, k.fired_at,
                  k.ready_at, k.slurp_deadline, k.remake_of, d.fulfilment::text AS "sealed_fulfilment?"
           FROM views.kitchen_queue k LEFT JOIN views.order_details d USING (order_id)
           WHERE k.restaurant_id = $1 AND k.state <> 'awaiting_payment'
           ORDER BY k.promise_latest, k.order_id"#,
        id.uuid()
    )
    .fetch_all(app.pool())
    .await
    .map_err(db)?;
    let mut waves = waves_of(&app, id).await?;
    let mut orders = Vec::with_capacity(rows.len());
    for row in rows {
        let mut lines: Vec<Value> = json_of(&row.lines)?;
        open_notes(app.vault(), &mut lines).await?;
        let recipient = match row.sealed_fulfilment {
            Some(text) => {
                open_address(app.vault(), json_of(&text)?, AddressView::Name)
                    .await?
                    .1
            }
            None => None,
        };
        orders.push(KitchenOrder {
            order_id: row.order_id,
            version: row.sequence,
            number: row.number,
            service_date: row.service_date,
            fulfilment: row.fulfilment,
            state: row.state,
            auto_fire: row.auto_fire,
            recipient,
            lines,
            bowls: json_of(&row.bowls)?,
            prep_minutes: row.prep_minutes,
            promise_earliest: row.promise_earliest,
            promise_latest: row.promise_latest,
            release_at: row.release_at,
            placed_at: row.placed_at,
            accepted_at: row.accepted_at,
            acknowledged_at: row.acknowledged_at,
            fired_at: row.fired_at,
            ready_at: row.ready_at,
            slurp_deadline: row.slurp_deadline,
            remake_of: row.remake_of,
            waves: waves.remove(&row.order_id).unwrap_or_default(),
        });
    }
    let (later, orders) = orders
        .into_iter()
        .partition(|order| order.state == "scheduled");
    let page = KitchenPage {
        now: app.clock().now(),
        orders,
        later,
    };
    Ok(seen.mark(private(Json::<_>(page).into_response())))
}

/// The slots of the boiler that orders of a shop have booked, by order.
async fn waves_of(app: &App, shop: RestaurantId) -> Result<HashMap<Uuid, Vec<Wave>>, ApiError> {
    let booked = sqlx::query_scalar!(
        r#"SELECT bookings::text AS "bookings!" FROM views.stock WHERE restaurant_id = $1"#,
        shop.uuid()
    )
    .fetch_optional(app.pool())
    .await
    .map_err(db)?;
    let booked: HashMap<Uuid, KitchenBooking> = match booked {
        Some(text) => json_of(&text)?,
        None => HashMap::new(),
    };
    let waves = |booking: KitchenBooking| {
        let slots = booking.slots.into_iter();
        slots
            .map(|slot| Wave {
                starts: slot.starts,
                bowls: slot.bowls,
            })
            .collect()
    };
    let by_order = booked.into_iter();
    Ok(by_order
        .map(|(order, booking)| (order, waves(booking)))
        .collect())
}
