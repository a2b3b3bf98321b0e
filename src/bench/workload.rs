//! What the arms of the write path write: the same events everywhere.

use std::collections::HashMap;

use anyhow::Context as _;
use domain::decider::{Decider as _, Event as _, decode};
use domain::ordering::cart::{Cart, CartEvent};
use infra::clock::Clock;
use infra::event_store::NewEvent;

/// A line of a cart with its options, its sealed note and where it was sealed: 870 bytes as stored.
const LINE: &str = include_str!("line_added.json");
/// Bytes of [`LINE`] as it is stored.
const LINE_BYTES: usize = 870;

/// The events and metadata of one command.
#[derive(Clone, Debug)]
pub(super) struct Workload {
    /// Events of a command, in order.
    pub(super) events: Vec<CartEvent>,
    /// What every event's metadata holds.
    pub(super) metadata: HashMap<String, String>,
}

impl Workload {
    /// Commands of so many events of 870 bytes.
    ///
    /// # Errors
    /// When the event is not what today's build stores.
    pub(super) fn lines(events: usize) -> anyhow::Result<Self> {
        let line = decode::<Cart>("line_added", "1", LINE)?;
        let stored = serde_json::to_string(&line)?;
        anyhow::ensure!(
            stored.len() == LINE_BYTES,
            "the event has {} bytes, not {LINE_BYTES}",
            stored.len()
        );
        Ok(Self::of(vec![line; events]))
    }

    /// Commands of one small event: a tip set.
    pub(super) fn tip() -> anyhow::Result<Self> {
        let text = r#"{"type":"tip_set","amount_minor":200}"#;
        Ok(Self::of(vec![decode::<Cart>("tip_set", "1", text)?]))
    }

    fn of(events: Vec<CartEvent>) -> Self {
        let metadata = [
            ("actor", "customer"),
            ("login", "01900000-0000-7000-8000-000000000001"),
            ("request_id", "01900000-0000-7000-8000-000000000002"),
            (
                "traceparent",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ),
        ];
        let owned = metadata.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            events,
            metadata: owned.into(),
        }
    }

    /// The kind of the streams.
    pub(super) fn kind() -> &'static str {
        Cart::KIND
    }

    /// The events as our store takes them: encoded for each command, as the product does.
    ///
    /// # Errors
    /// Never, for events that are JSON.
    pub(super) fn encode(&self, clock: &Clock) -> anyhow::Result<Vec<NewEvent>> {
        let metadata = serde_json::to_string(&self.metadata)?;
        let events = self.events.iter().map(|event| {
            Ok(NewEvent {
                event_id: clock.fresh_id(),
                event_type: event.name().to_owned(),
                event_version: event.version().to_owned(),
                payload: serde_json::to_string(event).context("an event is JSON")?,
                metadata: metadata.clone(),
            })
        });
        events.collect()
    }

    /// How many events a command has.
    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.events.len()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_as_large_as_the_figures_say() {
        assert_eq!(Workload::lines(3).unwrap().events.len(), 3);
        assert_eq!(Workload::tip().unwrap().len(), 1);
    }
}
