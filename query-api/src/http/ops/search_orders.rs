//! `GET /v1/ops/orders`: orders for our staff, by number, id, shop, city and state; also those that have
//! stayed in a state for longer than they should.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use domain::kernel::ids::RestaurantId;
use domain::kernel::stays::STAYS;
use infra::http::policy::action;
use infra::http::{ApiError, Ops, Problem, Query};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::App;
use crate::error::db;
use crate::http::ordering::order_status::{COLUMNS, OrderStatus, known_states};
use crate::http::paging::{Cursor, List, PAGE_DEFAULT, limit_of};

/// Orders are looked for among those of so many days, unless more are asked for.
const DAYS_DEFAULT: i64 = 3;
/// The same of orders that are stuck: six days may pass until one is released, and two until it is closed.
const DAYS_STUCK: i64 = 10;

/// What is asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchOrders {
    /// A number as on a label, or the id of an order, a shop or a customer.
    q: Option<String>,
    /// Only orders in these states, with commas.
    state: Vec<String>,
    /// Only orders at this shop.
    #[param(value_type = Option<Uuid>)]
    shop: Option<RestaurantId>,
    /// Only orders of shops in this city.
    city: Option<String>,
    /// Only orders that have, or have not, stayed in their state for too long.
    stuck: Option<bool>,
    /// Only orders made since then; the last three days when nothing is said.
    since: Option<DateTime<Utc>>,
    /// At most so many, 1 to 100.
    limit: u32,
    /// Where the page before ended, from its `Link`.
    cursor: Option<Cursor>,
}

domain::collect_struct!(SearchOrders {
    q, state = Vec::new(), shop, city, stuck, since, limit = PAGE_DEFAULT, cursor
});

/// A page of orders.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OpsOrderPage {
    /// Newest first.
    orders: Vec<OpsOrder>,
    /// For the next page; none on the last.
    cursor: Option<Cursor>,
}

/// An order as our staff see it.
#[derive(Debug, Serialize, ToSchema, sqlx::FromRow)]
pub(crate) struct OpsOrder {
    /// The order.
    #[serde(flatten)]
    #[sqlx(flatten)]
    status: OrderStatus,
    /// Whose.
    customer_id: Uuid,
    /// The shop's city.
    city: String,
    /// Since when it has been in its state.
    state_since: DateTime<Utc>,
    /// Whether that is longer than it should be.
    stuck: bool,
    /// Why our staff last acted in another's place.
    on_behalf: Option<String>,
}

/// What `q` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Anything,
    Number(i32),
    Id(Uuid),
    Nothing,
}

impl Named {
    fn of(text: Option<&str>) -> Self {
        let Some(text) = text.map(str::trim) else {
            return Self::Anything;
        };
        let number = text.strip_prefix('#').unwrap_or(text).parse();
        match (number, text.parse()) {
            (Ok(number), _) => Self::Number(number),
            (Err(_), Ok(id)) => Self::Id(id),
            (Err(_), Err(_)) => Self::Nothing,
        }
    }
}

/// Looks for orders, newest first. What `q` does not name finds nothing.
#[utoipa::path(get, path = "/v1/ops/orders", operation_id = "search_orders", tag = "ops",
    params(SearchOrders),
    responses((status = 200, body = OpsOrderPage), (status = "default", body = Problem)))]
pub(crate) async fn search_orders(
    State(app): State<App>,
    by: Ops<action::SearchOrders>,
    Query(asked): Query<SearchOrders>,
) -> Result<Response, ApiError> {
    let limit = limit_of(asked.limit)?;
    known_states(&asked.state)?;
    let states = (!asked.state.is_empty()).then(|| asked.state.join(","));
    let since = asked.since.map(|since| since.to_rfc3339());
    let list = List::new("/v1/ops/orders", by.principal.id)
        .with("q", asked.q.as_ref())
        .with("state", states)
        .with("shop", asked.shop.map(RestaurantId::uuid))
        .with("city", asked.city.as_ref())
        .with("stuck", asked.stuck)
        .with("since", since);
    let before = list.after(asked.cursor.as_ref())?;
    let mut orders = page(&app, &asked, before, limit).await.map_err(db)?;
    let cursor = list.cut(&mut orders, limit, |order| order.status.id);
    let next = cursor.clone();
    Ok(list.answer(OpsOrderPage { orders, cursor }, limit, next.as_ref()))
}

