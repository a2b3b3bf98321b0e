//! The state of an order as lists, details and live frames show it. Nothing in it is personal.

use chrono::{DateTime, NaiveDate, Utc};
use domain::kernel::fault::Fault;
use infra::http::ApiError;
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::live::Frame;
use crate::scope::ScopeFilter;

/// An order's state.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, sqlx::FromRow)]
pub(crate) struct OrderStatus {
    /// The order.
    #[sqlx(rename = "order_id")]
    pub(crate) id: Uuid,
    /// Events folded; rises with every change.
    #[sqlx(rename = "sequence")]
    pub(crate) version: i64,
    /// Number on its service date, as on its label.
    pub(crate) number: i32,
    /// Local date on which the shop's opening began.
    pub(crate) service_date: NaiveDate,
    /// The shop.
    pub(crate) restaurant_id: Uuid,
    /// The shop's name when it was ordered.
    pub(crate) restaurant_name: String,
    /// The payment.
    pub(crate) payment_id: Uuid,
    /// Where it came in.
    pub(crate) channel: String,
    /// `delivery` or `pickup`.
    pub(crate) fulfilment: String,
    /// `awaiting_payment`, `scheduled`, `placed`, `accepted`, `cooking`, `ready`, `picked_up`, `delivered`,
    /// `undeliverable`, `uncollected`, `completed`, `expired`, `cancelled` or `rejected`.
    pub(crate) state: String,
    /// What the customer pays, in minor units.
    pub(crate) total_minor: i64,
    /// ISO 4217 code.
    pub(crate) currency: String,
    /// Promised not before.
    pub(crate) promise_earliest: DateTime<Utc>,
    /// Promised not after.
    pub(crate) promise_latest: DateTime<Utc>,
    /// Promised at first: not before.
    pub(crate) first_promise_earliest: DateTime<Utc>,
    /// Promised at first: not after.
    pub(crate) first_promise_latest: DateTime<Utc>,
    /// What the kitchen said it needs.
    pub(crate) prep_minutes: Option<i32>,
    /// Until when it is still ramen.
    pub(crate) slurp_deadline: Option<DateTime<Utc>>,
    /// Until when it must be paid for.
    pub(crate) expires_at: DateTime<Utc>,
    /// When it was checked out.
    pub(crate) checked_out_at: DateTime<Utc>,
    /// Wanted not before, if that is later than as soon as possible.
    pub(crate) wanted_from: Option<DateTime<Utc>>,
    /// Wanted not after.
    pub(crate) wanted_to: Option<DateTime<Utc>>,
    /// When the shop of an order for later is asked.
    pub(crate) release_at: Option<DateTime<Utc>>,
    /// When it was paid for, of an order for later.
    pub(crate) scheduled_at: Option<DateTime<Utc>>,
    /// When the shop was asked: as soon as it was paid for, or when it was released.
    pub(crate) placed_at: Option<DateTime<Utc>>,
    /// When the shop took it.
    pub(crate) accepted_at: Option<DateTime<Utc>>,
    /// When the kitchen began.
    pub(crate) fired_at: Option<DateTime<Utc>>,
    /// When all was packed.
    pub(crate) ready_at: Option<DateTime<Utc>>,
    /// When a courier took it.
    pub(crate) picked_up_at: Option<DateTime<Utc>>,
    /// When the customer had it.
    pub(crate) delivered_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// Why it ended early.
    pub(crate) end_reason: Option<String>,
    /// Whose fault that is.
    pub(crate) end_fault: Option<String>,
    /// Role of who ended it.
    pub(crate) ended_by: Option<String>,
    /// The order of which it makes bowls again, at no cost to the customer.
    pub(crate) remake_of: Option<Uuid>,
    /// When it last changed.
    pub(crate) updated_at: DateTime<Utc>,
}

/// The columns of [`OrderStatus`]. The statements below are put together from them, because each scope
/// needs another `WHERE` for its index; a test prepares them all.
pub(crate) const COLUMNS: &str = "order_id, sequence, number, service_date, restaurant_id, restaurant_name, \
     payment_id, channel, fulfilment, state, total_minor, currency, promise_earliest, \
     promise_latest, first_promise_earliest, first_promise_latest, prep_minutes, slurp_deadline, expires_at, checked_out_at, \
     wanted_from, wanted_to, release_at, scheduled_at, placed_at, \
     accepted_at, fired_at, ready_at, picked_up_at, delivered_at, ended_at, end_reason, end_fault, \
     ended_by, remake_of, updated_at";

