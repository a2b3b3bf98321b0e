//! The state of an order as lists, details and live frames show it. Nothing in it is personal.

use chrono::{DateTime, NaiveDate, Utc};
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
    /// `awaiting_payment`, `placed`, `accepted`, `cooking`, `ready`, `picked_up`, `delivered`,
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
    /// What the kitchen said it needs.
    pub(crate) prep_minutes: Option<i32>,
    /// Until when it is still ramen.
    pub(crate) slurp_deadline: Option<DateTime<Utc>>,
    /// Until when it must be paid for.
    pub(crate) expires_at: DateTime<Utc>,
    /// When it was checked out.
    pub(crate) checked_out_at: DateTime<Utc>,
    /// When it was paid for.
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
    /// When it last changed.
    pub(crate) updated_at: DateTime<Utc>,
}

/// The columns of [`OrderStatus`]. The statements below are put together from them, because each scope
/// needs another `WHERE` for its index; a test prepares them all.
const COLUMNS: &str = "order_id, sequence, number, service_date, restaurant_id, restaurant_name, \
     payment_id, channel, fulfilment, state, total_minor, currency, promise_earliest, \
     promise_latest, prep_minutes, slurp_deadline, expires_at, checked_out_at, placed_at, \
     accepted_at, fired_at, ready_at, picked_up_at, delivered_at, ended_at, end_reason, end_fault, \
     ended_by, updated_at";

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

    /// A page of orders, newest first, that come after `before`; of these states, or of all when empty.
    #[tracing::instrument(name = "db.orders_page", skip_all, level = "debug")]
    pub(crate) async fn page(
        pool: &PgPool,
        scope: &ScopeFilter,
        before: Option<Uuid>,
        states: &[String],
        limit: i64,
    ) -> Result<Vec<Self>, sqlx::Error> {
        // Ids are UUIDv7: their order is that of time. Every id is below the greatest.
        let before = before.unwrap_or(Uuid::max());
        let sql = page_sql(scope);
        let query = sqlx::query_as(&sql).bind(before).bind(states).bind(limit);
        match (scope.customer, &scope.shops, scope.driver) {
            (Some(customer), _, _) => query.bind(customer),
            (None, Some(shops), _) => query.bind(shops),
            (None, None, Some(driver)) => query.bind(driver),
            (None, None, None) => query,
        }
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

fn page_sql(scope: &ScopeFilter) -> String {
    let own = match (scope.customer, &scope.shops, scope.driver) {
        (Some(_), _, _) => "AND customer_id = $4",
        (None, Some(_), _) => "AND restaurant_id = ANY($4)",
        (None, None, Some(_)) => "AND driver_id = $4",
        (None, None, None) => "",
    };
    format!(
        "SELECT {COLUMNS} FROM views.orders WHERE order_id < $1 \
         AND (cardinality($2::text[]) = 0 OR state = ANY($2)) {own} \
         ORDER BY order_id DESC LIMIT $3"
    )
}
