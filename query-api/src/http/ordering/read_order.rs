//! `GET /v1/orders/{id}`: one order with its lines, amounts, payment and delivery.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::kernel::address::Address;
use domain::kernel::handover::Pin;
use domain::kernel::ids::OrderId;
use domain::kernel::sealed::Sealed;
use http::header::ETAG;
use infra::http::conditional::Etag;
use infra::http::policy::{Role, action};
use infra::http::{ApiError, Caller, Consistency, Json, Path, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::order_status::OrderStatus;
use super::sealed_parts::{AddressView, open_address, open_notes};
use crate::app::App;
use crate::error::db;
use crate::http::{json_of, private};
use crate::reveal::reveal;
use crate::scope::ScopeFilter;

/// An order in full.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderDetail {
    /// Its state.
    #[serde(flatten)]
    status: OrderStatus,
    /// Its lines with options, as they were ordered.
    #[schema(value_type = Vec<Object>)]
    lines: Vec<Value>,
    /// Every amount.
    #[schema(value_type = Vec<Object>)]
    quote: Value,
    /// The allergens that were shown.
    #[schema(value_type = Object)]
    allergens: Value,
    /// What has changed since checkout: what ran out and what came of it, each move of the promise, and the like.
    changes: Vec<OrderChange>,
    /// Name of who receives; none for pickup, or when the person's data was erased.
    recipient: Option<String>,
    /// Where to; the shop does not see it.
    address: Option<Address>,
    /// What the marketplace keeps of it: `rate_bp` of `base` and `fixed_minor`. For the shop and our staff.
    #[schema(value_type = Option<Object>)]
    commission: Option<Value>,
    /// How far the payment is.
    payment: Option<PaymentPart>,
    /// How far the delivery is.
    delivery: Option<DeliveryPart>,
}

/// The events that change what was agreed, in the order's story.
const CHANGES: [&str; 11] = [
    "accepted",
    "short_reported",
    "short_settled",
    "promise_moved",
    "switched_to_pickup",
    "amended",
    "door_corrected",
    "refired",
    "remake_offered",
    "remake_declined",
    "remade",
];

/// A change of what was agreed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct OrderChange {
    /// The event's name.
    event: String,
    /// When it happened.
    happened_at: DateTime<Utc>,
    /// What it says, as in the timeline.
    #[schema(value_type = Object)]
    facts: Value,
}

/// What an order shows of its payment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PaymentPart {
    /// The payment.
    id: Uuid,
    /// How far it is.
    stage: String,
    /// What was taken, in minor units.
    captured_minor: i64,
    /// What went back, in minor units.
    refunded_minor: i64,
    /// The vendor's last refusal.
    failure_code: Option<String>,
}

/// What an order shows of its delivery.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryPart {
    /// The delivery.
    id: Uuid,
    /// How far it is.
    stage: String,
    /// Whether a driver has it.
    has_driver: bool,
    /// When the driver had the food.
    picked_up_at: Option<DateTime<Utc>>,
    /// When the driver was at the door.
    at_dropoff_at: Option<DateTime<Utc>>,
    /// The code to tell the driver; only the customer sees it.
    pin: Option<String>,
}

/// Reads an order.
#[utoipa::path(get, path = "/v1/orders/{order_id}", operation_id = "read_order", tag = "ordering",
    params(("order_id" = Uuid, Path, description = "The order.")),
    responses((status = 200, body = OrderDetail), (status = "default", body = Problem)))]
pub(crate) async fn read_order(
    State(app): State<App>,
    by: Caller<action::ReadOrder>,
    Path(id): Path<OrderId>,
    consistency: Consistency,
) -> Result<Response, ApiError> {
    let seen = app.views_seen(&consistency).await?;
    let scope = ScopeFilter::from(&by.scope);
    let status = OrderStatus::read(app.pool(), id.uuid(), &scope)
        .await
        .map_err(db)?;
    let status = status.ok_or_else(ApiError::not_found)?;
    let etag = Etag::version(status.version).header();
    let detail = detail(&app, status, by.principal.role).await?;
    let mut response = private(Json::<_>(detail).into_response());
    response.headers_mut().insert(ETAG, etag);
    Ok(seen.mark(response))
}

