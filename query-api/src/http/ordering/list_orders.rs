//! `GET /v1/orders`: the caller's orders, newest first.

use axum::extract::State;
use axum::response::Response;
use chrono::NaiveDate;
use domain::kernel::ids::RestaurantId;
use infra::http::policy::action;
use infra::http::{ApiError, Caller, Consistency, Problem, Query};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::order_status::{OrderStatus, OrdersAsked, known_states};
use crate::app::App;
use crate::error::db;
use crate::http::paging::{Cursor, List, PAGE_DEFAULT, limit_of};
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
    /// Only orders at this shop.
    #[param(value_type = Option<uuid::Uuid>)]
    shop: Option<RestaurantId>,
    /// Only orders of this local date, on which the shop's opening began.
    service_date: Option<NaiveDate>,
}

domain::collect_struct!(ListOrders {
    limit = PAGE_DEFAULT, cursor, state = Vec::new(), shop, service_date
});

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
    known_states(&asked.state)?;
    let states = (!asked.state.is_empty()).then(|| asked.state.join(","));
    let list = List::new("/v1/orders", by.principal.id)
        .with("state", states)
        .with("shop", asked.shop.map(RestaurantId::uuid))
        .with("service_date", asked.service_date);
    let before = list.after(asked.cursor.as_ref())?;
    let seen = app.views_seen(&consistency).await?;
    let wanted = OrdersAsked {
        scope: ScopeFilter::from(&by.scope),
        before,
        states: asked.state,
        shop: asked.shop.map(RestaurantId::uuid),
        service_date: asked.service_date,
        limit: i64::from(limit) + 1,
    };
    let mut orders = OrderStatus::page(app.pool(), &wanted).await.map_err(db)?;
    let cursor = list.cut(&mut orders, limit, |order| order.id);
    let next = cursor.clone();
    let page = OrderPage { orders, cursor };
    Ok(seen.mark(list.answer(page, limit, next.as_ref())))
}
