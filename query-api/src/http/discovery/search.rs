//! `GET /v1/search`: shops and dishes by words, place, style and price.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::kernel::collect::Collect;
use domain::kernel::fault::{Fault, Faults, Pointer};
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use infra::http::{ApiError, Consistency, Json, Problem, Query};
use infra::search_schema::style_code;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::App;
use crate::http::paging::{PAGE_DEFAULT, limit_of};
use crate::http::place::PlaceParam;
use crate::language::{AcceptLanguage, pick};
use crate::search::{Found, Hit, Near, SearchQuery, search_terms};

/// Radius when a place is given without one.
const RADIUS_DEFAULT_M: u32 = 5_000;
/// Nobody brings noodles further.
const RADIUS_MAX_M: u32 = 50_000;
/// Hits before this one can be paged through; who looks further should say more.
const OFFSET_MAX: u32 = 1_000;

/// What is searched.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchParams {
    /// Words in any of the menu's languages; all must be found.
    q: Option<String>,
    /// `lat,lon`.
    near: Option<PlaceParam>,
    /// Radius around `near`, 1 to 50,000 metres; 5,000 by default.
    radius_m: Option<u32>,
    /// Any of these styles, with commas.
    style: Vec<String>,
    /// At most this price, in minor units; finds dishes only.
    price_max: Option<i64>,
    /// `shop` or `dish`; both by default.
    kind: Option<SearchKind>,
    /// At most so many hits, 1 to 100.
    limit: u32,
    /// Where the page before ended.
    cursor: Option<SearchCursor>,
}

domain::collect_struct!(SearchParams {
    q, near, radius_m, style = Vec::new(), price_max, kind, limit = PAGE_DEFAULT, cursor,
});

/// What is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum SearchKind {
    /// Shops only.
    Shop,
    /// Dishes only.
    Dish,
}

impl Collect for SearchKind {
    fn collect(value: &serde_json::Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        match value.as_str() {
            Some("shop") => Some(Self::Shop),
            Some("dish") => Some(Self::Dish),
            Some(_) | None => {
                faults.add("kind_unknown", at, "a kind is `shop` or `dish`");
                None
            }
        }
    }
}

/// How many hits were shown before. Opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String)]
pub(crate) struct SearchCursor(u32);

impl Serialize for SearchCursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("p{}", self.0))
    }
}

impl Collect for SearchCursor {
    fn collect(value: &serde_json::Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        let offset = value
            .as_str()
            .and_then(|text| text.strip_prefix('p')?.parse().ok());
        let read = offset.filter(|offset| *offset <= OFFSET_MAX).map(Self);
        if read.is_none() {
            faults.add(
                "cursor_malformed",
                at,
                "a cursor comes from the page before",
            );
        }
        read
    }
}

/// A page of hits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchPage {
    /// Best first.
    hits: Vec<SearchHit>,
    /// How many match in each facet.
    #[schema(value_type = Object)]
    facets: Facets,
    /// How many match in all.
    total: usize,
    /// For the next page; none on the last.
    cursor: Option<SearchCursor>,
    /// How long the index took, in microseconds.
    took_us: u64,
}

#[derive(Debug, Serialize)]
struct Facets {
    style: BTreeMap<&'static str, u64>,
}

/// A shop or a dish.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchHit {
    /// The shop.
    restaurant: HitShop,
    /// The dish; none when the shop itself was found.
    item: Option<HitItem>,
    /// What the order of hits follows.
    score: f32,
    /// From `near`, in metres.
    distance_m: Option<u32>,
    /// What counted: `text`, `distance`, `style`, `popularity`.
    #[schema(value_type = Vec<String>)]
    why: Vec<&'static str>,
}

/// The shop of a hit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HitShop {
    /// The shop.
    id: Uuid,
    /// Its name.
    name: String,
    /// Its city.
    city: String,
}

/// The dish of a hit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HitItem {
    /// The shop's key.
    key: String,
    /// Its name, in the reader's language where it has one.
    name: String,
    /// Price without options, in minor units.
    price_minor: i64,
    /// ISO 4217 code.
    currency: String,
    /// Its styles.
    styles: Vec<String>,
}

