//! The wire form of an event: a Kafka record with CloudEvents binary headers.
//! Source: CloudEvents 1.0.2, Kafka protocol binding 1.0.2.

use chrono::{DateTime, SecondsFormat, Utc};
use domain::aggregates::Kind;
use rdkafka::Message;
use rdkafka::message::{Header, Headers as _, OwnedHeaders};
use uuid::Uuid;

use crate::event_store::{ChainHash, LogRow};
use crate::feed::{FeedRecord, Origin};
use crate::telemetry::TraceContext;

/// The partition of `topic partitions` that holds a stream. The last eight bytes of a `UUIDv7` or
/// `UUIDv5` are as good as random; our own choice, since clients differ in theirs.
pub fn partition_of(stream: Uuid, partitions: i32) -> i32 {
    let (_, low) = stream.as_u64_pair();
    let count = u64::try_from(partitions).unwrap_or(1).max(1);
    i32::try_from(low % count).unwrap_or(0)
}

/// A record that is not one of ours.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// A header is missing or does not read.
    #[error("header {0} is missing or does not read")]
    Header(&'static str),
    /// The record has no payload, or one that is not UTF-8.
    #[error("the record has no text")]
    Payload,
}

/// Headers of `row`; `previous` is the position of the record before it in its partition.
pub(super) fn headers(row: &LogRow, previous: i64) -> OwnedHeaders {
    let kind = row.stream.kind.as_str();
    let time = row.recorded_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let text = [
        ("ce_specversion", "1.0".to_owned()),
        ("ce_id", row.event_id.to_string()),
        (
            "ce_type",
            format!("ramen.{kind}.{}.v{}", row.event_type, row.event_version),
        ),
        ("ce_source", "/ramen".to_owned()),
        ("ce_subject", row.stream.id.to_string()),
        ("ce_time", time),
        ("content-type", "application/json".to_owned()),
        ("kind", kind.to_owned()),
        ("event_type", row.event_type.clone()),
        ("event_version", row.event_version.clone()),
        ("position", row.position.to_string()),
        ("chain", row.hash.to_string()),
        ("previous_position", previous.to_string()),
        ("sequence", row.sequence.to_string()),
        ("metadata", row.metadata.clone()),
    ];
    let headers = OwnedHeaders::new_with_capacity(text.len() + 1);
    let headers = text.iter().fold(headers, |headers, (key, value)| {
        headers.insert(Header {
            key,
            value: Some(value),
        })
    });
    // The trace of the command travels as a header of its own, so that any consumer sees it.
    match TraceContext::in_metadata(&row.metadata) {
        None => headers,
        Some(trace) => headers.insert(Header {
            key: "traceparent",
            value: Some(&trace.to_string()),
        }),
    }
}

/// Reads a record back, with the position of the one before it in its partition.
///
/// # Errors
/// When a header is missing or does not read, or the payload is no text.
pub fn decode(message: &impl Message) -> Result<(FeedRecord, i64), CodecError> {
    let number = |name| {
        header(message, name)?
            .parse::<i64>()
            .map_err(|_| CodecError::Header(name))
    };
    let payload = message
        .payload_view::<str>()
        .and_then(Result::ok)
        .ok_or(CodecError::Payload)?;
    let kind = Kind::parse(header(message, "kind")?).map_err(|_| CodecError::Header("kind"))?;
    let uuid = |name| Uuid::parse_str(header(message, name)?).map_err(|_| CodecError::Header(name));
    let time = DateTime::parse_from_rfc3339(header(message, "ce_time")?)
        .map_err(|_| CodecError::Header("ce_time"))?;
    let record = FeedRecord {
        kind,
        stream: uuid("ce_subject")?,
        sequence: number("sequence")?,
        position: number("position")?,
        hash: ChainHash::parse(header(message, "chain")?)
            .map_err(|_| CodecError::Header("chain"))?,
        event_id: uuid("ce_id")?,
        event_type: header(message, "event_type")?.to_owned(),
        event_version: header(message, "event_version")?.to_owned(),
        payload: payload.to_owned(),
        metadata: header(message, "metadata")?.to_owned(),
        recorded_at: time.with_timezone(&Utc),
        origin: Origin {
            topic: message.topic().to_owned(),
            partition: message.partition(),
        },
    };
    Ok((record, number("previous_position")?))
}

fn header<'m>(message: &'m impl Message, name: &'static str) -> Result<&'m str, CodecError> {
    message
        .headers()
        .and_then(|headers| headers.iter().find(|header| header.key == name))
        .and_then(|header| header.value)
        .and_then(|value| std::str::from_utf8(value).ok())
        .ok_or(CodecError::Header(name))
}
