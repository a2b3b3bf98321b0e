//! Logs: which lines are written, and what they look like.

use super::vars::Vars;

/// `RAMEN_LOG` (`info`; a tracing filter), `RAMEN_LOG_FORMAT` (`auto`, `pretty`, `json`).
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// Which lines are written.
    pub filter: String,
    /// How.
    pub format: LogFormat,
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
