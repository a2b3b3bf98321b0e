//! What the tables of processes hold, and how a statement of theirs changes it.

use chrono::{DateTime, Utc};
use command_api::processes::tables::{EffectRow, NewEffect, Step};
use infra::event_store::Mark;
use uuid::Uuid;

use super::{EffectKept, Memory, Status, TimerKept};

/// The tables of processes.
pub(crate) trait Contents {
    /// As `ProcessTables::place`.
    fn place(&mut self, process: &'static str) -> Mark;
    /// Moves the place of a step; whether it could.
    fn move_place(&mut self, step: &Step) -> bool;
    /// Writes what a step writes, without its place.
    fn write(&mut self, step: &Step);
    /// As `ProcessTables::fire`.
    fn fire(&mut self, at: DateTime<Utc>, most: i64) -> i64;
    /// As `ProcessTables::due`.
    fn due(&self, at: DateTime<Utc>, busy: &[Uuid], room: &[(&str, usize)]) -> Vec<EffectRow>;
    /// Changes an effect while it is open; whether it was.
    fn change(&mut self, id: Uuid, how: impl FnOnce(&mut EffectKept)) -> bool;
    /// Whether an open effect of the same instance and kind is behind this one.
    fn is_awaited(&self, id: Uuid) -> bool;
    /// As `ProcessTables::postpone`.
    fn postpone(&mut self, id: Uuid, again: DateTime<Utc>, sent: bool, why: String);
}

impl Contents for Memory {
    fn place(&mut self, process: &'static str) -> Mark {
        self.positions.entry(process).or_default().0
    }

    fn move_place(&mut self, step: &Step) -> bool {
        let Some((mark, epoch)) = self.positions.get_mut(step.process) else {
            return false;
        };
        if *mark != step.from || *epoch > step.epoch {
            return false;
        }
        (*mark, *epoch) = (step.end, step.epoch);
        true
    }

    fn write(&mut self, step: &Step) {
        self.changes += 1;
        let process = step.process.to_owned();
        for row in &step.written.states {
            let state = (row.state.clone(), row.over);
            self.instances
                .insert((process.clone(), row.instance), state);
        }
        for effect in &step.written.effects {
            insert(self, &process, effect, step.at, step.at);
        }
        for (instance, name) in &step.written.cancelled {
            let timer = (process.clone(), *instance, name.clone());
            self.timers.remove(&timer);
        }
        for timer in &step.written.timers {
            let name = (process.clone(), timer.fires.instance, timer.name.clone());
            let kept = TimerKept {
                due_at: timer.due_at,
                fires: timer.fires.clone(),
            };
            self.timers.insert(name, kept);
        }
    }

    fn fire(&mut self, at: DateTime<Utc>, most: i64) -> i64 {
        let mut due: Vec<_> = self
            .timers
            .iter()
            .filter(|(_, timer)| timer.due_at <= at)
            .collect();
        due.sort_by_key(|(_, timer)| timer.due_at);
        due.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        let due: Vec<_> = due
            .into_iter()
            .map(|(name, timer)| (name.clone(), timer.clone()))
            .collect();
        self.changes += u64::from(!due.is_empty());
        for (name, timer) in &due {
            self.timers.remove(name);
            insert(self, &name.0, &timer.fires, timer.due_at, at);
        }
        i64::try_from(due.len()).unwrap_or(i64::MAX)
    }

    fn due(&self, at: DateTime<Utc>, busy: &[Uuid], room: &[(&str, usize)]) -> Vec<EffectRow> {
        let mut found = Vec::new();
        for (kind, room) in room {
            let mut oldest = std::collections::BTreeMap::new();
            let open = self.effects.iter().enumerate();
            let open = open.filter(|(_, effect)| effect.status == Status::Open);
            for (ordinal, effect) in open.filter(|(_, effect)| effect.row.kind == *kind) {
                oldest
                    .entry(effect.row.instance)
                    .or_insert((ordinal, effect));
            }
            let mut due: Vec<_> = oldest
                .into_values()
                .filter(|(_, effect)| effect.due_at <= at && !busy.contains(&effect.row.id))
                .collect();
            due.sort_by_key(|(ordinal, effect)| (effect.due_at, *ordinal));
            found.extend(due.iter().take(*room).map(|(_, effect)| effect.row.clone()));
        }
        found
    }

    fn change(&mut self, id: Uuid, how: impl FnOnce(&mut EffectKept)) -> bool {
        let mut effects = self.effects.iter_mut();
        let open = effects.find(|effect| effect.row.id == id && effect.status == Status::Open);
        self.changes += u64::from(open.is_some());
        open.map(how).is_some()
    }

    fn is_awaited(&self, id: Uuid) -> bool {
        let mut effects = self.effects.iter().skip_while(|effect| effect.row.id != id);
        let ended = effects.next().map(|ended| &ended.row);
        ended.is_some_and(|ended| {
            effects.any(|behind| {
                behind.status == Status::Open
                    && behind.row.instance == ended.instance
                    && behind.row.kind == ended.kind
            })
        })
    }

    fn postpone(&mut self, id: Uuid, again: DateTime<Utc>, sent: bool, why: String) {
        let place = self
            .effects
            .iter()
            .position(|effect| effect.row.id == id && effect.status == Status::Open);
        let Some(place) = place else { return };
        self.changes += 1;
        let first = &mut self.effects[place];
        first.row.attempts += 1;
        first.due_at = again;
        first.said = Some(why);
        if !sent {
            first.row.sent_at = None;
        }
        let (instance, kind) = (first.row.instance, first.row.kind.clone());
        for behind in &mut self.effects[place + 1..] {
            let waits = behind.row.instance == instance && behind.row.kind == kind;
            if waits && behind.status == Status::Open {
                behind.due_at = behind.due_at.max(again);
            }
        }
    }
}

fn insert(
    memory: &mut Memory,
    process: &str,
    effect: &NewEffect,
    due_at: DateTime<Utc>,
    at: DateTime<Utc>,
) {
    if memory.effects.iter().any(|kept| kept.row.id == effect.id) {
        return;
    }
    let text: serde_json::Value = serde_json::from_str(&effect.effect).expect("effects are JSON");
    let row = EffectRow {
        id: effect.id,
        kind: text["type"].as_str().unwrap_or_default().to_owned(),
        process: process.to_owned(),
        instance: effect.instance,
        effect: effect.effect.clone(),
        attempts: 0,
        sent_at: None,
        created_at: at,
        cause: Some(effect.cause),
        test: effect.test,
        traceparent: effect.traceparent.clone(),
    };
    memory.effects.push(EffectKept {
        row,
        status: Status::Open,
        due_at,
        said: None,
    });
}
