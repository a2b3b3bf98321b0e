//! What one request is called: its id and its place in a trace, for answers, logs and event metadata.

use std::future::Future;
use std::sync::Arc;

use http::HeaderMap;
use tracing::Span;

use super::tracestate;
use crate::clock::Clock;
use crate::telemetry::{TraceContext, serves};

/// The header that carries the id, in and out.
pub const REQUEST_ID: &str = "x-request-id";

/// The identity of the request being served.
#[derive(Clone, Debug)]
pub struct RequestScope {
    /// The caller's `X-Request-Id` when it is usable, otherwise a fresh one.
    pub id: Arc<str>,
    /// Our hop in the caller's trace, or in a new one.
    pub trace: TraceContext,
    /// The vendors' part of the caller's trace, when we go on with that trace.
    pub tracestate: Option<Arc<str>>,
    /// A fraction in [0, 1) that spreads this request's `Retry-After`.
    pub spread: f64,
}

tokio::task_local! {
    static CURRENT: RequestScope;
}

impl RequestScope {
    /// Names a request, which `span` serves, by its headers.
    pub fn of(headers: &HeaderMap, span: &Span, clock: &Clock) -> Self {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let id = header(REQUEST_ID)
            .filter(|id| is_request_id(id))
            .map_or_else(|| clock.fresh_id().to_string().into(), Arc::from);
        let caller = header("traceparent").and_then(|text| text.parse::<TraceContext>().ok());
        let tracestate = caller.and_then(|_| tracestate::of(headers));
        Self {
            id,
            trace: serves(span, caller, clock),
            tracestate,
            spread: clock.fraction(),
        }
    }

    /// Serves a request under this identity.
    pub async fn serve<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// Does something under this identity that waits for nothing.
    pub(super) fn within<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, work)
    }

    /// The identity of the request that this task serves, if it serves one.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }
}

/// 1 to 64 characters that need no care in a log, a header or a URL.
fn is_request_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=64).contains(&id.len()) && id.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;
    use http::HeaderValue;

    fn of(name: &'static str, value: &'static str) -> RequestScope {
        let clock = TestClock::at(chrono::DateTime::UNIX_EPOCH, 1).clock();
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        RequestScope::of(&headers, &Span::none(), &clock)
    }

    #[test]
    fn a_usable_id_is_kept_and_others_are_replaced() {
        assert_eq!(&*of(REQUEST_ID, "abc-1.2_3").id, "abc-1.2_3");
        for bad in [
            "",
            "a b",
            "a;b",
            "0123456789012345678901234567890123456789012345678901234567890123x",
        ] {
            assert_ne!(&*of(REQUEST_ID, bad).id, bad);
        }
    }

    #[test]
    fn the_callers_trace_goes_on() {
        let trace = of(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
        .trace;
        assert_eq!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(
            of("traceparent", "nonsense").trace.trace_id(),
            trace.trace_id()
        );
    }

    #[test]
    fn the_vendors_part_goes_on_with_its_trace_only() {
        let of = |traceparent| {
            let clock = TestClock::at(chrono::DateTime::UNIX_EPOCH, 1).clock();
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", HeaderValue::from_static(traceparent));
            headers.insert("tracestate", HeaderValue::from_static("rojo=1"));
            RequestScope::of(&headers, &Span::none(), &clock).tracestate
        };
        let known = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(of(known).as_deref(), Some("rojo=1"));
        assert_eq!(of("nonsense"), None);
    }

    #[tokio::test]
    async fn the_scope_is_seen_inside_alone() {
        assert!(RequestScope::current().is_none());
        let scope = of(REQUEST_ID, "r1");
        let seen = scope
            .serve(async { RequestScope::current().map(|scope| scope.id) })
            .await;
        assert_eq!(seen.as_deref(), Some("r1"));
    }
}
