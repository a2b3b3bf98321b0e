//! What connects a process to the world: each passage takes a while, may fail, and may be the last.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::memory::Memory;
use crate::world::World;

/// Longest time that a passage takes, in milliseconds.
const PASSAGE_MAX_MS: u64 = 12;

/// One process' connection to database and vendor. Clones share it.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) world: Arc<World>,
    alive: Arc<AtomicBool>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Line")
    }
}

impl Line {
    pub(crate) fn new(world: Arc<World>) -> Self {
        let alive = Arc::new(AtomicBool::new(true));
        Self { world, alive }
    }

    /// Whether its process lives.
    pub(crate) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Relaxed)
    }

    /// Ends its process: nothing that waits here ever goes on.
    pub(crate) fn kill(&self) {
        self.alive.store(false, Ordering::Relaxed);
        self.world.killed();
    }

    /// One way of a round trip. The process may be killed on it.
    pub(crate) async fn pass(&self, what: &'static str) {
        let wait = self.world.choices.below(what, PASSAGE_MAX_MS);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        if self.is_alive() && self.world.choices.fault("kill", 2) {
            self.kill();
        }
        if !self.is_alive() {
            std::future::pending::<()>().await;
        }
        self.world.keep_time();
    }

    /// A statement that reads: it goes there, may fail, and comes back.
    pub(crate) async fn reads<T>(
        &self,
        what: &'static str,
        read: impl FnOnce(&mut Memory) -> T,
    ) -> Result<T, sqlx::Error> {
        self.pass(what).await;
        if self.world.choices.fault("away", 4) {
            return Err(sqlx::Error::PoolTimedOut);
        }
        let found = read(&mut self.world.memory());
        self.pass(what).await;
        Ok(found)
    }

    /// A statement that writes: it may be lost on its way, and so may its answer.
    pub(crate) async fn writes<T>(
        &self,
        what: &'static str,
        write: impl FnOnce(&mut Memory) -> T,
    ) -> Result<T, sqlx::Error> {
        self.pass(what).await;
        if self.world.choices.fault("lost", 6) {
            return Err(sqlx::Error::WorkerCrashed);
        }
        let (written, changed) = {
            let mut memory = self.world.memory();
            let before = memory.changes;
            let written = write(&mut memory);
            (written, memory.changes > before)
        };
        if changed {
            self.world.written();
        }
        self.pass(what).await;
        if self.world.choices.fault("unanswered", 6) {
            return Err(sqlx::Error::WorkerCrashed);
        }
        Ok(written)
    }
}
