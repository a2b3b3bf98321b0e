//! `GET /v1/orders`: the caller's orders, newest first.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::LINK;
use infra::http::policy::action;
use infra::http::{ApiError, Caller, Consistency, Json, Problem, Query};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::order_status::OrderStatus;
use crate::app::App;
use crate::error::db;
use crate::http::paging::{Cursor, PAGE_DEFAULT, limit_of};
use crate::http::private;
use crate::scope::ScopeFilter;

/// What is asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListOrders {
    /// At most so many, 1 to 100.
    limit: u32,
    /// Where the page before ended, from its `Link`.
    cursor: Option<Cursor>,
    /// Only orders in these states, with commas.
    state: Vec<String>,
}

domain::collect_struct!(ListOrders { limit = PAGE_DEFAULT, cursor, state = Vec::new() });

/// A page of orders.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderPage {
    /// Newest first.
    orders: Vec<OrderStatus>,
    /// For the next page; none on the last.
    cursor: Option<Cursor>,
}

/// Lists the orders that the caller may see, newest first.
#[utoipa::path(get, path = "/v1/orders", operation_id = "list_orders", tag = "ordering",
    params(ListOrders),
    responses((status = 200, body = OrderPage), (status = "default", body = Problem)))]
pub(crate) async fn list_orders(
    State(app): State<App>,
    by: Caller<action::ListOrders>,
    consistency: Consistency,
    Query(asked): Query<ListOrders>,
) -> Result<Response, ApiError> {
    let limit = limit_of(asked.limit)?;
    let seen = app.views_seen(&consistency).await?;
    let scope = ScopeFilter::from(&by.scope);
    let before = asked.cursor.as_ref().map(Cursor::id);
    let mut orders = OrderStatus::page(
        app.pool(),
        &scope,
        before,
        &asked.state,
        i64::from(limit) + 1,
    )
    .await
    .map_err(db)?;
    let more = orders.len() > limit as usize;
    orders.truncate(limit as usize);
    let cursor = orders
        .last()
        .filter(|_| more)
        .map(|last| Cursor::after(last.id));
    let link = cursor
        .as_ref()
        .map(|cursor| next_link(limit, cursor, &asked.state));
    let mut response = private(Json::<_>(OrderPage { orders, cursor }).into_response());
    if let Some(link) = link {
        response.headers_mut().insert(LINK, link);
    }
    Ok(seen.mark(response))
}

fn next_link(limit: u32, cursor: &Cursor, states: &[String]) -> HeaderValue {
    let states = if states.is_empty() {
        String::new()
    } else {
        format!("&state={}", states.join(","))
    };
    let link = format!("</v1/orders?limit={limit}&cursor={cursor}{states}>; rel=\"next\"");
    // States that no order has could hold anything; such a page is empty and has no next one.
    HeaderValue::from_str(&link).unwrap_or_else(|_| HeaderValue::from_static(""))
}
