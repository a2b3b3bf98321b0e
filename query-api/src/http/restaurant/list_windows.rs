//! `GET /v1/restaurants/{id}/windows`: when an order for later can be had on a day.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, DurationRound as _, NaiveDate, TimeDelta, Utc};
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

/// How long a window is that is offered. A cart may name another.
const LENGTH: Minutes = Minutes::new(30);
/// How far the windows that are offered begin from one another.
const STEP: Minutes = Minutes::new(15);
/// A service date begins on its local date and ends before this on the next one.
const DAY: TimeDelta = TimeDelta::hours(36);

/// What is asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListWindows {
    /// `delivery` or `pickup`.
    #[param(inline)]
    fulfilment: FulfilmentKind,
    /// The local date on which the shop opens; the present one, or else the next, when absent.
    date: Option<NaiveDate>,
    /// `lat,lon` of a door; without it the nearest zone counts.
    near: Option<PlaceParam>,
}

domain::collect_struct!(ListWindows {
    fulfilment,
    date,
    near
});

/// The windows of a service date.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WindowPage {
    /// `delivery` or `pickup`.
    fulfilment: FulfilmentKind,
    /// The local date on which the shop opens; none when it does not.
    service_date: Option<NaiveDate>,
    /// The earliest first. Empty when nothing can be had for later on that date.
    windows: Vec<OfferedWindow>,
    /// Why there are none, when that is not for the hours: `out_of_zone`.
    refused: Option<&'static str>,
}

/// A window that may be named in a cart.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct OfferedWindow {
    /// Not before.
    from: DateTime<Utc>,
    /// Not after.
    to: DateTime<Utc>,
    /// Whether the kitchen has no room then for one bowl as most are.
    full: bool,
}

/// Lists the windows of a day in which an order can be had. A cart's own quote is exact; this is for one bowl as most are.
#[utoipa::path(get, path = "/v1/restaurants/{restaurant_id}/windows", operation_id = "list_windows",
    tag = "restaurant",
    params(ListWindows, ("restaurant_id" = Uuid, Path, description = "The shop.")),
    responses((status = 200, body = WindowPage), (status = "default", body = Problem)))]
pub(crate) async fn list_windows(
    State(app): State<App>,
    Path(id): Path<RestaurantId>,
    consistency: Consistency,
    Query(asked): Query<ListWindows>,
) -> Result<Response, ApiError> {
    let seen = app.views_seen(&consistency).await?;
    let shop = app.shops().shop(id.uuid()).await?;
    let shop = shop.ok_or_else(ApiError::not_found)?;
    let larder = app.menus().larder(id.uuid()).await?;
    let idle = Kitchen::default();
    let offer = Offer {
        shop: &shop.value,
        kitchen: larder
            .as_ref()
            .map_or(&idle, |larder| &larder.value.kitchen),
        flags: app.flags(),
        now: app.clock().now(),
    };
    let mut response = Json::<_>(offer.page(&asked)).into_response();
    // It is another one in a minute.
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(seen.mark(response))
}

/// What a shop has to offer.
struct Offer<'a> {
    shop: &'a Shop,
    kitchen: &'a Kitchen,
    flags: &'a Flags,
    now: DateTime<Utc>,
}

impl Offer<'_> {
    fn page(&self, asked: &ListWindows) -> WindowPage {
        let place = asked.near.map(PlaceParam::point);
        let way = self.shop.way(asked.fulfilment, place, self.flags);
        let date = asked.date.or_else(|| self.shop.next_date(self.now));
        let near = date.filter(|date| self.is_within_reach(*date));
        let windows = near
            .zip(way)
            .map(|(date, way)| self.windows(asked, date, way));
        WindowPage {
            fulfilment: asked.fulfilment,
            service_date: date,
            windows: windows.unwrap_or_default(),
            refused: way.is_none().then_some("out_of_zone"),
        }
    }

    /// Whether orders could be taken for the date at all.
    fn is_within_reach(&self, date: NaiveDate) -> bool {
        let days = date.signed_duration_since(self.now.date_naive());
        days.abs() <= self.flags.schedule_horizon.span() + DAY
    }

    /// Counted as a quote counts: as an order that the shop is asked for when it is released.
    fn windows(&self, asked: &ListWindows, date: NaiveDate, way: Minutes) -> Vec<OfferedWindow> {
        let work = KitchenWork::usual(self.flags);
        let capacity = self.shop.page.capacity.as_ref();
        let Some(lead) = work.lead(capacity, self.flags) else {
            return Vec::new();
        };
        let before = lead.span() + way.span() + self.flags.acceptance_timer.span();
        let soonest = self.now + self.flags.payment_timer.span() + before;
        let latest = self.now + self.flags.schedule_horizon.span();
        let midnight = self.shop.midnight(date);
        let begins = soonest.max(midnight);
        let begins = begins.duration_trunc(STEP.span()).unwrap_or(begins);
        let ends = midnight + DAY;
        let starts = std::iter::successors(Some(begins), |from| Some(*from + STEP.span()));
        let can_be_had = |from: &DateTime<Utc>| {
            let is_taken = self.shop.takes_at(asked.fulfilment, *from - before) == Some(date);
            let is_open = asked.fulfilment == FulfilmentKind::Delivery
                || self
                    .shop
                    .is_open_until(*from - before, *from + LENGTH.span());
            *from >= soonest && *from + LENGTH.span() <= latest && is_taken && is_open
        };
        let is_full = |from: DateTime<Utc>| {
            capacity.is_some_and(|capacity| {
                let times = (self.now, from - way.span());
                let lengths = (lead, LENGTH);
                let slots = work.ready_at(self.kitchen, capacity, times, lengths, self.flags);
                slots.is_none()
            })
        };
        starts
            .take_while(|from| *from < ends)
            .filter(can_be_had)
            .map(|from| OfferedWindow {
                from,
                to: from + LENGTH.span(),
                full: is_full(from),
            })
            .collect()
    }
}
