//! The metrics of a process: their buckets, their meaning, and how they are rendered. Names begin with
//! `ramen_`, labels are closed sets, never a person's or an order's id. `tests/architecture.rs` holds the
//! list here against what is counted.

use std::fmt;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::TelemetryError;

/// Buckets in seconds for every `_seconds` histogram: fine where the promises are (1 ms to 1 s).
const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0,
];
/// Buckets for batch sizes.
const EVENTS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 4096.0,
];

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
    let commands = Matcher::Suffix("_commands".to_owned());
    PrometheusBuilder::new()
        .set_buckets_for_metric(seconds, SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(events, EVENTS))
        .and_then(|builder| builder.set_buckets_for_metric(commands, EVENTS))
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

/// A count or a position as a gauge's value.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
pub const fn as_gauge(number: i64) -> f64 {
    number as f64
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

/// What each metric means, as `# HELP` lines (reliability §11).
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
    counter!(
        "ramen_commands_total",
        "commands, the system's own included, by outcome"
    );
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
    spread!(
        "ramen_append_batch_commands",
        "commands that shared one statement"
    );
    gauge!("ramen_class_inflight", "requests being served, by class");
    counter!(
        "ramen_class_shed_total",
        "requests refused for want of room, by class"
    );
    gauge!(
        "ramen_breaker_state",
        "0 while calls pass, 1 while they are turned away"
    );
    gauge!("ramen_log_position", "last position in the global order");
    gauge!(
        "ramen_unsequenced_events",
        "stored events without a position"
    );
    gauge!(
        "ramen_sequencer_oldest_xid_seconds",
        "how long the oldest open transaction has been seen"
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
    gauge!("ramen_parked_oldest_seconds", "age of the oldest of them");
    counter!(
        "ramen_parked_events_total",
        "events that a view could not fold"
    );
    counter!(
        "ramen_projected_events_total",
        "events folded into the views"
    );
    gauge!("ramen_inbox_pending", "webhooks not yet handled");
    gauge!(
        "ramen_timers_overdue_seconds",
        "lateness of the oldest due timer"
    );
    gauge!(
        "ramen_payments_uncertain",
        "calls to the payment vendor whose outcome is not known"
    );
    counter!(
        "ramen_rows_deleted_total",
        "rows that have grown old, by table"
    );
    gauge!("ramen_live_sockets", "open live connections");
    counter!(
        "ramen_live_coalesced_total",
        "live states that a slower reader never saw"
    );
    gauge!(
        "ramen_checkpoint_age_seconds",
        "age of the last signed checkpoint, when events came after it"
    );
    counter!(
        "ramen_invariant_violations_total",
        "what must never be, by invariant"
    );
    counter!("ramen_orders_total", "orders by state reached");
    counter!(
        "ramen_orders_stalled_total",
        "orders that stay in a state for too long, by state"
    );
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
    counter!(
        "ramen_spans_lost_total",
        "spans that the trace collector did not take"
    );
    gauge!("ramen_process_resident_bytes", "resident memory");
    gauge!("ramen_process_open_descriptors", "open file descriptors");
}

#[cfg(test)]
mod tests {
    use super::*;

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
