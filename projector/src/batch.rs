//! A batch of the feed, decoded once for all the views that follow it.

use domain::aggregates::AnyEvent;
use infra::feed::FeedRecord;

/// One record and the event in it, or why it cannot be read.
#[derive(Debug)]
pub(crate) struct Item {
    /// As the feed gave it.
    pub(crate) record: FeedRecord,
    /// The event, or the reason for parking it.
    pub(crate) event: Result<AnyEvent, String>,
    /// Whether it was fetched to fill a gap or redriven: then its position says nothing about
    /// whether it is a repeat, only the row's sequence does.
    pub(crate) fetched: bool,
}

impl Item {
    /// Decodes a record as the feed gave it.
    pub(crate) fn of_feed(record: FeedRecord) -> Self {
        Self {
            event: decode(&record),
            record,
            fetched: false,
        }
    }

    /// Decodes a record that was fetched apart from the feed.
    pub(crate) fn fetched(record: FeedRecord) -> Self {
        Self {
            fetched: true,
            ..Self::of_feed(record)
        }
    }
}

fn decode(record: &FeedRecord) -> Result<AnyEvent, String> {
    AnyEvent::decode(
        record.kind,
        &record.event_type,
        &record.event_version,
        &record.payload,
    )
    .map_err(|error| with_sources(&error))
}

/// An error and its causes on one line: what is kept beside a parked event.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
