//! I15 and I18: at rest nothing waits, nothing is left to a person, and every instance is over.

use super::Breaches;
use crate::memory::{Memory, Status};

/// Whether nothing is left to do.
pub(crate) fn is_at_rest(memory: &Memory) -> bool {
    let open = |effect: &crate::memory::EffectKept| effect.status == Status::Open;
    memory.unnumbered.is_empty()
        && memory.timers.is_empty()
        && !memory.effects.iter().any(open)
        && memory
            .positions
            .values()
            .all(|(mark, _)| *mark == memory.head())
}

pub(super) fn breaches(memory: &Memory) -> Breaches {
    let mut breaches = Breaches::new();
    for effect in &memory.effects {
        let (id, why) = (effect.row.id, effect.said.as_deref().unwrap_or_default());
        match effect.status {
            Status::Done => {}
            Status::Open => breaches.push(format!("I18: effect {id} is open: {why}")),
            Status::Parked => breaches.push(format!(
                "I15: effect {id} is parked: {why}: {}",
                effect.row.effect
            )),
        }
    }
    for (process, instance, name) in memory.timers.keys() {
        breaches.push(format!("I18: timer {name} of {process} {instance} waits"));
    }
    for ((process, instance), (state, over)) in &memory.instances {
        if !over {
            breaches.push(format!("I15: {process} {instance} is not over: {state}"));
        }
    }
    for (process, (mark, _)) in &memory.positions {
        if *mark != memory.head() {
            breaches.push(format!("I18: {process} has read to {} only", mark.position));
        }
    }
    if !memory.unnumbered.is_empty() {
        breaches.push("I18: events have no position".to_owned());
    }
    breaches
}
