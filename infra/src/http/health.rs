//! `/livez`, `/readyz`, `/metrics`, on a listener of their own: never shed, never public.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::lifecycle::Stop;
use crate::telemetry::Metrics;

/// What must be there before the process takes requests: each part has a gate and opens it. A vendor
/// being down is not unreadiness. Clones share the gates.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<&'static str, bool>>>);

impl Readiness {
    /// Nothing to wait for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A closed gate of this name.
    pub fn gate(&self, name: &'static str) -> Gate {
        let gate = Gate {
            all: self.clone(),
            name,
        };
        gate.close();
        gate
    }

    /// The gates that are closed.
    pub fn closed(&self) -> Vec<&'static str> {
        let gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gates
            .iter()
            .filter(|(_, open)| !**open)
            .map(|(name, _)| *name)
            .collect()
    }

    fn set(&self, name: &'static str, open: bool) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, open);
    }
}

/// One part's word on whether it is ready.
#[derive(Clone, Debug)]
pub struct Gate {
    all: Readiness,
    name: &'static str,
}

impl Gate {
    /// The part is ready.
    pub fn open(&self) {
        self.all.set(self.name, true);
    }

    /// The part is not ready, or no longer.
    pub fn close(&self) {
        self.all.set(self.name, false);
    }
}

#[derive(Clone)]
struct Health {
    readiness: Readiness,
    metrics: Metrics,
    stop: Stop,
}

/// The routes of the health listener. They pass no edge: nobody signs in to ask.
pub fn routes(readiness: Readiness, metrics: Metrics, stop: Stop) -> Router {
    Router::new()
        .route("/livez", get(|| async { "live\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(render))
        .with_state(Health {
            readiness,
            metrics,
            stop,
        })
}

async fn ready(State(health): State<Health>) -> Response {
    let mut waiting = health.readiness.closed();
    if health.stop.is_stopping() {
        waiting.push("stopping");
    }
    if waiting.is_empty() {
        return "ready\n".into_response();
    }
    let mut words = String::new();
    for name in waiting {
        // Writing to a string cannot fail.
        writeln!(words, "not ready: {name}").unwrap_or_default();
    }
    (StatusCode::SERVICE_UNAVAILABLE, words).into_response()
}

async fn render(State(health): State<Health>) -> Response {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4")],
        health.metrics.render(),
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    async fn get_status(routes: &Router, path: &str) -> (u16, String) {
        let request = http::Request::get(path).body(Body::empty()).unwrap();
        let response = routes.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_process_is_ready_when_every_gate_is_open_and_it_is_not_stopping() {
        let (readiness, stop) = (Readiness::new(), Stop::new());
        let (feed, store) = (readiness.gate("feed"), readiness.gate("store"));
        let routes = routes(readiness, Metrics::detached(), stop.clone());
        assert_eq!(get_status(&routes, "/livez").await.0, 200);
        assert_eq!(
            get_status(&routes, "/readyz").await,
            (503, "not ready: feed\nnot ready: store\n".to_owned())
        );
        feed.open();
        store.open();
        assert_eq!(get_status(&routes, "/readyz").await.0, 200);
        feed.close();
        assert_eq!(get_status(&routes, "/readyz").await.0, 503);
        feed.open();
        stop.begin();
        assert_eq!(get_status(&routes, "/readyz").await.0, 503);
        assert_eq!(get_status(&routes, "/livez").await.0, 200);
        assert_eq!(get_status(&routes, "/metrics").await.0, 200);
    }
}
