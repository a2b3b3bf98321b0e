//! One order followed by its events: does something and waits for the event that shows it.

use std::time::Duration;

use anyhow::{Context as _, bail};

use infra::clock::{Clock, Stopwatch};

use super::answer::{Answer, CallError};
use super::sse::{Event, EventStream};

/// How long an event may take, in real time, before waiting for it is given up. Generous: on a busy
/// machine a view may be seconds behind, and what is asked here is whether the event comes at all.
const EVENT_WAIT: Duration = Duration::from_secs(30);
/// Events after which no other one of these will come.
const ENDS: [&str; 3] = ["expired", "rejected", "cancelled"];

/// What the events said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The awaited event, with the real time since the hop began.
    After(Duration),
    /// The order has ended otherwise, by the event of this name.
    Ended(String),
}

/// The events of one order.
pub(crate) struct Followed {
    stream: EventStream,
    clock: Clock,
}

impl Followed {
    /// Takes an open stream.
    pub(crate) fn new(stream: EventStream, clock: Clock) -> Self {
        Self { stream, clock }
    }

    /// Does `call` and waits for `event`, both at once: an event may well be seen before the answer
    /// has arrived.
    ///
    /// # Errors
    /// When the call is refused, or neither the event nor an end is seen in time.
    pub(crate) async fn hop(
        &mut self,
        event: &str,
        call: impl Future<Output = Result<Answer, CallError>>,
    ) -> anyhow::Result<(Answer, Seen)> {
        let since = self.clock.stopwatch();
        tokio::try_join!(async { Ok(call.await?) }, self.until(event, since))
    }

    /// Waits for `event`, or for the end of the order.
    ///
    /// # Errors
    /// When neither is seen in time, or the connection breaks.
    pub(crate) async fn until(&mut self, event: &str, since: Stopwatch) -> anyhow::Result<Seen> {
        let seconds = EVENT_WAIT.as_secs();
        tokio::time::timeout(EVENT_WAIT, read_until(&mut self.stream, event, since))
            .await
            .with_context(|| format!("'{event}' was not seen within {seconds} s"))?
    }
}

async fn read_until(
    stream: &mut EventStream,
    wanted: &str,
    since: Stopwatch,
) -> anyhow::Result<Seen> {
    while let Some(event) = stream.next().await? {
        let name = name(&event);
        if name == wanted {
            return Ok(Seen::After(since.elapsed()));
        }
        if ENDS.contains(&name) {
            return Ok(Seen::Ended(name.to_owned()));
        }
    }
    bail!("the order's events ended before '{wanted}'")
}

fn name(event: &Event) -> &str {
    event.data["event"].as_str().unwrap_or(&event.name)
}
