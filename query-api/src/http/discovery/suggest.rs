//! `GET /v1/suggest`: names that a search may be meant for, while it is typed.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, VARY};
use infra::http::{ApiError, Json, Problem, Query};
use infra::search_schema::{fold, romaji_of, romaji_typed};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::params::text_of;
use crate::app::App;
use crate::language::{AcceptLanguage, pick};
use crate::search::{Hit, SearchQuery};

/// More are not read while one types.
const SUGGESTIONS_MAX: usize = 10;
/// Hits from which they are made: a popular name stands on many menus.
const HITS_MAX: usize = 60;
/// Names change seldom, and nothing else is told; a proxy may answer everybody who types the same.
const CACHE: &str = "public, max-age=10";

/// What has been typed.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SuggestParams {
    /// The beginning of a text, in any language; the last word need not be complete.
    q: String,
}

domain::collect_struct!(SuggestParams { q });

/// Names that begin so, the likeliest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Suggestions {
    /// At most ten, each text once.
    suggestions: Vec<Suggestion>,
}

/// A name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Suggestion {
    /// The name: what to search for.
    text: String,
    /// The shop, when it is one's name; a dish may be had at many.
    restaurant_id: Option<Uuid>,
}

/// Suggests names of shops and dishes.
#[utoipa::path(get, path = "/v1/suggest", operation_id = "suggest", tag = "discovery",
    params(SuggestParams),
    responses((status = 200, body = Suggestions), (status = "default", body = Problem)))]
pub(crate) async fn suggest(
    State(app): State<App>,
    accepted: AcceptLanguage,
    Query(asked): Query<SuggestParams>,
) -> Result<Response, ApiError> {
    let text = text_of(&asked.q)?;
    let typed = text.folded.clone();
    let hits = if text.words.is_empty() {
        Vec::new()
    } else {
        let query = SearchQuery {
            text,
            begun: true,
            at: app.clock().now(),
            limit: HITS_MAX,
            ..SearchQuery::default()
        };
        app.search().search(&query)?.hits
    };
    let mut response = Json::<_>(suggestions(hits, &typed, &accepted)).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(CACHE));
    headers.insert(VARY, HeaderValue::from_static("accept-language"));
    Ok(response)
}

fn suggestions(hits: Vec<Hit>, typed: &str, accepted: &AcceptLanguage) -> Suggestions {
    let mut seen = Vec::new();
    let mut suggestions = Vec::new();
    for hit in hits {
        let text = name_of(&hit, typed, accepted);
        let folded = fold(&text);
        if suggestions.len() == SUGGESTIONS_MAX || text.is_empty() || seen.contains(&folded) {
            continue;
        }
        seen.push(folded);
        suggestions.push(Suggestion {
            text,
            restaurant_id: hit.display.item.is_none().then_some(hit.restaurant),
        });
    }
    Suggestions { suggestions }
}

/// The name in the language in which it is being typed, or else the reader's.
fn name_of(hit: &Hit, typed: &str, accepted: &AcceptLanguage) -> String {
    let display = &hit.display;
    if display.item.is_none() {
        return display.restaurant_name.clone();
    }
    let spelled = romaji_typed(typed);
    let is_typed = |name: &&String| {
        let sounds = romaji_of(name);
        let mut sounds = sounds.iter();
        fold(name).as_str().contains(typed) || sounds.any(|sound| sound.starts_with(&spelled))
    };
    let as_typed = display.item_name.values().find(is_typed);
    let languages: Vec<String> = display.item_name.keys().cloned().collect();
    let default = languages.first().cloned().unwrap_or_default();
    let language = accepted.choose(&languages, &default);
    let readers = pick(&display.item_name, &language, &default);
    as_typed
        .map(String::as_str)
        .or(readers)
        .unwrap_or_default()
        .to_owned()
}
