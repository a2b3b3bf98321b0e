//! The journal of the event store, in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use infra::event_store::{
    Append, AppendError, CommandRecord, Journal, Snapshot, StoreError, StreamId, StreamRow,
};

use super::Memory;
use crate::line::Line;
use crate::plants::Plant;

#[async_trait]
impl Journal for Line {
    async fn append(&self, append: Append) -> Result<(), AppendError> {
        self.pass("append").await;
        if self.world.choices.fault("append away", 6) {
            return Err(AppendError::Unavailable);
        }
        if self.world.choices.fault("append lost", 6) {
            return Err(AppendError::Unknown);
        }
        let outcome = self.world.memory().append(&append);
        self.world.written();
        self.pass("appended").await;
        if self.world.plant() == Some(Plant::RecordLater) && outcome.is_ok() {
            let record = append.record.into_iter();
            let record = record.map(|record| (record.key_hash, record));
            self.world.memory().records.extend(record);
        }
        if self.world.choices.fault("append unanswered", 6) {
            return Err(AppendError::Unknown);
        }
        outcome
    }

    async fn read(
        &self,
        streams: &[StreamId],
    ) -> Result<HashMap<StreamId, Vec<StreamRow>>, StoreError> {
        let rows = |memory: &mut Memory| {
            let rows = streams.iter().map(|stream| (*stream, memory.rows(*stream)));
            rows.collect()
        };
        Ok(self.reads("read", rows).await?)
    }

    async fn still_at(&self, versions: &[(StreamId, i64)]) -> Result<bool, StoreError> {
        let still = |memory: &mut Memory| {
            let mut versions = versions.iter();
            versions.all(|(stream, version)| memory.version(*stream) <= *version)
        };
        Ok(self.reads("still at", still).await?)
    }

    async fn command_record(
        &self,
        key_hash: &[u8; 32],
    ) -> Result<Option<CommandRecord>, StoreError> {
        let record = |memory: &mut Memory| memory.records.get(key_hash).cloned();
        Ok(self.reads("record", record).await?)
    }

    fn offer(&self, _snapshot: Snapshot) {}
}

impl Memory {
    fn rows(&self, stream: StreamId) -> Vec<StreamRow> {
        let indexes = self.streams.get(&stream).into_iter().flatten();
        let rows = indexes.map(|index| {
            let committed = &self.events[*index];
            let event = &committed.event;
            StreamRow {
                sequence: committed.sequence,
                event: Some((event.event_type.clone(), event.event_version.clone())),
                text: event.payload.clone(),
            }
        });
        rows.collect()
    }
}
