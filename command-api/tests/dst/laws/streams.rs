//! I4: each stream is 1..n, in the store and by position.

use std::collections::BTreeMap;

use super::Breaches;
use crate::memory::Memory;

pub(super) fn breaches(memory: &Memory) -> Breaches {
    let stored = memory
        .events
        .iter()
        .map(|event| (event.stream, event.sequence));
    let numbered = memory.log.iter().map(|row| (row.stream, row.sequence));
    let mut breaches = Breaches::new();
    for (place, events) in [
        ("the store", stored.collect::<Vec<_>>()),
        ("the log", numbered.collect()),
    ] {
        let mut last = BTreeMap::new();
        for (stream, sequence) in events {
            let before = last.insert(stream, sequence).unwrap_or(0);
            if sequence != before + 1 {
                breaches.push(format!(
                    "I4: in {place} {stream} goes from {before} to {sequence}"
                ));
            }
        }
    }
    breaches
}
