//! A batch as the columns that the statement takes.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Job;
use crate::event_store::{Append, CommandRecord, StreamAppend};

/// One place a column for each stream, record and event. `…_commands` say whose each is, by its place
/// in the batch.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) commands: usize,
    pub(super) stream_kinds: Vec<String>,
    pub(super) stream_ids: Vec<String>,
    pub(super) stream_expected: Vec<i64>,
    pub(super) stream_commands: Vec<i32>,
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) fingerprints: Vec<Vec<u8>>,
    pub(super) statuses: Vec<i16>,
    pub(super) headers: Vec<String>,
    pub(super) bodies: Vec<String>,
    pub(super) created: Vec<DateTime<Utc>>,
    pub(super) record_commands: Vec<i32>,
    pub(super) kinds: Vec<String>,
    pub(super) ids: Vec<String>,
    pub(super) sequences: Vec<i64>,
    pub(super) types: Vec<String>,
    pub(super) versions: Vec<String>,
    pub(super) payloads: Vec<String>,
    pub(super) metadata: Vec<String>,
    pub(super) event_ids: Vec<Uuid>,
    pub(super) recorded: Vec<DateTime<Utc>>,
    pub(super) event_commands: Vec<i32>,
}

impl Rows {
    pub(super) fn of(batch: &[Job]) -> Self {
        let mut rows = Self {
            commands: batch.len(),
            ..Self::default()
        };
        for (command, job) in (0_i32..).zip(batch) {
            rows.add(command, &job.append);
        }
        rows
    }

    fn add(&mut self, command: i32, append: &Append) {
        for part in &append.streams {
            self.add_stream(command, part, append.recorded_at);
        }
        if let Some(record) = &append.record {
            self.add_record(command, record);
        }
    }

    fn add_stream(&mut self, command: i32, part: &StreamAppend, recorded_at: DateTime<Utc>) {
        let (kind, id) = (part.stream.kind.as_str(), part.stream.id.to_string());
        for (sequence, event) in (part.expected_version + 1..).zip(&part.events) {
            self.kinds.push(kind.to_owned());
            self.ids.push(id.clone());
            self.sequences.push(sequence);
            self.types.push(event.event_type.clone());
            self.versions.push(event.event_version.clone());
            self.payloads.push(event.payload.clone());
            self.metadata.push(event.metadata.clone());
            self.event_ids.push(event.event_id);
            self.recorded.push(recorded_at);
            self.event_commands.push(command);
        }
        self.stream_kinds.push(kind.to_owned());
        self.stream_ids.push(id);
        self.stream_expected.push(part.expected_version);
        self.stream_commands.push(command);
    }

    fn add_record(&mut self, command: i32, record: &CommandRecord) {
        let status = i16::try_from(record.status).unwrap_or(i16::MAX);
        self.keys.push(record.key_hash.to_vec());
        self.fingerprints.push(record.fingerprint.to_vec());
        self.statuses.push(status);
        self.headers.push(record.headers.clone());
        self.bodies.push(record.body.clone());
        self.created.push(record.created_at);
        self.record_commands.push(command);
    }
}
