//! What a receipt is made of, as the views keep it.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::kernel::currency::Currency;
use domain::kernel::text::LocalizedText;
use infra::http::ApiError;
use serde::Deserialize;
use sqlx::PgPool;
use uuid::Uuid;

use crate::error::db;
use crate::http::json_of;
use crate::scope::ScopeFilter;

/// All that a receipt tells.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) order_id: Uuid,
    pub(super) version: i64,
    pub(super) number: i32,
    pub(super) service_date: NaiveDate,
    pub(super) checked_out_at: DateTime<Utc>,
    pub(super) state: String,
    pub(super) fulfilment: String,
    pub(super) restaurant_name: String,
    pub(super) currency: Currency,
    /// None of orders that are older than receipts.
    pub(super) seller: Option<Seller>,
    /// As it was checked out.
    pub(super) agreed: Bill,
    /// As it is now.
    pub(super) now: Vec<Charge>,
    pub(super) payments: Vec<Payment>,
}

/// Who sold it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Seller {
    pub(super) name: String,
    pub(super) tax_id: Option<String>,
    pub(super) address: Option<String>,
}

/// Lines and amounts of an order.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Bill {
    pub(super) lines: Vec<Dish>,
    pub(super) quote: Vec<Charge>,
}

/// A line of an order.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Dish {
    pub(super) line: u32,
    pub(super) name: LocalizedText,
    pub(super) quantity: u32,
    #[serde(default)]
    pub(super) unit_price_minor: i64,
    #[serde(default)]
    pub(super) options: Vec<Choice>,
}

/// An option of a line, or of another option.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Choice {
    pub(super) group: String,
    pub(super) option: String,
    pub(super) name: LocalizedText,
    pub(super) quantity: u32,
    #[serde(default)]
    pub(super) options: Vec<Choice>,
}

/// What an amount is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AmountKind {
    Item,
    Option,
    Packaging,
    SmallOrderFee,
    ServiceFee,
    DeliveryFee,
    Discount,
    Tax,
    Tip,
}

/// An amount of a bill.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Charge {
    pub(super) kind: AmountKind,
    pub(super) reference: String,
    pub(super) label: Option<LocalizedText>,
    pub(super) amount_minor: i64,
    pub(super) payer: String,
    /// None of what nobody sells: tips, tax lines, and discounts that somebody else pays.
    pub(super) seller: Option<String>,
    pub(super) tax_bp: Option<u32>,
    pub(super) tax_minor: i64,
    pub(super) promotion: Option<Uuid>,
}

/// One payment of an order.
#[derive(Clone, Debug)]
pub(super) struct Payment {
    pub(super) stage: String,
    pub(super) amount_minor: i64,
    pub(super) captured_minor: i64,
    pub(super) refunded_minor: i64,
    pub(super) refunds: BTreeMap<Uuid, Refund>,
}

/// Money on its way back, or back.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Refund {
    pub(super) amount_minor: i64,
    pub(super) reason: String,
    pub(super) state: String,
}

impl Source {
    /// Reads what is known of an order, if the scope has it.
    ///
    /// # Errors
    /// When the database fails or a document makes no sense.
    #[tracing::instrument(name = "db.receipt_read", skip_all, level = "debug")]
    pub(super) async fn read(
        pool: &PgPool,
        order: Uuid,
        scope: &ScopeFilter,
    ) -> Result<Option<Self>, ApiError> {
        let row = sqlx::query!(
            r#"SELECT o.order_id, o.sequence, o.number, o.service_date, o.checked_out_at, o.state,
                      o.fulfilment, o.restaurant_name, o.currency,
                      d.lines::text AS "lines!", d.quote::text AS "quote!", d.seller::text AS seller,
                      d.agreed::text AS agreed
               FROM views.orders o JOIN views.order_details d USING (order_id)
               WHERE o.order_id = $1 AND ($2::uuid IS NULL OR o.customer_id = $2)
                 AND ($3::uuid[] IS NULL OR o.restaurant_id = ANY ($3))
                 AND ($4::uuid IS NULL OR o.driver_id = $4)"#,
            order,
            scope.customer,
            scope.shops.as_deref(),
            scope.driver
        )
        .fetch_optional(pool)
        .await
        .map_err(db)?;
        let Some(row) = row else { return Ok(None) };
        let now: Vec<Charge> = json_of(&row.quote)?;
        let agreed = match &row.agreed {
            Some(agreed) => json_of(agreed)?,
            None => Bill {
                lines: json_of(&row.lines)?,
                quote: now.clone(),
            },
        };
        Ok(Some(Self {
            order_id: row.order_id,
            version: row.sequence,
            number: row.number,
            service_date: row.service_date,
            checked_out_at: row.checked_out_at,
            state: row.state,
            fulfilment: row.fulfilment,
            restaurant_name: row.restaurant_name,
            currency: Currency::parse(&row.currency).map_err(ApiError::internal)?,
            seller: row.seller.as_deref().map(json_of).transpose()?,
            agreed,
            now,
            payments: payments(pool, order).await?,
        }))
    }
}

/// The payments of an order, oldest first.
#[tracing::instrument(name = "db.payments_of_order", skip_all, level = "debug")]
async fn payments(pool: &PgPool, order: Uuid) -> Result<Vec<Payment>, ApiError> {
    let rows = sqlx::query!(
        r#"SELECT stage, amount_minor, captured_minor, refunded_minor, refunds::text AS "refunds!"
           FROM views.payments WHERE order_id = $1 ORDER BY payment_id"#,
        order
    )
    .fetch_all(pool)
    .await
    .map_err(db)?;
    rows.into_iter()
        .map(|row| {
            Ok(Payment {
                stage: row.stage,
                amount_minor: row.amount_minor,
                captured_minor: row.captured_minor,
                refunded_minor: row.refunded_minor,
                refunds: json_of(&row.refunds)?,
            })
        })
        .collect()
}
