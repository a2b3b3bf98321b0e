//! Logs, traces and metrics of a process: how they are set up, and the W3C trace context that ties a
//! request to its events, records and pushes.
//!
//! Logs go to standard error: one line per request, effect and failure, for people when a terminal
//! listens, JSON otherwise. Metrics are counted in process and rendered for `/metrics`; their names
//! begin with `ramen_` and their labels are closed sets, never a person's or an order's id.

use std::fmt;
use std::io::IsTerminal as _;
use std::str::FromStr;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Telemetry as Settings};

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
}

/// Buckets in seconds for every `_seconds` histogram: fine where the promises are (1 ms to 1 s).
const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0,
];
/// Buckets for batch sizes.
const EVENTS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 4096.0,
];

/// Sets up logs and metrics for this process, once.
///
/// # Errors
/// [`TelemetryError`] when the filter is wrong or something was set up before.
pub fn init(settings: &Settings) -> Result<Metrics, TelemetryError> {
    use tracing_subscriber::util::SubscriberInitExt as _;
    let filter = EnvFilter::try_new(&settings.filter).map_err(TelemetryError::Filter)?;
    let terminal = std::io::stderr().is_terminal();
    let pretty = match settings.format {
        LogFormat::Auto => terminal,
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if pretty {
        builder
            .with_ansi(terminal)
            .with_target(false)
            .finish()
            .try_init()
    } else {
        builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .finish()
            .try_init()
    }
    .map_err(TelemetryError::Logging)?;
    metrics_install()
}

/// Installs the metrics recorder alone: for tools that print rather than log.
///
/// # Errors
/// [`TelemetryError::Metrics`] when there is one.
pub fn metrics_install() -> Result<Metrics, TelemetryError> {
    let handle = builder()
        .install_recorder()
        .map_err(TelemetryError::Metrics)?;
    describe();
    Ok(Metrics(handle))
}

fn builder() -> PrometheusBuilder {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let events = Matcher::Suffix("_events".to_owned());
    PrometheusBuilder::new()
        .set_buckets_for_metric(seconds, SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(events, EVENTS))
        .expect("the bucket lists are not empty")
}

/// The metrics of this process.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// A recorder that belongs to nobody, for tests: what it is asked to render is empty.
    pub fn detached() -> Self {
        Self(builder().build_recorder().handle())
    }

    /// The metrics in Prometheus' text format, with the process's memory and descriptors as they are.
    pub fn render(&self) -> String {
        process_sample();
        self.0.run_upkeep();
        self.0.render()
    }
}

/// Reads the process's resident memory and open descriptors from `/proc`, where there is one.
fn process_sample() {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let resident = pages
        .as_deref()
        .and_then(|text| text.split(' ').nth(1)?.parse::<u32>().ok());
    if let Some(pages) = resident {
        // Linux pages are 4 KiB on the machines that we build for.
        metrics::gauge!("ramen_process_resident_bytes").set(f64::from(pages) * 4096.0);
    }
    if let Ok(entries) = std::fs::read_dir("/proc/self/fd") {
        let open = u32::try_from(entries.count()).unwrap_or(u32::MAX);
        metrics::gauge!("ramen_process_open_descriptors").set(f64::from(open));
    }
}

/// What each metric means, as `# HELP` lines. The list is that of reliability §11, as far as it exists.
fn describe() {
    use metrics::{
        describe_counter as counter, describe_gauge as gauge, describe_histogram as spread,
    };
    counter!(
        "ramen_http_requests_total",
        "requests by route, method and status"
    );
    spread!(
        "ramen_http_request_seconds",
        "time from headers to the answer's head"
    );
    counter!("ramen_commands_total", "commands by outcome");
    spread!(
        "ramen_command_seconds",
        "time of a command, append included"
    );
    counter!("ramen_gateway_calls_total", "calls to vendors by outcome");
    spread!("ramen_gateway_seconds", "time of a call to a vendor");
    counter!("ramen_effects_total", "effects of processes by outcome");
    counter!("ramen_webhooks_total", "webhooks received, by outcome");
    gauge!("ramen_pool_connections", "database connections by state");
    gauge!("ramen_appender_queue", "appends waiting to be written");
    spread!(
        "ramen_append_batch_events",
        "events written by one statement"
    );
    gauge!("ramen_class_inflight", "requests being served, by class");
    counter!(
        "ramen_class_shed_total",
        "requests refused for want of room, by class"
    );
    gauge!("ramen_breaker_state", "0 closed, 1 half open, 2 open");
    gauge!("ramen_log_position", "last position in the global order");
    gauge!(
        "ramen_unsequenced_events",
        "stored events without a position"
    );
    gauge!(
        "ramen_sequencer_oldest_xid_seconds",
        "age of the oldest transaction that holds numbering"
    );
    gauge!(
        "ramen_published_position",
        "last position acknowledged by the broker"
    );
    gauge!(
        "ramen_other_history",
        "1 while a follower has stopped because the log is not the one that it has read"
    );
    gauge!("ramen_projection_position", "last position folded, by view");
    gauge!(
        "ramen_projection_lag_seconds",
        "age of the next event to fold, by view"
    );
    gauge!("ramen_parked_events", "events set aside, by view");
    gauge!("ramen_inbox_pending", "webhooks not yet handled");
    gauge!(
        "ramen_timers_overdue_seconds",
        "lateness of the oldest due timer"
    );
    gauge!("ramen_live_sockets", "open live connections");
    counter!(
        "ramen_live_coalesced_total",
        "live states that a slower reader never saw"
    );
    counter!("ramen_orders_total", "orders by state reached");
    spread!(
        "ramen_loop_step_seconds",
        "time of one step of a background loop"
    );
    counter!("ramen_loop_items_total", "things done by a background loop");
    counter!(
        "ramen_loop_failures_total",
        "failed steps of a background loop"
    );
    gauge!("ramen_http_connections", "open connections");
    counter!(
        "ramen_http_connections_refused_total",
        "connections closed for want of room"
    );
    counter!(
        "ramen_security_refusals_total",
        "requests refused for who sent them, by reason"
    );
    gauge!("ramen_process_resident_bytes", "resident memory");
    gauge!("ramen_process_open_descriptors", "open file descriptors");
}

