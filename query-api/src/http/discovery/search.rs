//! `GET /v1/search`: shops and dishes by words, place, hour and what one can eat.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::kernel::allergen::Diet;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use infra::http::{ApiError, Consistency, Json, Problem, Query};
use serde::Serialize;
use utoipa::ToSchema;

use super::cursor::SearchCursor;
use super::hit::SearchHit;
use super::params::{Asked, SearchParams};
use crate::app::App;
use crate::language::AcceptLanguage;
use crate::search::{FacetCounts, Found};

/// A page of hits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchPage {
    /// Best first.
    hits: Vec<SearchHit>,
    /// How many match in each facet that was asked for, by value.
    #[schema(value_type = Object)]
    facets: BTreeMap<&'static str, BTreeMap<String, u64>>,
    /// How many match in all.
    total: usize,
    /// The text with words that are nearly the same for those that no document has.
    did_you_mean: Option<String>,
    /// For the next page, for 15 minutes; none on the last.
    #[schema(value_type = Option<String>)]
    cursor: Option<SearchCursor>,
    /// How long the index took, in microseconds.
    took_us: u64,
}

/// Searches shops and dishes.
#[utoipa::path(get, path = "/v1/search", operation_id = "search", tag = "discovery",
    params(SearchParams),
    responses((status = 200, body = SearchPage), (status = "default", body = Problem)))]
pub(crate) async fn search(
    State(app): State<App>,
    accepted: AcceptLanguage,
    consistency: Consistency,
    Query(params): Query<SearchParams>,
) -> Result<Response, ApiError> {
    let asked = params.query(app.clock().now())?;
    let seen = app.index_seen(&consistency).await?;
    let asked = asked.in_one_currency(app.search())?;
    let watch = app.clock().stopwatch();
    let found = app.search().search(&asked.query)?;
    let took_us = u64::try_from(watch.elapsed().as_micros()).unwrap_or(u64::MAX);
    let page = page(found, &asked, &accepted, took_us);
    let mut response = Json::<_>(page).into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(seen.mark(response))
}

fn page(found: Found, asked: &Asked, accepted: &AcceptLanguage, took_us: u64) -> SearchPage {
    let last = found.hits.last().filter(|_| found.more);
    let cursor = last.map(|hit| SearchCursor::behind(asked.search, asked.query.at, hit.position));
    SearchPage {
        facets: facets(found.facets),
        total: found.total,
        did_you_mean: found.did_you_mean,
        cursor,
        took_us,
        hits: found
            .hits
            .into_iter()
            .map(|hit| SearchHit::new(hit, accepted))
            .collect(),
    }
}

/// By name and value; a price band is named by currency and its two ends in minor units.
fn facets(counts: FacetCounts) -> BTreeMap<&'static str, BTreeMap<String, u64>> {
    let mut facets = BTreeMap::new();
    for (dimension, values) in counts.tags {
        let values = values
            .into_iter()
            .map(|(value, count)| (value.to_owned(), count));
        facets.insert(dimension.name(), values.collect());
    }
    if !counts.diets.is_empty() {
        let name = |diet: Diet| serde_json::to_value(diet).ok()?.as_str().map(str::to_owned);
        let diets = counts.diets.into_iter();
        let diets = diets.filter_map(|(diet, count)| Some((name(diet)?, count)));
        facets.insert("diet", diets.collect());
    }
    if !counts.prices.is_empty() {
        let bands = counts.prices.into_iter().map(|(band, count)| {
            let name = format!("{}:{}-{}", band.currency, band.from_minor, band.below_minor);
            (name, count)
        });
        facets.insert("price", bands.collect());
    }
    if let Some([open, closed]) = counts.open {
        let counts = [("true", open), ("false", closed)];
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        facets.insert(
            "open",
            counts
                .map(|(name, count)| (name.to_owned(), count))
                .collect(),
        );
    }
    facets
}
