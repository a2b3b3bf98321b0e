//! The tables of processes, in memory.

use chrono::{DateTime, Utc};
use command_api::processes::tables::{EffectRow, ProcessTables, Step};
use infra::event_store::Mark;
use uuid::Uuid;

use super::{Contents as _, Memory, Status};
use crate::line::Line;
use crate::plants::Plant;

impl ProcessTables for Line {
    async fn place(&self, process: &'static str) -> Result<Mark, sqlx::Error> {
        self.writes("place", |memory| memory.place(process)).await
    }

    async fn states(
        &self,
        process: &'static str,
        instances: &[Uuid],
    ) -> Result<Vec<(Uuid, String)>, sqlx::Error> {
        let states = |memory: &mut Memory| {
            let found = instances.iter().filter_map(|instance| {
                let kept = memory.instances.get(&(process.to_owned(), *instance))?;
                Some((*instance, kept.0.clone()))
            });
            found.collect()
        };
        self.reads("states", states).await
    }

    async fn store(&self, step: &Step) -> Result<bool, sqlx::Error> {
        if self.world.plant() == Some(Plant::PlaceFirst) {
            let moved = self.writes("place moved", |memory| memory.move_place(step));
            if !moved.await? {
                return Ok(false);
            }
            self.writes("step written", |memory| memory.write(step))
                .await?;
            return Ok(true);
        }
        let store = |memory: &mut Memory| {
            let moved = memory.move_place(step);
            if moved {
                memory.write(step);
            }
            moved
        };
        self.writes("step", store).await
    }

    async fn fire(&self, at: DateTime<Utc>, most: i64) -> Result<i64, sqlx::Error> {
        let fire = |memory: &mut Memory| memory.fire(at, most);
        self.writes("fire", fire).await
    }

    async fn due(
        &self,
        at: DateTime<Utc>,
        busy: &[Uuid],
        room: &[(&str, usize)],
    ) -> Result<Vec<EffectRow>, sqlx::Error> {
        self.reads("due", |memory| memory.due(at, busy, room)).await
    }

    async fn sent(&self, id: Uuid, at: DateTime<Utc>) -> Result<bool, sqlx::Error> {
        let done = self.world.plant() == Some(Plant::DoneWhenSent);
        let sent = |memory: &mut Memory| {
            memory.change(id, |effect| {
                effect.row.sent_at.get_or_insert(at);
                if done {
                    effect.status = Status::Done;
                }
            })
        };
        self.writes("sent", sent).await
    }

    async fn finish(
        &self,
        id: Uuid,
        _at: DateTime<Utc>,
        refused: Option<String>,
    ) -> Result<bool, sqlx::Error> {
        let finish = |memory: &mut Memory| {
            memory.change(id, |effect| {
                effect.row.attempts += 1;
                effect.status = Status::Done;
                effect.said = refused;
            }) && memory.is_awaited(id)
        };
        self.writes("finish", finish).await
    }

    async fn postpone(
        &self,
        id: Uuid,
        again: DateTime<Utc>,
        sent: bool,
        why: String,
    ) -> Result<(), sqlx::Error> {
        let postpone = |memory: &mut Memory| memory.postpone(id, again, sent, why);
        self.writes("postpone", postpone).await
    }

    async fn park(&self, id: Uuid, why: &str) -> Result<(), sqlx::Error> {
        let park = |memory: &mut Memory| {
            memory.change(id, |effect| {
                effect.row.attempts += 1;
                effect.status = Status::Parked;
                effect.said = Some(why.to_owned());
            });
        };
        self.writes("park", park).await
    }
}
