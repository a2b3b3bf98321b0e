//! What is written down of each request: one log line, the metrics of rate, errors and duration, and
//! the first span of its trace.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use http::Method;
use tracing::Span;
use tracing::field::Empty;

use crate::clock::Stopwatch;
use crate::http::problem::Report;
use crate::http::request_id::RequestScope;

/// The log line and the metrics of one request.
pub(super) struct Line {
    method: Method,
    path: String,
    route: Option<MatchedPath>,
    watch: Stopwatch,
}

impl Line {
    /// Notes what the line will need of the request, before it is handed on.
    pub(super) fn of(request: &Request, watch: Stopwatch) -> Self {
        Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            route: request.extensions().get::<MatchedPath>().cloned(),
            watch,
        }
    }

    /// The route's template; requests that match none share a name.
    pub(super) fn route(&self) -> &str {
        self.route.as_ref().map_or("(none)", MatchedPath::as_str)
    }

    /// The span of the request. Its path is not in it: a trace holds closed sets and ids alone.
    pub(super) fn span(&self) -> Span {
        let method = label_of(&self.method);
        tracing::debug_span!(
            "http",
            otel.name = %format_args!("{method} {}", self.route()),
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = method,
            http.route = self.route(),
            http.response.status_code = Empty,
            request.id = Empty,
            error.type = Empty,
        )
    }

    /// Writes it, once the answer is known.
    pub(super) fn write(&self, scope: &RequestScope, response: &Response) {
        let (status, elapsed) = (response.status(), self.watch.elapsed());
        let method = label_of(&self.method);
        let labels = [
            ("route", self.route().to_owned()),
            ("method", method.to_owned()),
        ];
        metrics::histogram!("ramen_http_request_seconds", &labels).record(elapsed.as_secs_f64());
        metrics::counter!(
            "ramen_http_requests_total",
            "route" => self.route().to_owned(),
            "method" => method,
            "status" => status.as_str().to_owned(),
        )
        .increment(1);
        let report = response.extensions().get::<Report>();
        let code = report.map(|report| report.code.as_str());
        let ms = elapsed.max(Duration::ZERO).as_secs_f64() * 1e3;
        let (id, trace) = (&*scope.id, scope.trace.trace_id());
        if status.is_server_error() {
            let cause = report.and_then(|report| report.source.as_ref()).map(chain);
            tracing::error!(
                http.method = method,
                http.route = self.route(),
                http.path = self.path,
                http.status = status.as_u16(),
                latency_ms = ms,
                request.id = id,
                trace.id = trace,
                error.code = code,
                error.cause = cause,
                "request failed"
            );
        } else {
            tracing::info!(
                http.method = method,
                http.route = self.route(),
                http.path = self.path,
                http.status = status.as_u16(),
                latency_ms = ms,
                request.id = id,
                trace.id = trace,
                error.code = code,
                "request"
            );
        }
    }
}

/// Notes in its span what came of a request.
pub(super) fn record(span: &Span, scope: &RequestScope, response: &Response) {
    if span.is_disabled() {
        return;
    }
    span.record("request.id", &*scope.id);
    span.record("http.response.status_code", response.status().as_u16());
    if let Some(report) = response.extensions().get::<Report>() {
        span.record("error.type", report.code.as_str());
    }
    if response.status().is_server_error() {
        span.record("otel.status_code", "error");
    }
}

/// An error and its causes, in one line.
fn chain(error: &Arc<dyn std::error::Error + Send + Sync>) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    words
}

/// Methods are a closed set in metrics, whatever a client sends.
fn label_of(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}
