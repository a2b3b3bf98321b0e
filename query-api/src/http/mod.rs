//! The routes of the read side, one file each.

mod delivery;
mod discovery;
mod identity;
mod ops;
pub(crate) mod ordering;
mod paging;
mod place;
pub(crate) mod restaurant;

use axum::response::Response;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use infra::http::ApiError;
use serde::de::DeserializeOwned;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

/// Every route with its documentation.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(discovery::search::search))
        .routes(routes!(discovery::suggest::suggest))
        .routes(routes!(discovery::discover::discover))
        .routes(routes!(restaurant::read_restaurant::read_restaurant))
        .routes(routes!(restaurant::read_promise::read_promise))
        .routes(routes!(restaurant::list_windows::list_windows))
        .routes(routes!(restaurant::read_staff::read_staff))
        .routes(routes!(restaurant::read_menu::read_menu))
        .routes(routes!(restaurant::read_stock::read_stock))
        .routes(routes!(restaurant::list_promotions::list_promotions))
        .routes(routes!(restaurant::read_kitchen::read_kitchen))
        .routes(routes!(ordering::read_cart::read_cart))
        .routes(routes!(ordering::list_orders::list_orders))
        .routes(routes!(ordering::read_order::read_order))
        .routes(routes!(ordering::read_timeline::read_timeline))
        .routes(routes!(ordering::receipt::read_receipt::read_receipt))
        .routes(routes!(ordering::follow_order::follow_order))
        .routes(routes!(delivery::read_delivery::read_delivery))
        .routes(routes!(delivery::list_my_deliveries::list_my_deliveries))
        .routes(routes!(identity::list_sessions::list_sessions))
        .routes(routes!(ops::read_lag::read_lag))
        .routes(routes!(ops::read_parked::read_parked))
        .routes(routes!(ops::search_orders::search_orders))
}

/// Marks an answer as one person's: nobody may keep it.
fn private(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Reads a document of a view.
pub(crate) fn json_of<T: DeserializeOwned>(text: &str) -> Result<T, ApiError> {
    serde_json::from_str(text).map_err(ApiError::internal)
}
