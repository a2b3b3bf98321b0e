//! `GET /v1/orders/{id}/receipt`: what was sold, paid and given back.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::kernel::ids::OrderId;
use http::HeaderValue;
use http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, VARY};
use infra::http::conditional::Etag;
use infra::http::policy::action;
use infra::http::{ApiError, Caller, Consistency, Json, Path, Problem};

use super::accept::Form;
use super::page::{POLICY, page};
use super::receipt::Receipt;
use super::source::Source;
use crate::app::App;
use crate::http::private;
use crate::language::AcceptLanguage;
use crate::scope::ScopeFilter;

/// Reads the receipt of an order: JSON, or by `Accept: text/html` a page to print. Names are in the language of
/// `Accept-Language` that the order has, else in English or the first.
#[utoipa::path(get, path = "/v1/orders/{order_id}/receipt", operation_id = "read_receipt", tag = "ordering",
    params(("order_id" = Uuid, Path, description = "The order.")),
    responses((status = 200, content((Receipt = "application/json"), (String = "text/html"))),
              (status = "default", body = Problem)))]
pub(in crate::http) async fn read_receipt(
    State(app): State<App>,
    by: Caller<action::ReadReceipt>,
    Path(id): Path<OrderId>,
    form: Form,
    accepted: AcceptLanguage,
    consistency: Consistency,
) -> Result<Response, ApiError> {
    let seen = app.views_seen(&consistency).await?;
    let scope = ScopeFilter::from(&by.scope);
    let source = Source::read(app.pool(), id.uuid(), &scope).await?;
    let source = source.ok_or_else(ApiError::not_found)?;
    let receipt = Receipt::new(&source, &language(&source, &accepted));
    let mut response = answer(&receipt, form)?;
    let etag = Etag::version(source.version).header();
    response.headers_mut().insert(ETAG, etag);
    Ok(seen.mark(private(response)))
}

/// The best language that any name of the order has.
fn language(source: &Source, accepted: &AcceptLanguage) -> String {
    let lines = source.agreed.lines.iter().map(|line| &line.name);
    let labels = source
        .agreed
        .quote
        .iter()
        .filter_map(|amount| amount.label.as_ref());
    let offered: BTreeSet<String> = lines
        .chain(labels)
        .flat_map(|name| {
            name.iter()
                .map(|(language, _)| language.as_str().to_owned())
        })
        .collect();
    let offered: Vec<String> = offered.into_iter().collect();
    let is_english = |tag: &&String| tag.split('-').next() == Some("en");
    let default = offered.iter().find(is_english).or(offered.first());
    accepted.choose(&offered, default.map_or("en", String::as_str))
}

fn answer(receipt: &Receipt, form: Form) -> Result<Response, ApiError> {
    let mut response = match form {
        Form::Json => Json::<_>(receipt).into_response(),
        Form::Html => html(page(receipt))?,
    };
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("accept, accept-language"));
    let language = HeaderValue::from_str(&receipt.language).map_err(ApiError::internal)?;
    headers.insert(CONTENT_LANGUAGE, language);
    Ok(response)
}

fn html(page: String) -> Result<Response, ApiError> {
    let mut response = page.into_response();
    let policy = HeaderValue::from_str(&POLICY).map_err(ApiError::internal)?;
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}