/// The W3C trace context of one hop (<https://www.w3.org/TR/trace-context/>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace: [u8; 16],
    span: [u8; 8],
    sampled: bool,
}

/// A `traceparent` that is none; the receiver starts a new trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid traceparent")]
pub struct InvalidTraceparent;

impl TraceContext {
    /// A new trace.
    pub fn start(clock: &crate::clock::Clock) -> Self {
        let (mut trace, mut span) = (clock.random(), clock.random());
        // All zeros means "no id" in the standard.
        trace[15] |= 1;
        span[7] |= 1;
        Self {
            trace,
            span,
            sampled: false,
        }
    }

    /// A new span of the same trace. What a public caller asked for in `sampled` is not kept: a caller
    /// may name the trace, not make us record it.
    #[must_use]
    pub fn child(&self, clock: &crate::clock::Clock) -> Self {
        Self {
            trace: self.trace,
            sampled: false,
            ..Self::start(clock)
        }
    }

    /// The trace's id, 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        hex::encode(self.trace)
    }

    /// This hop's id, 16 hexadecimal digits.
    pub fn span_id(&self) -> String {
        hex::encode(self.span)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled);
        write!(
            f,
            "00-{}-{}-{flags:02x}",
            hex::encode(self.trace),
            hex::encode(self.span)
        )
    }
}

impl FromStr for TraceContext {
    type Err = InvalidTraceparent;

    /// Version 00 has exactly 55 characters; a later version may have more, after another dash.
    fn from_str(text: &str) -> Result<Self, InvalidTraceparent> {
        let bytes = text.as_bytes();
        let dashes = [2, 35, 52].iter().all(|at| bytes.get(*at) == Some(&b'-'));
        let lower = |part: &[u8]| {
            part.iter()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        if !dashes || bytes.len() < 55 || !bytes.is_ascii() {
            return Err(InvalidTraceparent);
        }
        let (version, trace, span, flags) =
            (&text[..2], &text[3..35], &text[36..52], &text[53..55]);
        if ![version, trace, span, flags]
            .iter()
            .all(|part| lower(part.as_bytes()))
        {
            return Err(InvalidTraceparent);
        }
        let longer_ok = bytes.len() == 55 || (version != "00" && bytes[55] == b'-');
        if version == "ff" || !longer_ok {
            return Err(InvalidTraceparent);
        }
        let mut parsed = Self {
            trace: [0; 16],
            span: [0; 8],
            sampled: false,
        };
        hex::decode_to_slice(trace, &mut parsed.trace).map_err(|_| InvalidTraceparent)?;
        hex::decode_to_slice(span, &mut parsed.span).map_err(|_| InvalidTraceparent)?;
        let flags = u8::from_str_radix(flags, 16).map_err(|_| InvalidTraceparent)?;
        parsed.sampled = flags & 1 == 1;
        if parsed.trace == [0; 16] || parsed.span == [0; 8] {
            return Err(InvalidTraceparent);
        }
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;
    use proptest::prelude::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_standard_is_read_and_written() {
        let context: TraceContext = GOOD.parse().unwrap();
        assert_eq!(context.to_string(), GOOD);
        assert_eq!(context.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.span_id(), "00f067aa0ba902b7");
    }

    #[test]
    fn what_is_no_traceparent_is_refused() {
        let bad = [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ];
        for text in bad {
            assert_eq!(
                text.parse::<TraceContext>(),
                Err(InvalidTraceparent),
                "{text}"
            );
        }
        assert!(
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-later"
                .parse::<TraceContext>()
                .is_ok()
        );
    }

    #[test]
    fn a_child_keeps_the_trace_but_not_the_callers_sampling() {
        let clock = TestClock::at(chrono::DateTime::UNIX_EPOCH, 1).clock();
        let context: TraceContext = GOOD.parse().unwrap();
        let child = context.child(&clock);
        assert_eq!(child.trace_id(), context.trace_id());
        assert_ne!(child.span_id(), context.span_id());
        assert!(child.to_string().ends_with("-00"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,80}") {
            if let Ok(context) = text.parse::<TraceContext>() {
                prop_assert_eq!(context.to_string().parse(), Ok(context));
            }
        }

        #[test]
        fn what_is_written_is_read(seed in any::<u64>()) {
            let clock = TestClock::at(chrono::DateTime::UNIX_EPOCH, seed).clock();
            let context = TraceContext::start(&clock);
            prop_assert_eq!(context.to_string().parse(), Ok(context));
        }
    }

    #[test]
    fn metrics_render_as_text() {
        let recorder = builder().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            describe();
            metrics::counter!("ramen_commands_total", "outcome" => "ok").increment(2);
            metrics::histogram!("ramen_command_seconds").record(0.004);
        });
        let text = Metrics(handle).render();
        assert!(text.contains("ramen_commands_total{outcome=\"ok\"} 2"));
        assert!(text.contains("ramen_command_seconds_bucket{le=\"0.005\"} 1"));
    }
}
