//! The store feed, in memory: it is behind, hands out as little as it likes, and fails.

use async_trait::async_trait;
use infra::event_store::{LogError, LogRow, Mark, OtherHistory};
use infra::feed::{Checkpoints, Feed, FeedError, FeedRecord, Origin};

use super::Memory;
use crate::line::Line;
use crate::plants::Plant;

/// A follower's place in the log of one world.
pub(crate) struct MemoryFeed {
    line: Line,
    mark: Mark,
}

impl MemoryFeed {
    pub(crate) fn new(line: Line) -> Self {
        let mark = Mark::default();
        Self { line, mark }
    }
}

#[async_trait]
impl Feed for MemoryFeed {
    async fn start(&mut self, from: Checkpoints) -> Result<(), FeedError> {
        let mark = from.get(&Origin::store()).copied().unwrap_or_default();
        let found = self
            .line
            .reads("verify", |memory| memory.mark_at(mark.position));
        let found = found.await.map_err(LogError::from)?;
        if found != Some(mark) {
            let other = OtherHistory {
                position: mark.position,
                past_head: found.is_none(),
            };
            return Err(LogError::from(other).into());
        }
        self.mark = mark;
        Ok(())
    }

    async fn poll(&mut self, max: usize) -> Result<Vec<FeedRecord>, FeedError> {
        let most = 1 + self.line.world.choices.below("batch", 16);
        let most = usize::try_from(most).unwrap_or(1).min(max);
        let begin = usize::try_from(self.mark.position).unwrap_or(0);
        let after = |memory: &mut Memory| -> Vec<LogRow> {
            memory.log.iter().skip(begin).take(most).cloned().collect()
        };
        let mut rows = self
            .line
            .reads("poll", after)
            .await
            .map_err(LogError::from)?;
        if self.line.world.plant() == Some(Plant::GapSkipped)
            && rows.len() > 1
            && self.line.world.choices.fault("gap", 20)
        {
            rows.remove(0);
        }
        if let Some(last) = rows.last() {
            self.mark = last.mark();
        }
        let records = rows.into_iter();
        Ok(records
            .map(|row| FeedRecord::from_row(row, Origin::store()))
            .collect())
    }

    fn frontier(&self) -> Mark {
        self.mark
    }

    async fn wait(&mut self) {
        let head = self.line.world.heads();
        if self.line.world.memory().head() == self.mark {
            head.rung().await;
        }
    }
}
