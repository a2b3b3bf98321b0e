//! I9: redemptions stay within the limits, in total and of each customer.

use std::collections::BTreeMap;

use super::{Breaches, Streams, text};

pub(super) fn breaches(promotions: &Streams) -> Breaches {
    let mut breaches = Breaches::new();
    for events in promotions.values() {
        let limit = |which: &str| events[0].1["limits"][which].as_u64().unwrap_or(u64::MAX);
        let (total, each) = (limit("total"), limit("per_customer"));
        let mut used = BTreeMap::new();
        for (name, event) in events {
            match name.as_str() {
                "redeemed" => {
                    used.insert(text(&event["order"]), text(&event["customer"]));
                }
                "redemption_released" => {
                    used.remove(&text(&event["order"]));
                }
                _ => continue,
            }
            let of_one = used
                .values()
                .filter(|who| **who == text(&event["customer"]));
            let of_one = of_one.count() as u64;
            if used.len() as u64 > total || of_one > each {
                breaches.push(format!("I9: used {} times, {of_one} by one", used.len()));
            }
        }
    }
    breaches
}
