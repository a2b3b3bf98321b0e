//! `GET /v1/restaurants/{id}/menu`: what a shop sells, at today's prices, and what can be had now.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use domain::kernel::ids::RestaurantId;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderValue, StatusCode};
use infra::http::conditional::IfNoneMatch;
use infra::http::{ApiError, Consistency, Path, Problem, Query};
use utoipa::IntoParams;

use super::menu_page::MenuPage;
use crate::app::App;
use crate::language::AcceptLanguage;
use crate::shops::Page;

/// What is asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadMenu {
    /// A language tag, or `*` for every language; without it `Accept-Language` decides.
    lang: Option<String>,
}

domain::collect_struct!(ReadMenu { lang });

/// Reads a menu.
#[utoipa::path(get, path = "/v1/restaurants/{restaurant_id}/menu", operation_id = "read_menu",
    tag = "restaurant",
    params(ReadMenu, ("restaurant_id" = Uuid, Path, description = "The shop.")),
    responses((status = 200, body = MenuPage), (status = 304, description = "Unchanged."),
              (status = "default", body = Problem)))]
pub(crate) async fn read_menu(
    State(app): State<App>,
    Path(id): Path<RestaurantId>,
    accepted: AcceptLanguage,
    known: IfNoneMatch,
    consistency: Consistency,
    Query(asked): Query<ReadMenu>,
) -> Result<Response, ApiError> {
    let seen = app.views_seen(&consistency).await?;
    let now = app.clock().now();
    let page = app
        .menus()
        .page(id.uuid(), asked.lang.as_deref(), &accepted, now)
        .await?;
    let page = page.ok_or_else(ApiError::not_found)?;
    let mut response = answer(&page, &known);
    response
        .headers_mut()
        .insert(VARY, HeaderValue::from_static("accept-language"));
    Ok(seen.mark(response))
}

/// The page, or 304 for somebody who has it. It may be kept, but must be asked for each time.
pub(super) fn answer(page: &Page, known: &IfNoneMatch) -> Response {
    let is_known = known.has(&page.etag);
    let body = if is_known {
        Body::empty()
    } else {
        Body::from(page.body.clone())
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(ETAG, page.etag.header());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response
}