impl OrderStatus {
    /// One order, if the scope has it.
    #[tracing::instrument(name = "db.order_read", skip_all, level = "debug")]
    pub(crate) async fn read(
        pool: &PgPool,
        id: Uuid,
        scope: &ScopeFilter,
    ) -> Result<Option<Self>, sqlx::Error> {
        sqlx::query_as(&one_sql())
            .bind(id)
            .bind(scope.customer)
            .bind(&scope.shops)
            .bind(scope.driver)
            .fetch_optional(pool)
            .await
    }

    /// Several orders, whoever's: for live frames, whose followers were checked when they came.
    #[tracing::instrument(name = "db.orders_read", skip_all, level = "debug")]
    pub(crate) async fn read_many(pool: &PgPool, ids: &[Uuid]) -> Result<Vec<Self>, sqlx::Error> {
        sqlx::query_as(&many_sql()).bind(ids).fetch_all(pool).await
    }

    /// A page of orders, newest first.
    #[tracing::instrument(name = "db.orders_page", skip_all, level = "debug")]
    pub(crate) async fn page(pool: &PgPool, asked: &OrdersAsked) -> Result<Vec<Self>, sqlx::Error> {
        // Ids are UUIDv7: their order is that of time. Every id is below the greatest.
        let before = asked.before.unwrap_or(Uuid::max());
        let sql = page_sql(asked);
        let query = sqlx::query_as(&sql)
            .bind(before)
            .bind(&asked.states)
            .bind(asked.limit)
            .bind(asked.service_date);
        match asked.index() {
            OrdersIndex::Customer(customer) => query.bind(customer),
            OrdersIndex::Shops(shops) => query.bind(shops),
            OrdersIndex::Driver(driver) => query.bind(driver),
            OrdersIndex::All => query.bind(None::<Uuid>),
        }
        .bind(asked.shop)
        .fetch_all(pool)
        .await
    }

    /// The frame that followers are sent.
    pub(crate) fn frame(&self) -> Frame {
        let data =
            serde_json::to_string(self).expect("plain values with string keys always serialise");
        Frame {
            sequence: self.version,
            data: data.into(),
            last: self.is_over(),
            trace: None,
            nth: 0,
        }
    }

    /// Whether nothing more happens to it.
    fn is_over(&self) -> bool {
        matches!(
            self.state.as_str(),
            "completed" | "expired" | "cancelled" | "rejected"
        )
    }
}

fn one_sql() -> String {
    format!(
        "SELECT {COLUMNS} FROM views.orders WHERE order_id = $1 \
         AND ($2::uuid IS NULL OR customer_id = $2) \
         AND ($3::uuid[] IS NULL OR restaurant_id = ANY($3)) \
         AND ($4::uuid IS NULL OR driver_id = $4)"
    )
}

fn many_sql() -> String {
    format!("SELECT {COLUMNS} FROM views.orders WHERE order_id = ANY($1)")
}

/// The statement of a page. Each list goes down an index that ends in the order's id, so that a page
/// touches as many blocks after a year as on the first day; several shops are as many such walks.
/// A shop's is written as a range of that index: for `=` the planner may walk all orders instead, and
/// leave out those of other shops.
fn page_sql(asked: &OrdersAsked) -> String {
    let rest = "order_id < $1 AND (cardinality($2::text[]) = 0 OR state = ANY($2)) \
                AND ($4::date IS NULL OR service_date = $4)";
    let walk = |own: &str| {
        format!(
            "SELECT {COLUMNS} FROM views.orders WHERE {own} AND {rest} \
             ORDER BY order_id DESC LIMIT $3"
        )
    };
    let least = Uuid::nil();
    match asked.index() {
        OrdersIndex::Customer(_) => {
            walk("customer_id = $5 AND ($6::uuid IS NULL OR restaurant_id = $6)")
        }
        OrdersIndex::Driver(_) => {
            walk("driver_id = $5 AND ($6::uuid IS NULL OR restaurant_id = $6)")
        }
        OrdersIndex::Shops(_) => format!(
            "SELECT {COLUMNS} FROM UNNEST($5::uuid[]) AS shop (id) CROSS JOIN LATERAL ( \
             SELECT {COLUMNS} FROM views.orders WHERE (restaurant_id, order_id) >= (shop.id, '{least}') \
             AND (restaurant_id, order_id) < (shop.id, $1) AND {rest} \
             AND ($6::uuid IS NULL OR restaurant_id = $6) \
             ORDER BY restaurant_id DESC, order_id DESC LIMIT $3) AS each \
             ORDER BY order_id DESC LIMIT $3"
        ),
        OrdersIndex::All => walk("$5::uuid IS NULL"),
    }
}

