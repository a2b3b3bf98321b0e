//! When a process is back: not when it says so, but when it has done its work once.

use std::time::Duration;

use sqlx::PgPool;

use crate::rig::Part;
use crate::simulate::Scene;

/// Between two looks at what a process has done.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How much of its work a part had done when it was struck.
pub(super) struct Pulse {
    part: Part,
    done: i64,
}

impl Pulse {
    /// What it has done by now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(super) async fn of(part: Part, scene: &Scene, owner: &PgPool) -> anyhow::Result<Self> {
        let done = done(part, scene, owner).await?;
        Ok(Self { part, done })
    }

    /// Waits until it has done more.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(super) async fn beats(&self, scene: &Scene, owner: &PgPool) -> anyhow::Result<()> {
        while done(self.part, scene, owner).await? <= self.done {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }
}

/// A number that grows with the work: writes answered 2xx as their clients saw it, positions published,
/// positions folded.
async fn done(part: Part, scene: &Scene, owner: &PgPool) -> anyhow::Result<i64> {
    let sql = match part {
        Part::CommandApi | Part::QueryApi | Part::Sandbox => {
            let recording = scene.door.api().recording();
            let successes = recording.map_or(0, crate::client::Recording::successes);
            return Ok(i64::try_from(successes)?);
        }
        Part::Publisher => {
            "SELECT greatest((SELECT position FROM ops.publisher_cursor),
                             (SELECT max(position) FROM ops.process_positions))"
        }
        Part::Projector => "SELECT coalesce(max(position), 0) FROM views.checkpoints",
    };
    Ok(sqlx::query_scalar(sql).fetch_one(owner).await?)
}
