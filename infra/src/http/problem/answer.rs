//! A refusal as an answer: its headers and its body, also for refusals that did not come from us.

use std::borrow::Cow;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use super::{ApiError, PROBLEM_JSON, Report};
use crate::http::request_id::RequestScope;

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.problem()).expect("a problem has text keys only");
        let mut response = (self.0.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.0.status == StatusCode::PAYLOAD_TOO_LARGE {
            // The rest of the body is not read, so nothing can follow on this connection; a client
            // that is not told would send its next request into the close.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(after) = self.0.retry_after {
            headers.insert(RETRY_AFTER, retry_after_header(after));
        }
        for (name, value) in &self.0.headers {
            headers.append(name, value.clone());
        }
        let report = Report {
            code: self.0.code.to_string(),
            source: self.0.source,
        };
        response.extensions_mut().insert(report);
        response
    }
}

fn retry_after_header(after: Duration) -> HeaderValue {
    let spread = RequestScope::current().map_or(0.0, |scope| scope.spread);
    let spread = after.mul_f64(1.0 + 0.2 * spread);
    let seconds = spread.as_secs() + u64::from(spread.subsec_nanos() > 0);
    HeaderValue::from(seconds.max(1))
}

/// Gives a refusal that did not come from us (the router's 404 and 405, a library's 4xx) the form of
/// ours, keeping the headers that belong to its status.
pub(in crate::http) fn in_our_form(response: Response) -> Response {
    let status = response.status();
    let is_refusal = status.is_client_error() || status.is_server_error();
    let ours = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value == PROBLEM_JSON);
    if !is_refusal || ours {
        return response;
    }
    let mut error = ApiError::new(status, code_of(status));
    for name in [ALLOW, RETRY_AFTER, WWW_AUTHENTICATE] {
        for value in response.headers().get_all(&name) {
            error = error.with_header(name.clone(), value.clone());
        }
    }
    error.into_response()
}

fn code_of(status: StatusCode) -> Cow<'static, str> {
    match status.canonical_reason() {
        Some(reason) => reason
            .to_ascii_lowercase()
            .replace([' ', '-', '\''], "_")
            .into(),
        None => "refused".into(),
    }
}
