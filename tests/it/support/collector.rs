//! A trace collector on loopback: takes OTLP over HTTP as a real one does, and shows what it has taken.
//!
//! Tests of one process would share a global subscriber. So traces are exported from one thread only:
//! a test that uses a collector runs on the current-thread runtime, where all its tasks are.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use infra::clock::Clock;
use infra::config;
use infra::lifecycle::Tasks;
use infra::telemetry::{Traces, traces_alone};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1 as otlp;
use prost::Message as _;
use tokio::net::TcpListener;
use tracing::Dispatch;
use tracing::dispatcher::DefaultGuard;

/// A span as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Empty for the first of a trace.
    pub(crate) parent: String,
    /// Trace and span.
    pub(crate) links: Vec<(String, String)>,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) is_error: bool,
    /// Log lines that came with it.
    pub(crate) events: usize,
}

impl Span {
    fn of(span: otlp::Span) -> Self {
        let links = span.links.iter();
        let attributes = span.attributes.into_iter();
        Self {
            name: span.name,
            trace: hex::encode(span.trace_id),
            id: hex::encode(span.span_id),
            parent: hex::encode(span.parent_span_id),
            links: links
                .map(|link| (hex::encode(&link.trace_id), hex::encode(&link.span_id)))
                .collect(),
            attributes: attributes
                .map(|one| (one.key, text_of(one.value.and_then(|value| value.value))))
                .collect(),
            is_error: span.status.is_some_and(|status| status.code == 2),
            events: span.events.len(),
        }
    }

    /// Whether it goes on with `trace` or links to it.
    pub(crate) fn belongs_to(&self, trace: &str) -> bool {
        self.trace == trace || self.links.iter().any(|(linked, _)| linked == trace)
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

fn text_of(value: Option<Value>) -> String {
    match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        other => format!("{other:?}"),
    }
}

/// Where the spans of one test arrive.
pub(crate) struct Collector {
    endpoint: String,
    tasks: Tasks,
    taken: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let taken = Arc::default();
        let routes = Router::new()
            .route("/v1/traces", post(take))
            .with_state(Arc::clone(&taken));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let tasks = Tasks::new(Clock::system());
        let stop = tasks.stop().soft_owned();
        let serving = axum::serve(listener, routes).with_graceful_shutdown(stop);
        tasks.service("collector", serving.into_future());
        Self {
            endpoint,
            tasks,
            taken,
        }
    }

    /// Exports from now on what happens on this thread, of this share of all traces.
    pub(crate) fn listen(&self, sample: f64) -> Exporting {
        Exporting::to(&self.endpoint, sample)
    }

    /// Every span that has arrived once the exporter has sent its last.
    pub(crate) async fn spans(self, exporting: Exporting) -> Vec<Span> {
        exporting.end().await;
        self.tasks.shut_down().await.unwrap();
        let taken = std::mem::take(&mut *self.taken.lock().unwrap());
        taken
            .into_iter()
            .flat_map(|request| request.resource_spans)
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .map(Span::of)
            .collect()
    }
}

async fn take(
    State(taken): State<Arc<Mutex<Vec<ExportTraceServiceRequest>>>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let is_protobuf = headers
        .get("content-type")
        .is_some_and(|kind| kind == "application/x-protobuf");
    match ExportTraceServiceRequest::decode(body) {
        Ok(request) if is_protobuf => {
            taken.lock().unwrap().push(request);
            StatusCode::OK
        }
        Ok(_) | Err(_) => StatusCode::BAD_REQUEST,
    }
}

/// A listener that is always there and hears nothing. Whether a span is worth making is remembered for the whole process,
/// from the listeners that there are when its line is first reached: with none, a test that begins to listen at that
/// moment on another thread would miss it.
static SOMEBODY_LISTENS: LazyLock<(Dispatch, Traces)> = LazyLock::new(|| {
    let nowhere = config::Traces {
        endpoint: "http://127.0.0.1:9".to_owned(),
        service: "ramen-test".to_owned(),
        sample: 0.0,
    };
    traces_alone(&nowhere).unwrap()
});

/// What happens on this thread is exported while it lives.
pub(crate) struct Exporting {
    traces: Traces,
    _default: DefaultGuard,
}

impl Exporting {
    /// To a collector that need not be there.
    pub(crate) fn to(endpoint: &str, sample: f64) -> Self {
        LazyLock::force(&SOMEBODY_LISTENS);
        let settings = config::Traces {
            endpoint: endpoint.to_owned(),
            service: "ramen-test".to_owned(),
            sample,
        };
        let (dispatch, traces) = traces_alone(&settings).unwrap();
        Self {
            traces,
            _default: tracing::dispatcher::set_default(&dispatch),
        }
    }

    pub(crate) async fn end(self) {
        self.traces.flush().await;
    }
}