#[tracing::instrument(name = "db.orders_search", skip_all, level = "debug")]
async fn page(
    app: &App,
    asked: &SearchOrders,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<OpsOrder>, sqlx::Error> {
    let (now, flags) = (app.clock().now(), app.flags());
    let named = Named::of(asked.q.as_deref());
    let (number, id) = match named {
        Named::Anything => (None, None),
        Named::Number(number) => (Some(number), None),
        Named::Id(id) => (None, Some(id)),
        Named::Nothing => return Ok(Vec::new()),
    };
    let days = if asked.stuck == Some(true) {
        DAYS_STUCK
    } else {
        DAYS_DEFAULT
    };
    let since = asked.since.unwrap_or(now - TimeDelta::days(days));
    // Who names an order, a shop or a customer means all there is of it.
    let since = if id.is_some() && asked.since.is_none() {
        DateTime::UNIX_EPOCH
    } else {
        since
    };
    let (states, entered): (Vec<&str>, Vec<DateTime<Utc>>) = STAYS
        .iter()
        .map(|(state, longest)| (*state, now - longest(flags).span()))
        .unzip();
    sqlx::query_as(&page_sql(id.is_some()))
        .bind(before.unwrap_or(Uuid::max()))
        .bind(first_id_of(since))
        .bind(i64::from(limit) + 1)
        .bind(&asked.state)
        .bind(asked.shop.map(RestaurantId::uuid))
        .bind(&asked.city)
        .bind(asked.stuck)
        .bind(states)
        .bind(entered)
        .bind(number)
        .bind(id)
        .fetch_all(app.pool())
        .await
}

/// The least `UUIDv7` that was made at this time: the ids of orders are in the order of their making, so
/// the index of ids serves a span of time, too.
fn first_id_of(at: DateTime<Utc>) -> Uuid {
    let millis = u128::try_from(at.timestamp_millis().max(0)).unwrap_or_default();
    Uuid::from_u128(millis << 80)
}

/// From when an order is to move on: one for later waits until it is released.
const STAYED_SINCE: &str = "CASE state WHEN 'scheduled' THEN release_at ELSE state_since END";

/// One walk down the index of ids, or, for an id, the rows that three indexes know by it.
fn page_sql(by_id: bool) -> String {
    let own = if by_id {
        "(order_id = $11 OR restaurant_id = $11 OR customer_id = $11)"
    } else {
        "$11::uuid IS NULL"
    };
    format!(
        "SELECT {COLUMNS}, customer_id, city, state_since, on_behalf,
                coalesce({STAYED_SINCE} < stay.entered, false) AS stuck
         FROM views.orders o
         LEFT JOIN UNNEST($8::text[], $9::timestamptz[]) AS stay (in_state, entered)
             ON stay.in_state = o.state
         WHERE order_id < $1 AND order_id >= $2 AND {own}
           AND (cardinality($4::text[]) = 0 OR state = ANY($4))
           AND ($5::uuid IS NULL OR restaurant_id = $5)
           AND ($6::text IS NULL OR city = $6)
           AND ($7::boolean IS NULL OR coalesce({STAYED_SINCE} < stay.entered, false) = $7)
           AND ($10::integer IS NULL OR number = $10)
         ORDER BY order_id DESC LIMIT $3"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ordering::order_status::STATES;

    #[test]
    fn a_search_names_a_number_or_an_id() {
        let id = Uuid::from_u128(7);
        assert_eq!(Named::of(None), Named::Anything);
        assert_eq!(Named::of(Some(" #12 ")), Named::Number(12));
        assert_eq!(Named::of(Some(&id.to_string())), Named::Id(id));
        assert_eq!(Named::of(Some("'; DROP TABLE")), Named::Nothing);
    }

    #[test]
    fn every_state_that_is_no_end_has_a_longest_stay() {
        let ends = ["completed", "expired", "cancelled", "rejected"];
        for state in STATES {
            let stays = STAYS.iter().any(|(of, _)| of == state);
            assert_eq!(stays, !ends.contains(state), "{state}");
        }
    }

    #[test]
    fn ids_and_times_have_one_order() {
        let at: DateTime<Utc> = "2026-11-22T12:00:00Z".parse().unwrap();
        let id = first_id_of(at);
        assert!(id < first_id_of(at + TimeDelta::milliseconds(1)));
        assert_eq!(id.as_u128() >> 80, 1_795_348_800_000);
        assert_eq!(first_id_of(DateTime::UNIX_EPOCH), Uuid::nil());
    }
}
