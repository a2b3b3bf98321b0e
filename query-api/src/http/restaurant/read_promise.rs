//! `GET /v1/restaurants/{id}/promise`: when a bowl that is ordered now can be there at the earliest.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::kernel::flags::Flags;
use domain::kernel::ids::RestaurantId;
use domain::kernel::kitchen::{Kitchen, KitchenWork};
use domain::kernel::quantity::Minutes;
use domain::kernel::tax::FulfilmentKind;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use infra::http::{ApiError, Consistency, Json, Path, Problem, Query};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::http::place::PlaceParam;
use crate::shops::Shop;

/// What is asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadPromise {
    /// `delivery` or `pickup`.
    #[param(inline)]
    fulfilment: FulfilmentKind,
    /// `lat,lon` of a door; without it the nearest zone counts.
    near: Option<PlaceParam>,
}

domain::collect_struct!(ReadPromise { fulfilment, near });

/// When a bowl can be there, or why not.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PromisePage {
    /// `delivery` or `pickup`.
    fulfilment: FulfilmentKind,
    /// Not before.
    earliest: Option<DateTime<Utc>>,
    /// Not after.
    latest: Option<DateTime<Utc>>,
    /// Why nothing is promised: `shop_not_selling`, `last_order_over`, `out_of_zone` or `kitchen_full`.
    refused: Option<&'static str>,
    /// When the shop opens next, if it does not sell now.
    opens_at: Option<DateTime<Utc>>,
}

/// Reads when a bowl can be there. A cart's own quote is exact; this is for one bowl as most are.
#[utoipa::path(get, path = "/v1/restaurants/{restaurant_id}/promise", operation_id = "read_promise",
    tag = "restaurant",
    params(ReadPromise, ("restaurant_id" = Uuid, Path, description = "The shop.")),
    responses((status = 200, body = PromisePage), (status = "default", body = Problem)))]
pub(crate) async fn read_promise(
    State(app): State<App>,
    Path(id): Path<RestaurantId>,
    consistency: Consistency,
    Query(asked): Query<ReadPromise>,
) -> Result<Response, ApiError> {
    let seen = app.views_seen(&consistency).await?;
    let shop = app.shops().shop(id.uuid()).await?;
    let shop = shop.ok_or_else(ApiError::not_found)?;
    let larder = app.menus().larder(id.uuid()).await?;
    let idle = Kitchen::default();
    let kitchen = larder
        .as_ref()
        .map_or(&idle, |larder| &larder.value.kitchen);
    let now = app.clock().now();
    let moment = shop.value.moment(now);
    let promised = promise(&shop.value, kitchen, &asked, app.flags(), now);
    let page = PromisePage {
        fulfilment: asked.fulfilment,
        earliest: promised.ok().map(|(earliest, _)| earliest),
        latest: promised.ok().map(|(_, latest)| latest),
        refused: promised.err(),
        opens_at: moment.opens_at(),
    };
    let mut response = Json::<_>(page).into_response();
    // It is another one in a minute.
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(seen.mark(response))
}

/// From when to when, counted as a quote counts; or why not.
fn promise(
    shop: &Shop,
    kitchen: &Kitchen,
    asked: &ReadPromise,
    flags: &Flags,
    now: DateTime<Utc>,
) -> Result<(DateTime<Utc>, DateTime<Utc>), &'static str> {
    let moment = shop.moment(now);
    if !moment.open {
        return Err("shop_not_selling");
    }
    if !moment.takes(asked.fulfilment) {
        return Err("last_order_over");
    }
    let place = asked.near.map(PlaceParam::point);
    let way = shop.way(asked.fulfilment, place, flags);
    let way = way.ok_or("out_of_zone")?;
    let work = KitchenWork::usual(flags);
    let wait = match &shop.page.capacity {
        None => Minutes::default(),
        Some(capacity) => {
            let free = work.earliest(kitchen, capacity, flags, now);
            free.ok_or("kitchen_full")?.wait
        }
    };
    let earliest = now + work.prep(flags).span() + wait.span() + way.span();
    Ok((earliest, earliest + flags.promise_window.span()))
}