/// Which orders a page lists.
#[derive(Clone, Debug)]
pub(crate) struct OrdersAsked {
    /// Whose.
    pub(crate) scope: ScopeFilter,
    /// Only those that were made before this one.
    pub(crate) before: Option<Uuid>,
    /// Only those in these states; in any when empty.
    pub(crate) states: Vec<String>,
    /// Only those at this shop.
    pub(crate) shop: Option<Uuid>,
    /// Only those of this local date.
    pub(crate) service_date: Option<NaiveDate>,
    /// At most so many.
    pub(crate) limit: i64,
}

/// Which index leads to the orders of a list.
enum OrdersIndex {
    Customer(Uuid),
    Shops(Vec<Uuid>),
    Driver(Uuid),
    All,
}

impl OrdersAsked {
    fn index(&self) -> OrdersIndex {
        let scope = &self.scope;
        match (scope.customer, &scope.shops, scope.driver, self.shop) {
            (Some(customer), _, _, _) => OrdersIndex::Customer(customer),
            (None, Some(shops), _, _) => OrdersIndex::Shops(shops.clone()),
            (None, None, Some(driver), _) => OrdersIndex::Driver(driver),
            (None, None, None, Some(shop)) => OrdersIndex::Shops(vec![shop]),
            (None, None, None, None) => OrdersIndex::All,
        }
    }
}

/// Every state of an order, as the view's check has them.
pub(crate) const STATES: &[&str] = &[
    "awaiting_payment",
    "scheduled",
    "placed",
    "accepted",
    "cooking",
    "ready",
    "picked_up",
    "delivered",
    "undeliverable",
    "uncollected",
    "completed",
    "expired",
    "cancelled",
    "rejected",
];

/// Makes sure that orders can be in these states.
///
/// # Errors
/// 422 with each that is none.
pub(crate) fn known_states(states: &[String]) -> Result<(), ApiError> {
    let unknown = states
        .iter()
        .enumerate()
        .filter(|(_, state)| !STATES.contains(&state.as_str()));
    let faults: Vec<Fault> = unknown
        .map(|(index, _)| Fault {
            code: "state_unknown".to_owned(),
            pointer: format!("/state/{index}"),
            detail: format!("must be one of {}", STATES.join(", ")),
        })
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(ApiError::invalid(faults))
    }
}

#[cfg(test)]
mod tests {
    use infra::testing::TestDatabase;
    use serde_json::Value;
    use sqlx::PgConnection;

    use super::*;

    const CUSTOMER: Uuid = Uuid::from_u128(0xC1);
    const SHOP: Uuid = Uuid::from_u128(0x5A);

