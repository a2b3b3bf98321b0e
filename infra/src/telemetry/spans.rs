//! How a trace goes on where no call leads: from a request into the metadata of its events, and from
//! there to whoever publishes, folds, acts on or shows them.
//!
//! The bridge is one-way. With an exporter the ids are OpenTelemetry's: the span of a request names
//! itself by [`serves`], and that [`TraceContext`] is what answers, log lines, events and records carry,
//! so that whatever names it as its parent or links to it finds an exported span. Without an exporter
//! the ids are drawn by our clock, as nobody looks for the span behind them.
//!
//! Work on one thing *continues* its trace. Work on a batch *joins* the traces of what is in it: it has
//! many parents, and so a trace of its own that links to each, unless all are of one trace, which it
//! then continues.

use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::{Level, Metadata, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::TraceContext;
use crate::clock::Clock;
use crate::limits::TRACES_LINKS_MAX;

/// Our crates, as targets begin.
const OURS: [&str; 5] = ["infra", "command_api", "projector", "query_api", "ramen"];

/// Whether spans of this sort belong to traces, and to no log line.
pub(super) fn is_traced(metadata: &Metadata<'_>) -> bool {
    let of = metadata.target().split("::").next();
    metadata.is_span()
        && *metadata.level() == Level::DEBUG
        && of.is_some_and(|of| OURS.contains(&of))
}

/// Makes `span` the one that serves a request, in the trace that the caller names or a new one. What is
/// given is the span's own name, to be handed on.
pub fn serves(span: &Span, caller: Option<TraceContext>, clock: &Clock) -> TraceContext {
    continues(span, caller);
    context_of(span).unwrap_or_else(|| match caller {
        Some(caller) => caller.child(clock),
        None => TraceContext::start(clock),
    })
}

/// Lets `span` go on with a trace, if there is one. To be called before anything happens in the span.
pub fn continues(span: &Span, trace: Option<TraceContext>) {
    let Some(parent) = trace.filter(|_| !span.is_disabled()) else {
        return;
    };
    let context = Context::new().with_remote_span_context(parent.into());
    if let Err(error) = span.set_parent(context) {
        tracing::debug!(%error, "a span begins a trace of its own");
    }
}

/// Joins `span` to the traces of what it works on: at most [`TRACES_LINKS_MAX`], each once. They are
/// looked at only when somebody listens.
pub fn joins(span: &Span, traces: impl IntoIterator<Item = TraceContext>) {
    if span.is_disabled() {
        return;
    }
    let mut joined: Vec<TraceContext> = Vec::new();
    for trace in traces {
        if joined.len() < TRACES_LINKS_MAX && !joined.contains(&trace) {
            joined.push(trace);
        }
    }
    let mut linked = joined.as_slice();
    if let Some((first, others)) = joined.split_first()
        && others.iter().all(|other| other.trace == first.trace)
    {
        continues(span, Some(*first));
        linked = others;
    }
    for trace in linked {
        links(span, Some(*trace));
    }
}

/// Points from `span` to another trace that belongs to the matter, if there is one.
pub fn links(span: &Span, trace: Option<TraceContext>) {
    if let Some(trace) = trace.filter(|_| !span.is_disabled()) {
        span.add_link(trace.into());
    }
}

/// The name of an exported span, for what outlives it. None without an exporter.
pub fn context_of(span: &Span) -> Option<TraceContext> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let named = context.span().span_context().clone();
    named.is_valid().then(|| TraceContext {
        trace: named.trace_id().to_bytes(),
        span: named.span_id().to_bytes(),
        sampled: named.is_sampled(),
    })
}

impl From<TraceContext> for SpanContext {
    fn from(trace: TraceContext) -> Self {
        Self::new(
            TraceId::from_bytes(trace.trace),
            SpanId::from_bytes(trace.span),
            TraceFlags::default().with_sampled(trace.sampled),
            true,
            TraceState::NONE,
        )
    }
}
