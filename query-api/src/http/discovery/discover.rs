//! `GET /v1/discover`: what there is for somebody who has not said what they want.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::kernel::geo::GeoPoint;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use infra::http::{ApiError, Consistency, Json, Problem, Query};
use infra::search_schema::Dimension;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::hit::SearchHit;
use crate::app::App;
use crate::http::place::PlaceParam;
use crate::language::AcceptLanguage;
use crate::search::{Facet, SearchError, SearchIndex, SearchQuery, Sort};

/// Hits of a rail.
const RAIL_MAX: usize = 12;
/// Rails by style: those with most dishes.
const STYLES_MAX: usize = 4;
/// At the door within so many minutes is quick.
const QUICK_MINUTES: u32 = 40;

/// Where somebody is.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DiscoverParams {
    /// `lat,lon`: only shops that deliver there and take orders now are shown.
    near: PlaceParam,
}

domain::collect_struct!(DiscoverParams { near });

/// Rails, each with something in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Discovery {
    /// In the order in which they are meant to be shown.
    rails: Vec<Rail>,
    /// How long the index took, in microseconds.
    took_us: u64,
}

/// A row of hits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rail {
    /// `open_near` (shops, nearest first), `quick` (dishes at the door within 40 minutes, soonest first) or
    /// `style:` and the style (dishes).
    key: String,
    /// At most twelve.
    hits: Vec<SearchHit>,
}

/// Shows what can be had at a place now.
#[utoipa::path(get, path = "/v1/discover", operation_id = "discover", tag = "discovery",
    params(DiscoverParams),
    responses((status = 200, body = Discovery), (status = "default", body = Problem)))]
pub(crate) async fn discover(
    State(app): State<App>,
    accepted: AcceptLanguage,
    consistency: Consistency,
    Query(asked): Query<DiscoverParams>,
) -> Result<Response, ApiError> {
    let seen = app.index_seen(&consistency).await?;
    let watch = app.clock().stopwatch();
    let rails = rails(
        app.search(),
        asked.near.point(),
        app.clock().now(),
        &accepted,
    )?;
    let took_us = u64::try_from(watch.elapsed().as_micros()).unwrap_or(u64::MAX);
    let mut response = Json::<_>(Discovery { rails, took_us }).into_response();
    // What is sold out or closed must be gone at once.
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(seen.mark(response))
}

fn rails(
    index: &SearchIndex,
    near: GeoPoint,
    at: DateTime<Utc>,
    accepted: &AcceptLanguage,
) -> Result<Vec<Rail>, SearchError> {
    let here = SearchQuery {
        near: Some(near),
        delivers: true,
        open: Some(true),
        at,
        limit: RAIL_MAX,
        ..SearchQuery::default()
    };
    let shops = SearchQuery {
        dishes: Some(false),
        sort: Sort::Distance,
        ..here.clone()
    };
    let dishes = SearchQuery {
        dishes: Some(true),
        ..here
    };
    let quick = SearchQuery {
        max_minutes: Some(QUICK_MINUTES),
        sort: Sort::Promise,
        ..dishes.clone()
    };
    let mut asked = vec![("open_near".to_owned(), shops), ("quick".to_owned(), quick)];
    for style in styles(index, &dishes)? {
        let of_style = SearchQuery {
            tags: vec![(Dimension::Style, vec![style.to_owned()])],
            ..dishes.clone()
        };
        asked.push((Dimension::Style.term(style), of_style));
    }
    let mut rails = Vec::new();
    for (key, query) in asked {
        let hits = index.search(&query)?.hits.into_iter();
        let hits: Vec<SearchHit> = hits.map(|hit| SearchHit::new(hit, accepted)).collect();
        if !hits.is_empty() {
            rails.push(Rail { key, hits });
        }
    }
    Ok(rails)
}

/// The styles with most dishes to be had, most first; sides and drinks are no reason to come.
fn styles(index: &SearchIndex, dishes: &SearchQuery) -> Result<Vec<&'static str>, SearchError> {
    let counting = SearchQuery {
        facets: vec![Facet::Tag(Dimension::Style)],
        limit: 1,
        ..dishes.clone()
    };
    let found = index.search(&counting)?.facets.tags;
    let counts = found.into_values().flatten();
    let mut counts: Vec<(&'static str, u64)> = counts
        .filter(|(style, _)| !["side", "drink"].contains(style))
        .collect();
    counts.sort_by_key(|(style, count)| (std::cmp::Reverse(*count), *style));
    Ok(counts
        .into_iter()
        .take(STYLES_MAX)
        .map(|(style, _)| style)
        .collect())
}