    /// Orders of one customer at four shops in turn, from the `from`th on, one a minute.
    async fn fill(owner: &mut PgConnection, from: i64, to: i64) {
        let sql = format!(
            "INSERT INTO views.orders (order_id, sequence, customer_id, restaurant_id, restaurant_name,
                 cart_id, payment_id, number, service_date, channel, city, fulfilment, state,
                 total_minor, currency, promise_earliest, promise_latest, expires_at, checked_out_at,
                 updated_at, state_since, first_promise_earliest, first_promise_latest)
             SELECT (lpad(to_hex(1795348800000 + 60000 * n), 12, '0') || '70008000'
                     || lpad(to_hex(n), 12, '0'))::uuid,
                    1, '{CUSTOMER}', lpad(to_hex(90 + n % 4), 32, '0')::uuid, 'Menya Umi', '{CUSTOMER}', '{CUSTOMER}', n, '2026-11-22',
                    'app', 'Tokyo', 'delivery', 'completed', 2100, 'JPY', now(), now(), now(), now(),
                    now(), now(), now(), now()
             FROM generate_series({from}::bigint, {to}::bigint) n"
        );
        sqlx::raw_sql(&sql).execute(&mut *owner).await.unwrap();
        sqlx::raw_sql("VACUUM ANALYZE views.orders")
            .execute(owner)
            .await
            .unwrap();
    }

    /// Blocks that a page of a list touches: the second time, for the first one reads the catalogue, too.
    async fn blocks(owner: &mut PgConnection, asked: &OrdersAsked) -> i64 {
        explained(&mut *owner, asked).await;
        let plan = explained(owner, asked).await;
        let plan = &plan[0]["Plan"];
        plan["Shared Hit Blocks"].as_i64().unwrap() + plan["Shared Read Blocks"].as_i64().unwrap()
    }

    /// The plan of a page, carried out.
    async fn explained(owner: &mut PgConnection, asked: &OrdersAsked) -> Value {
        let sql = format!(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {}",
            page_sql(asked)
        );
        let query = sqlx::query_scalar(&sql)
            .bind(asked.before.unwrap_or(Uuid::max()))
            .bind(&asked.states)
            .bind(asked.limit)
            .bind(asked.service_date);
        let query = match asked.index() {
            OrdersIndex::Customer(customer) => query.bind(customer),
            OrdersIndex::Shops(shops) => query.bind(shops),
            OrdersIndex::Driver(driver) => query.bind(driver),
            OrdersIndex::All => query.bind(None::<Uuid>),
        };
        query.bind(asked.shop).fetch_one(owner).await.unwrap()
    }

    /// The slope of ln(count) over ln(size), by least squares.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of blocks and of orders in a test"
    )]
    fn slope(points: &[(i64, i64)]) -> f64 {
        let logs = points.iter();
        let logs: Vec<(f64, f64)> = logs
            .map(|(size, count)| ((*size as f64).ln(), (*count as f64).ln()))
            .collect();
        let count = logs.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / count;
        let (x, y) = (mean(|log| log.0), mean(|log| log.1));
        let over: f64 = logs.iter().map(|log| (log.0 - x) * (log.1 - y)).sum();
        let under: f64 = logs.iter().map(|log| (log.0 - x).powi(2)).sum();
        over / under
    }

    /// The first and the last full page of a list of everybody's, a customer's and two shops' orders.
    fn lists() -> Vec<OrdersAsked> {
        let early = Uuid::from_u128(u128::from(1_795_348_800_000_u64 + 60_000 * 96) << 80);
        let scopes = [
            ScopeFilter {
                customer: Some(CUSTOMER),
                ..ScopeFilter::default()
            },
            ScopeFilter {
                shops: Some(vec![SHOP, CUSTOMER]),
                ..ScopeFilter::default()
            },
            ScopeFilter::default(),
        ];
        let pages = scopes.into_iter().flat_map(|scope| {
            [None, Some(early)].map(|before| OrdersAsked {
                scope: scope.clone(),
                before,
                states: Vec::new(),
                shop: None,
                service_date: None,
                limit: 21,
            })
        });
        pages.collect()
    }

    #[tokio::test]
    async fn a_page_touches_as_many_blocks_however_long_the_list_is() {
        /// A page touches three to six blocks, of which one level more of an index is another: 3, 4, 4 is
        /// a slope of 0.06.
        const SLOPE_MAX: f64 = 0.1;
        let database = TestDatabase::create().await;
        let mut owner = database.owner().acquire().await.unwrap();
        let lists = lists();
        let mut points = vec![Vec::new(); lists.len()];
        let mut filled = 0;
        for size in [100, 1_000, 10_000] {
            fill(&mut owner, filled + 1, size).await;
            filled = size;
            for (list, points) in lists.iter().zip(&mut points) {
                points.push((size, blocks(&mut owner, list).await));
            }
        }
        for (list, points) in lists.iter().zip(points) {
            let slope = slope(&points);
            assert!(slope <= SLOPE_MAX, "{points:?}, slope {slope}: {list:?}");
        }
    }
}
