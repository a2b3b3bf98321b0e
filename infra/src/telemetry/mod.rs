//! Logs, traces and metrics of a process: how they are set up.
//!
//! Logs go to standard error: one line per request, effect and failure, for people when a terminal
//! listens, JSON otherwise. Metrics are counted in process and rendered for `/metrics`.
//!
//! Traces leave by OTLP when a collector is named, and only then. A span at level DEBUG belongs to a
//! trace and to no log line; without a collector nobody listens to such spans, whatever the log filter
//! says, and each costs a comparison. Spans above DEBUG give log lines their context and leave nowhere.
//! How a trace crosses from one task or process to the next is in `spans`.

mod metrics;
mod otlp;
mod sampler;
mod spans;
mod trace_context;

use std::io::IsTerminal as _;

use tracing::Subscriber;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

use crate::config::{LogFormat, Telemetry as Settings};

pub use metrics::{Metrics, as_gauge, metrics_install};
pub use otlp::Traces;
pub use spans::{context_of, continues, joins, links, serves};
pub use trace_context::{InvalidTraceparent, TraceContext};

/// Why telemetry cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter of the settings is no tracing filter.
    #[error("the log filter cannot be read")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// Something else has set up logging in this process.
    #[error("logging is already set up")]
    Logging(#[source] tracing_subscriber::util::TryInitError),
    /// Something else has set up metrics in this process.
    #[error("metrics are already set up")]
    Metrics(#[source] metrics_exporter_prometheus::BuildError),
    /// The settings make no exporter of traces. A collector that is down is no error.
    #[error("traces cannot be exported")]
    Traces(#[source] opentelemetry_otlp::ExporterBuildError),
}

/// The telemetry of this process.
#[derive(Debug)]
pub struct Telemetry {
    /// What is counted.
    pub metrics: Metrics,
    /// What is on its way to the collector; to be flushed before the process ends.
    pub traces: Traces,
}

/// Sets up logs, metrics and, when a collector is named, traces for this process, once.
///
/// # Errors
/// [`TelemetryError`] when a setting is wrong or something was set up before.
pub fn init(settings: &Settings) -> Result<Telemetry, TelemetryError> {
    let (traces, set_up) = match &settings.traces {
        None => (Traces::none(), registry().with(lines(settings)?).try_init()),
        Some(to) => {
            let (layer, traces) = otlp::start(to)?;
            let subscriber = registry().with(layer).with(lines(settings)?);
            (traces, subscriber.try_init())
        }
    };
    set_up.map_err(TelemetryError::Logging)?;
    let metrics = metrics_install()?;
    Ok(Telemetry { metrics, traces })
}

/// A subscriber that exports traces and writes no lines, for tests that set it for one thread.
///
/// # Errors
/// When the settings make no exporter.
#[cfg(feature = "testing")]
pub fn traces_alone(
    to: &crate::config::Traces,
) -> Result<(tracing::Dispatch, Traces), TelemetryError> {
    let (layer, traces) = otlp::start(to)?;
    Ok((registry().with(layer).into(), traces))
}

/// The log.
fn lines<S>(settings: &Settings) -> Result<Box<dyn Layer<S> + Send + Sync>, TelemetryError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let filter = EnvFilter::try_new(&settings.filter).map_err(TelemetryError::Filter)?;
    let filter = filter.and(filter_fn(|metadata| !spans::is_traced(metadata)));
    let terminal = std::io::stderr().is_terminal();
    let pretty = match settings.format {
        LogFormat::Auto => terminal,
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let lines = fmt::layer().with_writer(std::io::stderr);
    Ok(if pretty {
        let lines = lines.with_ansi(terminal).with_target(false);
        lines.with_filter(filter).boxed()
    } else {
        let lines = lines.json().flatten_event(true);
        let lines = lines.with_current_span(true).with_span_list(false);
        lines.with_filter(filter).boxed()
    })
}

#[cfg(test)]
mod tests {
    use tracing::{Span, debug_span, info_span, subscriber};

    use super::*;

    fn settings(filter: &str) -> Settings {
        Settings {
            filter: filter.to_owned(),
            format: LogFormat::Json,
            traces: None,
        }
    }

    #[test]
    fn without_a_collector_no_log_filter_brings_traces_to_life() {
        let logs = registry().with(lines(&settings("trace")).unwrap());
        subscriber::with_default(logs, || {
            assert!(debug_span!("command").is_disabled());
            assert!(!info_span!("request").is_disabled());
            assert_eq!(context_of(&info_span!("request")), None);
            assert_eq!(context_of(&Span::none()), None);
        });
    }

    #[test]
    fn with_one_an_exported_span_names_itself_and_log_lines_do_not_matter() {
        let to = crate::config::Traces {
            endpoint: "http://127.0.0.1:9".to_owned(),
            service: "ramen".to_owned(),
            sample: 1.0,
        };
        let (layer, _traces) = otlp::start(&to).unwrap();
        let logs = registry()
            .with(layer)
            .with(lines(&settings("off")).unwrap());
        subscriber::with_default(logs, || {
            let clock = crate::clock::Clock::system();
            let theirs = TraceContext::start(&clock);
            let span = debug_span!("http", otel.kind = "server");
            let ours = serves(&span, Some(theirs), &clock);
            assert_eq!(ours.trace_id(), theirs.trace_id());
            assert_ne!(ours.span_id(), theirs.span_id());
            assert!(ours.is_sampled() && context_of(&span) == Some(ours));
            let inside = span
                .in_scope(|| context_of(&debug_span!("command")))
                .unwrap();
            assert_eq!(inside.trace_id(), theirs.trace_id());
            assert_eq!(context_of(&info_span!("request")), None);
        });
    }

    #[test]
    fn a_batch_of_one_trace_continues_it_and_a_batch_of_several_begins_one() {
        let to = crate::config::Traces {
            endpoint: "http://127.0.0.1:9".to_owned(),
            service: "ramen".to_owned(),
            sample: 0.0,
        };
        let (layer, _traces) = otlp::start(&to).unwrap();
        subscriber::with_default(registry().with(layer), || {
            let named = |trace: char| {
                let text = format!("00-{}-00f067aa0ba902b7-01", trace.to_string().repeat(32));
                text.parse::<TraceContext>().unwrap()
            };
            let joined = |traces: &[TraceContext]| {
                let span = debug_span!("project");
                joins(&span, traces.iter().copied());
                context_of(&span).unwrap()
            };
            let one = joined(&[named('1'), named('1')]);
            assert_eq!(one.trace_id(), named('1').trace_id());
            let two = joined(&[named('1'), named('2')]);
            assert!(
                ![named('1'), named('2')]
                    .map(|one| one.trace_id())
                    .contains(&two.trace_id())
            );
            assert!(one.is_sampled() && two.is_sampled() && !joined(&[]).is_sampled());
        });
    }
}
