//! `GET /v1/me/deliveries`: a driver's deliveries, newest first.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::LINK;
use infra::http::policy::action;
use infra::http::{ApiError, Consistency, Driver, Json, Problem, Query};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::read_delivery::DeliverySummary;
use crate::app::App;
use crate::error::db;
use crate::http::paging::{Cursor, PAGE_DEFAULT, limit_of};
use crate::http::private;

/// What is asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListMyDeliveries {
    /// At most so many, 1 to 100.
    limit: u32,
    /// Where the page before ended, from its `Link`.
    cursor: Option<Cursor>,
}

domain::collect_struct!(ListMyDeliveries { limit = PAGE_DEFAULT, cursor });

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryPage {
    /// Newest first.
    deliveries: Vec<DeliverySummary>,
    /// For the next page; none on the last.
    cursor: Option<Cursor>,
}

/// Lists the driver's deliveries, newest first.
#[utoipa::path(get, path = "/v1/me/deliveries", operation_id = "list_my_deliveries",
    tag = "delivery", params(ListMyDeliveries),
    responses((status = 200, body = DeliveryPage), (status = "default", body = Problem)))]
pub(crate) async fn list_my_deliveries(
    State(app): State<App>,
    by: Driver<action::ListMyDeliveries>,
    consistency: Consistency,
    Query(asked): Query<ListMyDeliveries>,
) -> Result<Response, ApiError> {
    let limit = limit_of(asked.limit)?;
    let seen = app.views_seen(&consistency).await?;
    let mut deliveries = sqlx::query_as!(
        DeliverySummary,
        "SELECT delivery_id AS id, sequence AS version, order_id, restaurant_id, driver_id, stage, number, pickup_name,
                pickup_lat, pickup_lon, bowls, deadline, requested_at, picked_up_at, at_dropoff_at,
                delivered_at
         FROM views.deliveries WHERE driver_id = $1 AND delivery_id < $2
         ORDER BY delivery_id DESC LIMIT $3",
        by.id.uuid(),
        asked.cursor.as_ref().map_or(Uuid::max(), Cursor::id),
        i64::from(limit) + 1
    )
    .fetch_all(app.pool())
    .await
    .map_err(db)?;
    let more = deliveries.len() > limit as usize;
    deliveries.truncate(limit as usize);
    let cursor = deliveries
        .last()
        .filter(|_| more)
        .map(|last| Cursor::after(last.id));
    let link = cursor.as_ref().and_then(|cursor| {
        let link = format!("</v1/me/deliveries?limit={limit}&cursor={cursor}>; rel=\"next\"");
        HeaderValue::from_str(&link).ok()
    });
    let mut response = private(Json::<_>(DeliveryPage { deliveries, cursor }).into_response());
    if let Some(link) = link {
        response.headers_mut().insert(LINK, link);
    }
    Ok(seen.mark(response))
}
