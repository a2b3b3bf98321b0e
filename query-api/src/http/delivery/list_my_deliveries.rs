//! `GET /v1/me/deliveries`: a driver's deliveries, newest first.

use axum::extract::State;
use axum::response::Response;
use infra::http::policy::action;
use infra::http::{ApiError, Consistency, Driver, Problem, Query};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::read_delivery::DeliverySummary;
use crate::app::App;
use crate::error::db;
use crate::http::paging::{Cursor, List, PAGE_DEFAULT, limit_of};

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
    let list = List::new("/v1/me/deliveries", by.principal.id);
    let before = list.after(asked.cursor.as_ref())?;
    let seen = app.views_seen(&consistency).await?;
    let mut deliveries = sqlx::query_as!(
        DeliverySummary,
        "SELECT delivery_id AS id, sequence AS version, order_id, restaurant_id, driver_id, stage, number, pickup_name,
                pickup_lat, pickup_lon, bowls, deadline, requested_at, picked_up_at, at_dropoff_at,
                delivered_at
         FROM views.deliveries WHERE driver_id = $1 AND delivery_id < $2
         ORDER BY delivery_id DESC LIMIT $3",
        by.id.uuid(),
        before.unwrap_or(Uuid::max()),
        i64::from(limit) + 1
    )
    .fetch_all(app.pool())
    .await
    .map_err(db)?;
    let cursor = list.cut(&mut deliveries, limit, |delivery| delivery.id);
    let next = cursor.clone();
    let page = DeliveryPage { deliveries, cursor };
    Ok(seen.mark(list.answer(page, limit, next.as_ref())))
}
