//! `GET /v1/carts/{id}`: what the customer has chosen so far. A quote is part of every write's answer.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::kernel::address::Address;
use domain::kernel::ids::CartId;
use http::header::ETAG;
use infra::http::conditional::Etag;
use infra::http::policy::action;
use infra::http::{ApiError, Caller, Consistency, Json, Path, Problem};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::sealed_parts::{AddressView, open_address, open_notes};
use crate::app::App;
use crate::error::db;
use crate::http::{json_of, private};
use crate::scope::ScopeFilter;

/// A cart.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CartDetail {
    /// The cart.
    id: Uuid,
    /// Events folded; what `If-Match` compares.
    version: i64,
    /// The shop.
    restaurant_id: Uuid,
    /// Where the order comes in.
    channel: String,
    /// `open`, `checked_out`, `claimed` or `abandoned`.
    stage: String,
    /// Choices in the order of their numbers, each with its `line`.
    #[schema(value_type = Vec<Object>)]
    lines: Vec<Value>,
    /// `delivery` or `pickup`; none until it is said.
    fulfilment: Option<String>,
    /// Where to.
    address: Option<Address>,
    /// When it is wanted: from and to; as soon as possible when absent.
    #[schema(value_type = Option<Object>)]
    window: Option<Value>,
    /// The code of the promotion that it names.
    promotion_code: Option<String>,
    /// Tip in minor units of the shop's currency.
    tip_minor: i64,
    /// The order that it became.
    order_id: Option<Uuid>,
    /// When it can no longer be used.
    expires_at: DateTime<Utc>,
}

/// Reads a cart.
#[utoipa::path(get, path = "/v1/carts/{cart_id}", operation_id = "read_cart", tag = "ordering",
    params(("cart_id" = Uuid, Path, description = "The cart.")),
    responses((status = 200, body = CartDetail), (status = "default", body = Problem)))]
pub(crate) async fn read_cart(
    State(app): State<App>,
    by: Caller<action::ReadCart>,
    Path(id): Path<CartId>,
    consistency: Consistency,
) -> Result<Response, ApiError> {
    let seen = app.views_seen(&consistency).await?;
    let cart = cart(&app, id.uuid(), &ScopeFilter::from(&by.scope)).await?;
    let etag = Etag::version(cart.version).header();
    let mut response = private(Json::<_>(cart).into_response());
    response.headers_mut().insert(ETAG, etag);
    Ok(seen.mark(response))
}

async fn cart(app: &App, id: Uuid, scope: &ScopeFilter) -> Result<CartDetail, ApiError> {
    let row = sqlx::query!(
        r#"SELECT cart_id, sequence, restaurant_id, channel, stage, lines::text AS "lines!",
                  fulfilment::text, wanted::text, promotion->>'code' AS promotion_code, tip_minor,
                  order_id, expires_at
           FROM views.carts
           WHERE cart_id = $1
             AND ($2::uuid IS NULL OR customer_id = $2)
             AND ($3::uuid[] IS NULL OR restaurant_id = ANY($3))
             AND $4::uuid IS NULL"#,
        id,
        scope.customer,
        scope.shops.as_deref(),
        scope.driver
    )
    .fetch_optional(app.pool())
    .await
    .map_err(db)?
    .ok_or_else(ApiError::not_found)?;
    let mut lines = numbered(json_of(&row.lines)?)?;
    open_notes(app.vault(), &mut lines).await?;
    let fulfilment: Option<Value> = row.fulfilment.as_deref().map(json_of).transpose()?;
    let kind = fulfilment
        .as_ref()
        .and_then(|value| value["type"].as_str())
        .map(str::to_owned);
    let address = match fulfilment {
        Some(fulfilment) => {
            open_address(app.vault(), fulfilment, AddressView::Whole)
                .await?
                .0
        }
        None => None,
    };
    Ok(CartDetail {
        id: row.cart_id,
        version: row.sequence,
        restaurant_id: row.restaurant_id,
        channel: row.channel,
        stage: row.stage,
        lines,
        fulfilment: kind,
        address,
        window: row.wanted.as_deref().map(json_of).transpose()?,
        promotion_code: row.promotion_code,
        tip_minor: row.tip_minor,
        order_id: row.order_id,
        expires_at: row.expires_at,
    })
}

/// The lines as a list, each with its number, in the order of numbers.
fn numbered(lines: Map<String, Value>) -> Result<Vec<Value>, ApiError> {
    let mut numbered = lines
        .into_iter()
        .map(|(line, mut choice)| {
            let line: u32 = line.parse().map_err(ApiError::internal)?;
            choice["line"] = line.into();
            Ok((line, choice))
        })
        .collect::<Result<Vec<_>, ApiError>>()?;
    numbered.sort_by_key(|(line, _)| *line);
    Ok(numbered.into_iter().map(|(_, choice)| choice).collect())
}
