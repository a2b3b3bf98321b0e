//! I12 for orders: the ways that `domain.md` has, by the names of events.

use super::{Breaches, Streams};

/// Event, where from, where to.
const WAYS: [(&str, &[&str], &str); 13] = [
    ("checked_out", &["absent"], "awaiting_payment"),
    ("scheduled", &["awaiting_payment"], "scheduled"),
    ("placed", &["awaiting_payment", "scheduled"], "placed"),
    ("accepted", &["placed"], "accepted"),
    ("rejected", &["placed"], "rejected"),
    ("expired", &["awaiting_payment"], "expired"),
    (
        "cancelled",
        &[
            "awaiting_payment",
            "scheduled",
            "placed",
            "accepted",
            "cooking",
        ],
        "cancelled",
    ),
    ("fired", &["accepted"], "cooking"),
    ("ready", &["cooking", "accepted"], "ready"),
    ("collected", &["ready"], "collected"),
    ("not_collected", &["ready"], "uncollected"),
    ("completed", &["collected", "uncollected"], "completed"),
    ("stalled", &[], ""),
];
const ENDS: [&str; 4] = ["rejected", "expired", "cancelled", "completed"];

pub(super) fn breaches(orders: &Streams) -> Breaches {
    let mut breaches = Breaches::new();
    for (order, events) in orders {
        if let Err(breach) = stage_after(events) {
            breaches.push(format!("I12: order {order}: {breach}"));
        }
    }
    breaches
}

pub(super) fn at_rest(orders: &Streams) -> Breaches {
    let mut breaches = Breaches::new();
    for (order, events) in orders {
        let stage = stage_after(events).unwrap_or("lost");
        if !ENDS.contains(&stage) {
            breaches.push(format!("I15: order {order} rests at {stage}"));
        }
    }
    breaches
}

fn stage_after(events: &[(String, serde_json::Value)]) -> Result<&'static str, String> {
    let mut stage = "absent";
    for (name, _) in events {
        let way = WAYS
            .iter()
            .find(|(event, from, _)| event == name && !from.is_empty());
        match way {
            Some((_, from, to)) if from.contains(&stage) => stage = to,
            Some(_) => return Err(format!("{name} when it is {stage}")),
            None if stage == "absent" => return Err(format!("{name} before it begins")),
            None => {}
        }
    }
    Ok(stage)
}
