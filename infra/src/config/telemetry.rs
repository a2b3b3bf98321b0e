//! Logs: which lines are written, and what they look like. Traces: where they go, and how many.

use std::net::IpAddr;

use http::Uri;

use super::fault::Refusals;
use super::vars::Vars;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// `RAMEN_LOG` (`info`; a tracing filter), `RAMEN_LOG_FORMAT` (`auto`, `pretty`, `json`).
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// Which lines are written.
    pub filter: String,
    /// How.
    pub format: LogFormat,
    /// Where traces go; none: nowhere.
    pub traces: Option<Traces>,
}

/// `OTEL_EXPORTER_OTLP_ENDPOINT` (none: no traces leave), `OTEL_SERVICE_NAME` (`ramen`),
/// `OTEL_TRACES_SAMPLER_ARG` (1), as OpenTelemetry names them. The exporter's library reads what it
/// knows of its own accord: `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_RESOURCE_ATTRIBUTES`.
#[derive(Clone, Debug)]
pub struct Traces {
    /// Origin of a collector that takes OTLP over HTTP, usually on port 4318.
    pub endpoint: String,
    /// What this process is called in traces.
    pub service: String,
    /// The share of traces that is recorded, from 0 to 1.
    pub sample: f64,
}

impl Traces {
    fn read(vars: &mut Vars<'_>) -> Option<Self> {
        let traces = Self {
            endpoint: vars.text(ENDPOINT, ""),
            service: vars.text("OTEL_SERVICE_NAME", "ramen"),
            sample: vars.number("OTEL_TRACES_SAMPLER_ARG", 1.0, 0.0..=1.0),
        };
        if traces.endpoint.is_empty() {
            return None;
        }
        if !is_http(&traces.endpoint) {
            // It may hold a password, and is not repeated.
            vars.refuse(ENDPOINT, "is no http:// or https:// address");
        }
        Some(traces)
    }

    pub(super) fn check(&self, refuse: &mut Refusals) {
        refuse.when(
            !is_private_to(&self.endpoint),
            ENDPOINT,
            "production needs https, or a collector on this machine",
        );
    }
}

fn is_http(url: &str) -> bool {
    let parsed = url.parse::<Uri>();
    parsed
        .is_ok_and(|url| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some())
}

/// Whether nobody on the way can read what is sent there.
fn is_private_to(url: &str) -> bool {
    let parsed = url.parse::<Uri>().unwrap_or_default();
    let host = parsed.host().unwrap_or_default().trim_matches(['[', ']']);
    let address = host.parse::<IpAddr>();
    let here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    here || parsed.scheme_str() == Some("https")
}

impl Telemetry {
    pub(super) fn read(vars: &mut Vars<'_>) -> Self {
        let formats = [
            ("auto", LogFormat::Auto),
            ("pretty", LogFormat::Pretty),
            ("json", LogFormat::Json),
        ];
        Self {
            filter: vars.text("RAMEN_LOG", "info"),
            format: vars.choice("RAMEN_LOG_FORMAT", &formats),
            traces: Traces::read(vars),
        }
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people when a terminal listens, JSON otherwise.
    Auto,
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}
