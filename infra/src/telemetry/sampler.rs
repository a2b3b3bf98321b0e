//! Which spans are recorded. It is decided once for a trace, when it comes in at our door, and never by
//! a caller; what goes on with a trace or joins several goes by what was decided for them.

use std::hash::{BuildHasher as _, RandomState};

use opentelemetry::trace::{Link, SpanContext, SpanKind, TraceContextExt as _, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

/// Records a share of all traces.
#[derive(Clone, Debug)]
pub(super) struct Sampler {
    /// From 0 to 1.
    share: f64,
    /// Keys that callers do not know: they choose the ids of traces, and could choose lucky ones.
    keys: RandomState,
}

impl Sampler {
    pub(super) fn new(share: f64) -> Self {
        let keys = RandomState::new();
        Self { share, keys }
    }

    /// Lots are drawn by the trace's id, so that all requests of a trace have the same luck here.
    fn draws(&self, trace: TraceId) -> bool {
        let lot = self.keys.hash_one(trace.to_bytes());
        let lot = u32::try_from(lot >> 32).unwrap_or(u32::MAX);
        f64::from(lot) / (f64::from(u32::MAX) + 1.0) < self.share
    }

    fn records(&self, asked: &Asked<'_>) -> bool {
        match asked.parent {
            Some(parent) if *asked.kind != SpanKind::Server => parent.is_sampled(),
            None if !asked.links.is_empty() => asked
                .links
                .iter()
                .any(|link| link.span_context.is_sampled()),
            // A query that belongs to nothing is a loop looking for work.
            None if asked.name.starts_with("db.") => false,
            Some(_) | None => self.draws(asked.trace),
        }
    }
}

/// A span that is about to begin.
struct Asked<'a> {
    parent: Option<&'a SpanContext>,
    trace: TraceId,
    name: &'a str,
    kind: &'a SpanKind,
    links: &'a [Link],
}

impl ShouldSample for Sampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        _: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let parent = parent.map(|context| context.span().span_context().clone());
        let asked = Asked {
            parent: parent.as_ref().filter(|parent| parent.is_valid()),
            trace,
            name,
            kind,
            links,
        };
        let decision = if self.records(&asked) {
            SamplingDecision::RecordAndSample
        } else {
            SamplingDecision::Drop
        };
        SamplingResult {
            decision,
            attributes: Vec::new(),
            trace_state: opentelemetry::trace::TraceState::NONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanId, TraceFlags, TraceState};

    use super::*;

    fn context(sampled: bool) -> SpanContext {
        let flags = TraceFlags::default().with_sampled(sampled);
        let (trace, span) = (TraceId::from(7), SpanId::from(7));
        SpanContext::new(trace, span, flags, true, TraceState::NONE)
    }

    fn records(
        share: f64,
        name: &str,
        kind: &SpanKind,
        parent: Option<bool>,
        links: &[bool],
    ) -> bool {
        let parent =
            parent.map(|sampled| Context::new().with_remote_span_context(context(sampled)));
        let links: Vec<_> = links
            .iter()
            .map(|sampled| Link::with_context(context(*sampled)))
            .collect();
        let sampler = Sampler::new(share);
        let trace = TraceId::from(7);
        let result = sampler.should_sample(parent.as_ref(), trace, name, kind, &[], &links);
        result.decision == SamplingDecision::RecordAndSample
    }

    const DOOR: &SpanKind = &SpanKind::Server;
    const INSIDE: &SpanKind = &SpanKind::Internal;

    #[test]
    fn a_caller_decides_nothing_at_our_door() {
        assert!(!records(0.0, "http", DOOR, Some(true), &[]));
        assert!(records(1.0, "http", DOOR, Some(false), &[]));
    }

    #[test]
    fn inside_what_was_decided_holds() {
        assert!(records(0.0, "command", INSIDE, Some(true), &[]));
        assert!(!records(1.0, "command", INSIDE, Some(false), &[]));
        assert!(records(0.0, "project", INSIDE, None, &[false, true]));
        assert!(!records(1.0, "project", INSIDE, None, &[false]));
    }

    #[test]
    fn a_loop_that_looks_for_work_leaves_no_trace() {
        assert!(!records(1.0, "db.effects_due", INSIDE, None, &[]));
        assert!(records(1.0, "db.effects_due", INSIDE, Some(true), &[]));
        assert!(records(1.0, "index", INSIDE, None, &[]));
    }

    #[test]
    fn lots_are_drawn_fairly_and_one_trace_has_one() {
        let sampler = Sampler::new(0.25);
        let drawn = |id: u128| sampler.draws(TraceId::from(id));
        let lucky = (0..10_000).filter(|id| drawn(*id)).count();
        assert!((2_000..3_000).contains(&lucky), "{lucky}");
        assert!((0..100).all(|id| drawn(id) == drawn(id)));
    }
}
