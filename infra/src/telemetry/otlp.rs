//! The exporter: spans leave in batches over OTLP, HTTP and protobuf, from a thread of its own.
//!
//! Ending a span puts it into a bounded queue and never waits. What does not fit, or finds no collector,
//! is given up: a collector that is down costs a log line a minute and nothing else.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter as OtlpExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter,
};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::sampler::Sampler;
use super::{TelemetryError, spans};
use crate::config;
use crate::limits::{TRACES_EXPORT_DEADLINE, TRACES_FLUSH_DEADLINE, TRACES_QUEUE_MAX};

/// A lost collector is told of this often.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// What is on its way to the collector, if there is one.
#[derive(Clone, Debug)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// No collector.
    pub(super) const fn none() -> Self {
        Self(None)
    }

    /// Sends what is left and ends the exporter, within [`TRACES_FLUSH_DEADLINE`]. Spans that end
    /// later are given up.
    pub async fn flush(self) {
        let Some(provider) = self.0 else { return };
        // The exporter's thread is waited for, which must not hold up one of the runtime's.
        let ended = tokio::task::spawn_blocking(move || {
            provider.shutdown_with_timeout(TRACES_FLUSH_DEADLINE)
        });
        match ended.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last traces did not leave"),
            Err(error) => tracing::warn!(%error, "the exporter of traces ended badly"),
        }
    }
}

/// Starts an exporter; the layer hands it the spans of our crates, and none of what they say in log
/// lines.
pub(super) fn start<S>(
    to: &config::Traces,
) -> Result<(impl Layer<S> + Send + Sync + use<S>, Traces), TelemetryError>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let exporter = OtlpExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", to.endpoint.trim_end_matches('/')))
        .with_timeout(TRACES_EXPORT_DEADLINE)
        .build()
        .map_err(TelemetryError::Traces)?;
    let queue = BatchConfigBuilder::default().with_max_queue_size(TRACES_QUEUE_MAX);
    let batches =
        BatchSpanProcessor::builder(Patient::new(exporter)).with_batch_config(queue.build());
    let provider = SdkTracerProvider::builder()
        .with_span_processor(batches.build())
        .with_sampler(Sampler::new(to.sample))
        .with_resource(resource(&to.service))
        .build();
    let tracer = provider.tracer_with_scope(InstrumentationScope::builder("ramen").build());
    let layer = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        // Nobody here reads OpenTelemetry's own current context.
        .with_context_activation(false)
        .with_filter(filter_fn(spans::is_traced).with_max_level_hint(LevelFilter::DEBUG));
    Ok((layer, Traces(Some(provider))))
}

fn resource(service: &str) -> Resource {
    Resource::builder()
        .with_service_name(service.to_owned())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build()
}

/// An exporter that takes a lost collector easily.
#[derive(Debug)]
struct Patient {
    inner: OtlpExporter,
    told: Arc<Mutex<Option<Instant>>>,
}

impl Patient {
    fn new(inner: OtlpExporter) -> Self {
        let told = Arc::default();
        Self { inner, told }
    }

    /// Whether it is time to tell.
    fn tells(&self) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let tells = told.is_none_or(|told| told.elapsed() >= TELL_EVERY);
        if tells {
            *told = Some(Instant::now());
        }
        tells
    }
}

impl SpanExporter for Patient {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let sent = self.inner.export(batch).await;
        if let Err(error) = &sent {
            metrics::counter!("ramen_spans_lost_total").increment(count as u64);
            if self.tells() {
                tracing::warn!(%error, spans = count, "the trace collector takes nothing");
            }
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