/// Searches shops and dishes.
#[utoipa::path(get, path = "/v1/search", operation_id = "search", tag = "discovery",
    params(SearchParams),
    responses((status = 200, body = SearchPage), (status = "default", body = Problem)))]
pub(crate) async fn search(
    State(app): State<App>,
    accepted: AcceptLanguage,
    consistency: Consistency,
    Query(asked): Query<SearchParams>,
) -> Result<Response, ApiError> {
    let query = query_of(&asked)?;
    let seen = app.index_seen(&consistency).await?;
    let watch = app.clock().stopwatch();
    let found = app.search().search(&query)?;
    let took_us = u64::try_from(watch.elapsed().as_micros()).unwrap_or(u64::MAX);
    let page = page(found, &query, &accepted, took_us);
    let mut response = Json::<_>(page).into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(seen.mark(response))
}

/// The query, or every fault of what was asked.
fn query_of(asked: &SearchParams) -> Result<SearchQuery, ApiError> {
    let mut faults = Vec::new();
    let mut fault = |code: &str, pointer: &str, detail: String| {
        faults.push(Fault {
            code: code.to_owned(),
            pointer: pointer.to_owned(),
            detail,
        });
    };
    let terms = search_terms(asked.q.as_deref().unwrap_or_default()).unwrap_or_else(|error| {
        fault("text_too_long", "/q", error.to_string());
        Vec::new()
    });
    let radius_m = asked.radius_m.unwrap_or(RADIUS_DEFAULT_M);
    if !(1..=RADIUS_MAX_M).contains(&radius_m) {
        fault(
            "radius_out_of_range",
            "/radius_m",
            format!("a radius is 1 to {RADIUS_MAX_M} metres"),
        );
    }
    if asked.radius_m.is_some() && asked.near.is_none() {
        fault(
            "place_missing",
            "/near",
            "a radius needs a place".to_owned(),
        );
    }
    for (at, style) in asked.style.iter().enumerate() {
        if style_code(style).is_none() {
            fault(
                "style_unknown",
                &format!("/style/{at}"),
                format!("{style} is no style"),
            );
        }
    }
    if asked.price_max.is_some_and(|price| price < 0) {
        fault(
            "price_out_of_range",
            "/price_max",
            "a price is not negative".to_owned(),
        );
    }
    let limit = match limit_of(asked.limit) {
        Ok(limit) => limit,
        Err(error) => {
            faults.extend(error.faults().iter().cloned());
            PAGE_DEFAULT
        }
    };
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    Ok(SearchQuery {
        terms,
        near: asked.near.map(|place| Near {
            lat: place.lat(),
            lon: place.lon(),
            radius_m,
        }),
        styles: asked.style.clone(),
        price_max: asked.price_max,
        dishes: asked.kind.map(|kind| kind == SearchKind::Dish),
        limit: limit as usize,
        offset: asked.cursor.map_or(0, |cursor| cursor.0) as usize,
    })
}

fn page(found: Found, query: &SearchQuery, accepted: &AcceptLanguage, took_us: u64) -> SearchPage {
    let shown = query.offset + found.hits.len();
    let next = u32::try_from(shown).ok().filter(|next| *next <= OFFSET_MAX);
    SearchPage {
        hits: found
            .hits
            .into_iter()
            .map(|hit| shown_hit(hit, accepted))
            .collect(),
        facets: Facets {
            style: found.styles.into_iter().collect(),
        },
        total: found.total,
        cursor: next.filter(|_| shown < found.total).map(SearchCursor),
        took_us,
    }
}

fn shown_hit(hit: Hit, accepted: &AcceptLanguage) -> SearchHit {
    let display = hit.display;
    let item = display.item.map(|key| {
        let languages: Vec<String> = display.item_name.keys().cloned().collect();
        let default = languages.first().cloned().unwrap_or_default();
        let language = accepted.choose(&languages, &default);
        HitItem {
            key,
            name: pick(&display.item_name, &language, &default)
                .unwrap_or_default()
                .to_owned(),
            price_minor: hit.price_minor,
            currency: display.currency,
            styles: display.styles,
        }
    });
    SearchHit {
        restaurant: HitShop {
            id: hit.restaurant,
            name: display.restaurant_name,
            city: display.city,
        },
        item,
        score: hit.score,
        distance_m: hit.distance_m,
        why: hit.why,
    }
}
