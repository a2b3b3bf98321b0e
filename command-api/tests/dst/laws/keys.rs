//! I2, I13, I15: what one request, effect or webhook leads to is one commit, and its answer is kept.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Breaches, text};
use crate::memory::Memory;
use crate::world::Heard;

pub(super) fn breaches(memory: &Memory, heard: &[Heard]) -> Breaches {
    let mut breaches = Breaches::new();
    let mut commits: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for event in &memory.events {
        let metadata: Value = serde_json::from_str(&event.event.metadata).unwrap_or_default();
        let request = text(&metadata["request_id"]);
        if !request.is_empty() {
            commits.entry(request).or_default().insert(event.commit);
        }
    }
    for (request, commits) in commits.iter().filter(|(_, commits)| commits.len() > 1) {
        breaches.push(format!(
            "I2: {request} was executed {} times",
            commits.len()
        ));
    }
    for heard in heard {
        let kept = memory.records.get(&heard.key);
        let same = match (kept, &heard.answer) {
            (Some(kept), Some((status, body))) => kept.status == *status && kept.body == *body,
            (Some(kept), None) => kept.status >= 400,
            (None, _) => false,
        };
        if !same {
            let key = hex::encode(&heard.key[..16]);
            breaches.push(format!("I13: {key} was answered otherwise than it is kept"));
        }
    }
    breaches
}
