//! The story of an order at its end: its timeline by the clock on the shop's wall, and whether the bowl
//! was still ramen at the door.

use chrono::DateTime;
use chrono_tz::Tz;
use serde_json::Value;

use super::paper::Paper;
use crate::client::Customer;

/// Prints the timeline of an order and its slurp clock.
///
/// # Errors
/// When the order cannot be read.
pub(super) async fn tell(customer: &Customer, order: &str, zone: &str) -> anyhow::Result<()> {
    let zone: Tz = zone.parse().unwrap_or(Tz::UTC);
    let timeline = customer.timeline(order).await?;
    for entry in timeline.list("/entries") {
        let at = entry["happened_at"].as_str().unwrap_or("");
        let name = entry["event"].as_str().unwrap_or("").replace('_', " ");
        Paper::line(format!("{}  {name}", on_the_wall(at, zone)));
    }
    Paper::line("");
    Paper::line(slurp_clock(&customer.order(order).await?.body));
    Ok(())
}

/// An instant as the shop's clock shows it, to the millisecond.
fn on_the_wall(at: &str, zone: Tz) -> String {
    let instant = DateTime::parse_from_rfc3339(at);
    let local = instant.map(|instant| instant.with_timezone(&zone).format("%H:%M:%S%.3f"));
    local.map_or_else(|_| at.to_owned(), |local| local.to_string())
}

/// Whether the bowl was still ramen at the door, by the order's own deadline.
fn slurp_clock(order: &Value) -> String {
    let instant = |field: &str| {
        order[field]
            .as_str()
            .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok())
    };
    match (instant("slurp_deadline"), instant("delivered_at")) {
        (Some(deadline), Some(delivered)) => {
            let left = deadline - delivered;
            let minutes = left.num_seconds().abs() / 60;
            let seconds = left.num_seconds().abs() % 60;
            if left.num_seconds() >= 0 {
                format!("slurp clock: {minutes} min {seconds} s left at the door. Itadakimasu!")
            } else {
                format!("slurp clock: {minutes} min {seconds} s too late")
            }
        }
        _ => "slurp clock: the order shows none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn instants_are_told_in_the_shops_time() {
        let told = on_the_wall("2026-03-04T12:00:00.123456Z", Tz::Asia__Taipei);
        assert_eq!(told, "20:00:00.123");
        assert_eq!(on_the_wall("soon", Tz::UTC), "soon");
    }

    #[test]
    fn the_slurp_clock_says_what_is_left() {
        let order = |delivered: &str| {
            slurp_clock(&json!({
                "slurp_deadline": "2026-03-04T12:30:00Z",
                "delivered_at": delivered,
            }))
        };
        assert!(order("2026-03-04T12:10:30Z").contains("19 min 30 s left"));
        assert!(order("2026-03-04T12:31:00Z").contains("1 min 0 s too late"));
        assert!(slurp_clock(&json!({})).contains("shows none"));
    }
}
