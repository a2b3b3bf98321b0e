//! The W3C trace context (<https://www.w3.org/TR/trace-context/>): how a trace is named on the wire, in the
//! metadata of events and in records. It is the same with and without an exporter.

use std::fmt;
use std::str::FromStr;

/// The trace context of one hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct TraceContext {
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
    pub(super) sampled: bool,
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

    /// The trace that an event's metadata names, if it names one.
    pub fn in_metadata(metadata: &str) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Trace {
            traceparent: Option<TraceContext>,
        }
        serde_json::from_str::<Trace>(metadata).ok()?.traceparent
    }

    /// Whether the trace is recorded.
    pub const fn is_sampled(&self) -> bool {
        self.sampled
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

impl TryFrom<String> for TraceContext {
    type Error = InvalidTraceparent;

    fn try_from(text: String) -> Result<Self, InvalidTraceparent> {
        text.parse()
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
}
