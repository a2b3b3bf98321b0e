//! One order followed by its events: does something and waits for the frame that shows it.
//!
//! A frame is the order's latest state, and its id the order's sequence; states may be skipped when
//! they follow each other quickly. So a hop is shown by a frame of its version or a later one, and a
//! state by a frame that has reached it.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, bail};
use infra::clock::{Clock, Stopwatch};

use super::answer::{Answer, CallError};
use super::sse::EventStream;

/// How long a frame may take, in real time, before waiting for it is given up. Generous: on a busy
/// machine a view may be seconds behind, and what is asked here is whether it comes at all.
const FRAME_WAIT: Duration = Duration::from_secs(30);
/// The states of an order that goes well, in their order.
const WAY: [&str; 9] = [
    "awaiting_payment",
    "placed",
    "accepted",
    "cooking",
    "ready",
    "picked_up",
    "delivered",
    "undeliverable",
    "completed",
];

/// What the frames said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// What was waited for, with the real time since the hop began.
    After(Duration),
    /// The order has ended otherwise, in this state.
    Ended(String),
}

/// The events of one order.
pub(crate) struct Followed {
    stream: EventStream,
    clock: Clock,
}

/// A frame with the time at which it was seen.
struct Frame {
    sequence: i64,
    state: String,
    after: Duration,
}

impl Followed {
    /// Takes an open stream.
    pub(crate) fn new(stream: EventStream, clock: Clock) -> Self {
        Self { stream, clock }
    }

    /// Does `call`, which changes the order, and waits until its change is shown. Both at once: a
    /// frame may well be seen before the answer has arrived.
    ///
    /// # Errors
    /// When the call is refused, or its change is not shown in time.
    pub(crate) async fn hop(
        &mut self,
        call: impl Future<Output = Result<Answer, CallError>>,
    ) -> anyhow::Result<(Answer, Seen)> {
        let since = self.clock.stopwatch();
        let mut frames = Vec::new();
        let answer = {
            let mut call = pin!(call);
            loop {
                tokio::select! {
                    answer = &mut call => break answer?,
                    frame = self.next(since) => match frame? {
                        Some(frame) => frames.push(frame),
                        // The last frame came before the answer: what is asked twice is done once.
                        None => break call.await?,
                    },
                }
            }
        };
        let version = version(&answer).context("the answer has no version")?;
        let early = frames.into_iter().find(|frame| frame.sequence >= version);
        let shown = |frame: &Frame| (frame.sequence >= version).then_some(frame.after);
        let after = match early {
            Some(frame) => frame.after,
            None => {
                self.wait(since, &format!("version {version}"), shown)
                    .await?
            }
        };
        Ok((answer, Seen::After(after)))
    }

    /// Does `call`, which changes the order by way of something else, and waits until the order is
    /// in `state` or past it.
    ///
    /// # Errors
    /// When the call is refused, or the state is not shown in time.
    pub(crate) async fn hop_to(
        &mut self,
        state: &str,
        call: impl Future<Output = Result<Answer, CallError>>,
    ) -> anyhow::Result<(Answer, Seen)> {
        let since = self.clock.stopwatch();
        tokio::try_join!(async { Ok(call.await?) }, self.until(state, since))
    }

    /// Waits until the order is in `state` or past it, or has ended otherwise.
    ///
    /// # Errors
    /// When neither is shown in time, or the connection breaks.
    pub(crate) async fn until(&mut self, state: &str, since: Stopwatch) -> anyhow::Result<Seen> {
        self.wait(since, state, |frame| reached(state, frame)).await
    }

    async fn wait<T>(
        &mut self,
        since: Stopwatch,
        what: &str,
        shown: impl Fn(&Frame) -> Option<T>,
    ) -> anyhow::Result<T> {
        let read = async {
            loop {
                let Some(frame) = self.next(since).await? else {
                    bail!("the order's events ended before '{what}' was shown");
                };
                if let Some(found) = shown(&frame) {
                    return Ok(found);
                }
            }
        };
        let seconds = FRAME_WAIT.as_secs();
        tokio::time::timeout(FRAME_WAIT, read)
            .await
            .with_context(|| format!("'{what}' was not shown within {seconds} s"))?
    }

    /// The next frame; none after that of the order's last state.
    async fn next(&mut self, since: Stopwatch) -> anyhow::Result<Option<Frame>> {
        let Some(event) = self.stream.next().await? else {
            return Ok(None);
        };
        Ok(Some(Frame {
            sequence: event.id.parse().context("an event's id is no sequence")?,
            state: event.data["state"].as_str().unwrap_or("").to_owned(),
            after: since.elapsed(),
        }))
    }
}

fn reached(wanted: &str, frame: &Frame) -> Option<Seen> {
    let place = |state: &str| WAY.iter().position(|known| *known == state);
    if frame.state == wanted {
        return Some(Seen::After(frame.after));
    }
    match (place(wanted), place(&frame.state)) {
        (Some(wanted), Some(found)) => (found > wanted).then_some(Seen::After(frame.after)),
        (None, Some(_)) => None,
        (_, None) => Some(Seen::Ended(frame.state.clone())),
    }
}

/// The version in an `ETag`: `"7"`.
fn version(answer: &Answer) -> Option<i64> {
    answer.version.as_deref()?.trim_matches('"').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_reached_by_itself_and_by_later_ones() {
        let after = Duration::from_millis(3);
        let seen = |wanted: &str, state: &str| {
            reached(
                wanted,
                &Frame {
                    sequence: 1,
                    state: state.to_owned(),
                    after,
                },
            )
        };
        assert_eq!(seen("placed", "awaiting_payment"), None);
        assert_eq!(seen("placed", "placed"), Some(Seen::After(after)));
        assert_eq!(seen("placed", "cooking"), Some(Seen::After(after)));
        assert_eq!(
            seen("placed", "rejected"),
            Some(Seen::Ended("rejected".to_owned()))
        );
        assert_eq!(seen("expired", "expired"), Some(Seen::After(after)));
        assert_eq!(seen("expired", "awaiting_payment"), None);
        assert_eq!(
            seen("expired", "cancelled"),
            Some(Seen::Ended("cancelled".to_owned()))
        );
    }
}
