//! `GET /v1/restaurants/{id}`: a shop's page. With `near`, also on what terms it delivers there.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::kernel::ids::RestaurantId;
use domain::kernel::kitchen::KitchenCapacity;
use infra::http::conditional::IfNoneMatch;
use infra::http::{ApiError, Consistency, Json, Path, Problem, Query};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgPool;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::read_menu::answer;
use crate::app::App;
use crate::error::db;
use crate::http::json_of;
use crate::http::place::PlaceParam;
use crate::shops::Moment;

/// What is asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadRestaurant {
    /// `lat,lon` of a door: adds `delivery`.
    near: Option<PlaceParam>,
}

domain::collect_struct!(ReadRestaurant { near });

/// A shop.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShopPage {
    /// The shop.
    id: Uuid,
    /// Events folded; what `If-Match` compares.
    pub(crate) version: i64,
    /// `draft`, `submitted`, `live`, `suspended` or `closed`. Only a live shop sells.
    pub(crate) stage: String,
    /// Its name.
    name: String,
    /// City.
    city: String,
    /// ISO 3166 code.
    country: String,
    /// Address as people write it.
    address_text: String,
    /// Public telephone.
    phone: Option<String>,
    /// Latitude of its door.
    lat: f64,
    /// Longitude of its door.
    lon: f64,
    /// What it is known for.
    styles: Vec<String>,
    /// IANA zone of its hours.
    pub(crate) time_zone: String,
    /// ISO 4217 code of its prices.
    currency: String,
    /// Weekly hours and exceptions, in its own time.
    #[schema(value_type = Object)]
    pub(crate) hours: Option<Value>,
    /// Where it delivers and on what terms; the first zone that contains a place decides.
    #[schema(value_type = Vec<Object>)]
    pub(crate) zones: Vec<Value>,
    /// Legal seller, and what is added to the dishes.
    terms: Option<PublicTerms>,
    /// Whether accepted orders are fired without a tap.
    auto_fire: bool,
    /// Whether it takes no orders for now.
    pub(crate) paused: bool,
    /// Why not.
    pause_reason: Option<String>,
    /// `by_staff`, `unreachable` or `closed_today`.
    pause_kind: Option<String>,
    /// Until when.
    pub(crate) paused_until: Option<DateTime<Utc>>,
    /// What its kitchen can do; it promises its usual time when absent.
    #[schema(value_type = Object)]
    pub(crate) capacity: Option<KitchenCapacity>,
}

/// A shop and what is so at the instant of the answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShopNow<'a> {
    /// The shop.
    #[serde(flatten)]
    pub(crate) shop: &'a ShopPage,
    /// Whether it sells, and until when.
    pub(crate) now: Moment,
}

/// What of a shop's terms concerns its customers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct PublicTerms {
    /// The legal seller.
    seller: String,
    /// The seller's tax number.
    tax_id: Option<String>,
    /// How prices are taxed.
    #[schema(value_type = Object)]
    tax: Value,
    /// A fee on small orders.
    #[schema(value_type = Object)]
    small_order: Option<Value>,
    /// A fee for packaging, on each order.
    packaging_fee_minor: i64,
}

/// A shop and, when a place was given, how it delivers there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShopNear<'a> {
    /// The shop.
    #[serde(flatten)]
    shop: ShopNow<'a>,
    /// The zone that contains the place; none when the shop does not deliver there.
    #[schema(value_type = Object)]
    delivery: Option<Value>,
}

/// Reads a shop's page.
#[utoipa::path(get, path = "/v1/restaurants/{restaurant_id}", operation_id = "read_restaurant",
    tag = "restaurant",
    params(ReadRestaurant, ("restaurant_id" = Uuid, Path, description = "The shop.")),
    responses((status = 200, body = ShopNow), (status = 304, description = "Unchanged."),
              (status = "default", body = Problem)))]
pub(crate) async fn read_restaurant(
    State(app): State<App>,
    Path(id): Path<RestaurantId>,
    known: IfNoneMatch,
    consistency: Consistency,
    Query(asked): Query<ReadRestaurant>,
) -> Result<Response, ApiError> {
    let seen = app.views_seen(&consistency).await?;
    let now = app.clock().now();
    let response = match asked.near {
        None => {
            let page = app.shops().page(id.uuid(), now).await?;
            answer(&page.ok_or_else(ApiError::not_found)?, &known)
        }
        Some(place) => {
            let known = app.shops().shop(id.uuid()).await?;
            let known = known.ok_or_else(ApiError::not_found)?;
            let shop = ShopNow {
                shop: &known.value.page,
                now: known.value.moment(now),
            };
            let delivery = zone_at(app.pool(), id.uuid(), place).await?;
            Json::<_>(ShopNear { shop, delivery }).into_response()
        }
    };
    Ok(seen.mark(response))
}

impl ShopPage {
    /// A shop's page from its row.
    ///
    /// # Errors
    /// When the view cannot be read or its row makes no sense.
    #[tracing::instrument(name = "db.shop_read", skip_all, level = "debug")]
    pub(crate) async fn read(pool: &PgPool, id: Uuid) -> Result<Option<Self>, ApiError> {
        let row = sqlx::query!(
            r#"SELECT restaurant_id, sequence, stage, name, city, country, address_text, phone, lat,
                      lon, styles::text AS "styles!", time_zone, currency, hours::text,
                      zones::text AS "zones!", terms::text, auto_fire, paused, pause_reason,
                      pause_kind, paused_until, capacity::text
               FROM views.restaurants WHERE restaurant_id = $1"#,
            id
        )
        .fetch_optional(pool)
        .await
        .map_err(db)?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Self {
            id: row.restaurant_id,
            version: row.sequence,
            stage: row.stage,
            name: row.name,
            city: row.city,
            country: row.country,
            address_text: row.address_text,
            phone: row.phone,
            lat: row.lat,
            lon: row.lon,
            styles: json_of(&row.styles)?,
            time_zone: row.time_zone,
            currency: row.currency,
            hours: row.hours.as_deref().map(json_of).transpose()?,
            zones: json_of(&row.zones)?,
            terms: row.terms.as_deref().map(json_of).transpose()?,
            auto_fire: row.auto_fire,
            paused: row.paused,
            pause_reason: row.pause_reason,
            pause_kind: row.pause_kind,
            paused_until: row.paused_until,
            capacity: row.capacity.as_deref().map(json_of).transpose()?,
        }))
    }
}

/// The first zone that contains a place, as PostGIS sees it.
#[tracing::instrument(name = "db.zone_at", skip_all, level = "debug")]
async fn zone_at(pool: &PgPool, id: Uuid, place: PlaceParam) -> Result<Option<Value>, ApiError> {
    let zone = sqlx::query_scalar!(
        r#"SELECT (r.zones -> (shape.path[1] - 1))::text AS "zone!"
           FROM views.restaurants r, public.ST_Dump(r.zone_areas) AS shape
           WHERE r.restaurant_id = $1
             AND public.ST_Covers(shape.geom,
                                  public.ST_SetSRID(public.ST_MakePoint($2, $3), 4326))
           ORDER BY shape.path[1] LIMIT 1"#,
        id,
        place.point().lon(),
        place.point().lat()
    )
    .fetch_optional(pool)
    .await
    .map_err(db)?;
    let Some(zone) = zone else { return Ok(None) };
    let mut zone: Value = json_of(&zone)?;
    if let Some(zone) = zone.as_object_mut() {
        // The reader has the outline already, in `zones`.
        zone.remove("polygon");
    }
    Ok(Some(zone))
}
