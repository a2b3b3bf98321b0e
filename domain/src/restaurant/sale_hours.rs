//! When an item is sold: within its section's dayparts and its own hours, by the clock on the shop's wall. That the shop
//! itself must be open is not looked at here.

use chrono::{DateTime, Utc};

use super::menu_document::{Item, Section};
use crate::kernel::hours::{HoursDraft, OpeningRange, WeeklyHours};
use crate::kernel::time::TimeZone;

/// How often two ranges are tried against each other before they are taken never to meet: each try is at least one
/// range further, and a week has 70 of them.
const TRIES_MAX: usize = 200;

/// Whether an item is sold at an instant, or when it is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnSale {
    /// It is.
    Now,
    /// Not before this instant.
    From(DateTime<Utc>),
    /// Its hours and its section's never meet.
    Never,
}

/// Whether `item` of `section` is sold at an instant.
pub fn on_sale(section: &Section, item: &Item, zone: TimeZone, at: DateTime<Utc>) -> OnSale {
    let weeks: Vec<WeeklyHours> = [&section.dayparts, &item.sale_hours]
        .into_iter()
        .filter_map(|ranges| week(ranges))
        .collect();
    let mut from = at;
    for _ in 0..TRIES_MAX {
        let openings = weeks.iter().map(|week| week.next_open(zone, from));
        // The latest of them is the first instant at which all may hold.
        match openings.collect::<Option<Vec<_>>>() {
            None => return OnSale::Never,
            Some(openings) => match openings.into_iter().max() {
                Some(later) if later > from => from = later,
                Some(_) | None if from == at => return OnSale::Now,
                Some(_) | None => return OnSale::From(from),
            },
        }
    }
    OnSale::Never
}

/// The hours of a list of ranges; none when it says nothing. What does not parse was never published.
fn week(ranges: &[OpeningRange]) -> Option<WeeklyHours> {
    let draft = HoursDraft::weekly(ranges.to_vec());
    let says_something = !ranges.is_empty();
    says_something.then(|| WeeklyHours::parse(draft).ok())?
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sold(dayparts: &serde_json::Value, sale_hours: &serde_json::Value, at: &str) -> OnSale {
        let section: Section = serde_json::from_value(json!({
            "key": "lunch", "name": {"en": "Lunch"}, "dayparts": dayparts,
            "items": [{"key": "set", "name": {"en": "Set"}, "price_minor": 1, "tax_class": "food", "recipe": [],
                       "sale_hours": sale_hours}],
        }))
        .unwrap();
        let zone = TimeZone::parse("Asia/Tokyo").unwrap();
        on_sale(&section, &section.items[0], zone, at.parse().unwrap())
    }

    #[test]
    fn an_item_is_sold_when_its_section_and_its_own_hours_say_so() {
        let none = json!([]);
        // Monday 2026-11-23 in Tokyo, nine hours before UTC.
        let lunch = json!([{"weekday": "mon", "opens": "11:00", "closes": "15:00"}]);
        let late = json!([{"weekday": "mon", "opens": "14:00", "closes": "02:00"}]);
        let at = |text: &str| text.parse().unwrap();
        assert_eq!(sold(&none, &none, "2026-11-22T23:00:00Z"), OnSale::Now);
        assert_eq!(sold(&lunch, &none, "2026-11-23T02:00:00Z"), OnSale::Now);
        assert_eq!(
            sold(&lunch, &none, "2026-11-23T06:00:00Z"),
            OnSale::From(at("2026-11-30T02:00:00Z"))
        );
        assert_eq!(
            sold(&lunch, &late, "2026-11-23T02:00:00Z"),
            OnSale::From(at("2026-11-23T05:00:00Z"))
        );
        assert_eq!(sold(&none, &late, "2026-11-23T16:59:00Z"), OnSale::Now);
    }

    #[test]
    fn hours_that_never_meet_are_said_to_never_meet() {
        let monday = json!([{"weekday": "mon", "opens": "11:00", "closes": "15:00"}]);
        let sunday = json!([{"weekday": "sun", "opens": "11:00", "closes": "15:00"}]);
        assert_eq!(
            sold(&monday, &sunday, "2026-11-23T02:00:00Z"),
            OnSale::Never
        );
    }
}