async fn detail(app: &App, status: OrderStatus, role: Role) -> Result<OrderDetail, ApiError> {
    let row = sqlx::query!(
        r#"SELECT d.lines::text AS "lines!", d.quote::text AS "quote!",
                  d.allergens::text AS "allergens!", d.fulfilment::text AS "fulfilment!",
                  d.commission::text AS commission,
                  p.stage AS "payment_stage?", p.captured_minor AS "captured_minor?",
                  p.refunded_minor AS "refunded_minor?", p.failure_code,
                  (SELECT coalesce(json_agg(json_build_object(
                              'event', t.event, 'happened_at', t.happened_at, 'facts', t.facts)
                              ORDER BY t.sequence), '[]')::text
                   FROM views.order_timeline t
                   WHERE t.order_id = d.order_id AND t.event = ANY ($3)) AS "changes!"
           FROM views.order_details d
           LEFT JOIN views.payments p ON p.payment_id = $2
           WHERE d.order_id = $1"#,
        status.id,
        status.payment_id,
        &CHANGES.map(str::to_owned)
    )
    .fetch_one(app.pool())
    .await
    .map_err(db)?;
    let view = match role {
        Role::Owner => AddressView::Name,
        Role::Customer | Role::Driver | Role::Ops | Role::Service | Role::Guest => {
            AddressView::Whole
        }
    };
    let (address, recipient) = open_address(app.vault(), json_of(&row.fulfilment)?, view).await?;
    let commission = match role {
        Role::Owner | Role::Ops => row.commission.as_deref().map(json_of).transpose()?,
        Role::Customer | Role::Driver | Role::Service | Role::Guest => None,
    };
    let mut lines: Vec<Value> = json_of(&row.lines)?;
    open_notes(app.vault(), &mut lines).await?;
    let payment = row.payment_stage.map(|stage| PaymentPart {
        id: status.payment_id,
        stage,
        captured_minor: row.captured_minor.unwrap_or(0),
        refunded_minor: row.refunded_minor.unwrap_or(0),
        failure_code: row.failure_code,
    });
    Ok(OrderDetail {
        delivery: delivery(app, status.id, role).await?,
        status,
        lines,
        quote: json_of(&row.quote)?,
        allergens: json_of(&row.allergens)?,
        changes: json_of(&row.changes)?,
        recipient,
        address,
        commission,
        payment,
    })
}

/// The delivery of an order: the one that was not called off, as there is one at a time; else the newest.
#[tracing::instrument(name = "db.delivery_of_order", skip_all, level = "debug")]
async fn delivery(app: &App, order: Uuid, role: Role) -> Result<Option<DeliveryPart>, ApiError> {
    let row = sqlx::query!(
        r#"SELECT delivery_id, stage, driver_id, picked_up_at, at_dropoff_at, pin::text AS "pin!"
           FROM views.deliveries WHERE order_id = $1
           ORDER BY stage = 'cancelled', delivery_id DESC LIMIT 1"#,
        order
    )
    .fetch_optional(app.pool())
    .await
    .map_err(db)?;
    let Some(row) = row else { return Ok(None) };
    let pin = match role {
        Role::Customer => {
            let sealed: Sealed<Pin> = json_of(&row.pin)?;
            let opened = reveal(app.vault(), &sealed).await?;
            opened.map(|pin| pin.as_str().to_owned())
        }
        Role::Owner | Role::Driver | Role::Ops | Role::Service | Role::Guest => None,
    };
    Ok(Some(DeliveryPart {
        id: row.delivery_id,
        stage: row.stage,
        has_driver: row.driver_id.is_some(),
        picked_up_at: row.picked_up_at,
        at_dropoff_at: row.at_dropoff_at,
        pin,
    }))
}
