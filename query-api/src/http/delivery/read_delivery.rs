//! `GET /v1/deliveries/{id}`: what the assigned driver needs to carry it. The code stays with the customer.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::kernel::address::Address;
use domain::kernel::ids::DeliveryId;
use domain::kernel::sealed::Sealed;
use http::header::ETAG;
use infra::http::conditional::Etag;
use infra::http::policy::action;
use infra::http::{ApiError, Caller, Consistency, Json, Path, Problem};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::error::db;
use crate::http::{json_of, private};
use crate::reveal::reveal;
use crate::scope::ScopeFilter;

/// A delivery in full.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryDetail {
    /// How far it is.
    #[serde(flatten)]
    summary: DeliverySummary,
    /// Where to bring it; none when the person's data was erased.
    dropoff: Option<Address>,
    /// When the note at the door or its pin was last put right; look again if that was since.
    dropoff_corrected_at: Option<DateTime<Utc>>,
    /// How often the customer was called.
    contact_attempts: i32,
    /// How often the code was wrong.
    pin_failures: i32,
    /// Whether the driver has checked the food.
    verified_at: Option<DateTime<Utc>>,
    /// Why it ended without being delivered.
    end_reason: Option<String>,
}

/// A delivery as a list shows it. Nothing in it is personal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliverySummary {
    /// The delivery.
    pub(super) id: Uuid,
    /// Events folded; what `If-Match` compares.
    pub(super) version: i64,
    /// The order.
    pub(super) order_id: Uuid,
    /// The shop.
    pub(super) restaurant_id: Uuid,
    /// Who carries it.
    pub(super) driver_id: Option<Uuid>,
    /// How far it is.
    pub(super) stage: String,
    /// Number of the order, as on its label.
    pub(super) number: i32,
    /// The shop's name.
    pub(super) pickup_name: String,
    /// Where to fetch it: latitude.
    pub(super) pickup_lat: f64,
    /// Where to fetch it: longitude.
    pub(super) pickup_lon: f64,
    /// How many bowls.
    pub(super) bowls: i32,
    /// Until when it is still ramen.
    pub(super) deadline: Option<DateTime<Utc>>,
    /// When it was asked for.
    pub(super) requested_at: DateTime<Utc>,
    /// When the driver had the food.
    pub(super) picked_up_at: Option<DateTime<Utc>>,
    /// When the driver was at the door.
    pub(super) at_dropoff_at: Option<DateTime<Utc>>,
    /// When the customer had the food.
    pub(super) delivered_at: Option<DateTime<Utc>>,
}

/// Reads a delivery.
#[utoipa::path(get, path = "/v1/deliveries/{delivery_id}", operation_id = "read_delivery",
    tag = "delivery",
    params(("delivery_id" = Uuid, Path, description = "The delivery.")),
    responses((status = 200, body = DeliveryDetail), (status = "default", body = Problem)))]
pub(crate) async fn read_delivery(
    State(app): State<App>,
    by: Caller<action::ReadDelivery>,
    Path(id): Path<DeliveryId>,
    consistency: Consistency,
) -> Result<Response, ApiError> {
    let seen = app.views_seen(&consistency).await?;
    let scope = ScopeFilter::from(&by.scope);
    let row = sqlx::query!(
        r#"SELECT delivery_id, sequence, order_id, restaurant_id, driver_id, stage, number,
                  pickup_name, pickup_lat, pickup_lon, dropoff::text AS "dropoff!", bowls, deadline,
                  dropoff_corrected_at, requested_at, verified_at, picked_up_at, at_dropoff_at, contact_attempts,
                  pin_failures, delivered_at, end_reason
           FROM views.deliveries
           WHERE delivery_id = $1
             AND ($2::uuid IS NULL OR customer_id = $2)
             AND ($3::uuid[] IS NULL OR restaurant_id = ANY($3))
             AND ($4::uuid IS NULL OR driver_id = $4)"#,
        id.uuid(),
        scope.customer,
        scope.shops.as_deref(),
        scope.driver
    )
    .fetch_optional(app.pool())
    .await
    .map_err(db)?
    .ok_or_else(ApiError::not_found)?;
    let sealed: Sealed<Address> = json_of(&row.dropoff)?;
    let detail = DeliveryDetail {
        dropoff: reveal(app.vault(), &sealed).await?,
        dropoff_corrected_at: row.dropoff_corrected_at,
        contact_attempts: row.contact_attempts,
        pin_failures: row.pin_failures,
        verified_at: row.verified_at,
        end_reason: row.end_reason,
        summary: DeliverySummary {
            id: row.delivery_id,
            version: row.sequence,
            order_id: row.order_id,
            restaurant_id: row.restaurant_id,
            driver_id: row.driver_id,
            stage: row.stage,
            number: row.number,
            pickup_name: row.pickup_name,
            pickup_lat: row.pickup_lat,
            pickup_lon: row.pickup_lon,
            bowls: row.bowls,
            deadline: row.deadline,
            requested_at: row.requested_at,
            picked_up_at: row.picked_up_at,
            at_dropoff_at: row.at_dropoff_at,
            delivered_at: row.delivered_at,
        },
    };
    let etag = Etag::version(detail.summary.version).header();
    let mut response = private(Json::<_>(detail).into_response());
    response.headers_mut().insert(ETAG, etag);
    Ok(seen.mark(response))
}
