//! Hours at the edges: past midnight, over a change of the clock, on exceptional days.

use super::*;
use serde_json::json;

fn hours(value: &serde_json::Value) -> WeeklyHours {
    super::super::collect::collect(value).unwrap()
}

fn pointers(value: &serde_json::Value) -> Vec<String> {
    let faults = super::super::collect::collect::<WeeklyHours>(value).unwrap_err();
    faults
        .0
        .into_iter()
        .map(|fault| format!("{} {}", fault.code, fault.pointer))
        .collect()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn tokyo() -> TimeZone {
    TimeZone::parse("Asia/Tokyo").unwrap()
}

#[test]
fn half_past_one_belongs_to_the_evening_before() {
    let hours = hours(&json!({"days": [{"weekday": "fri", "opens": "18:00", "closes": "02:00"}]}));
    let saturday_0130 = utc("2026-11-20T16:30:00Z");
    assert_eq!(
        hours.service_date(tokyo(), saturday_0130),
        NaiveDate::from_ymd_opt(2026, 11, 20)
    );
    assert_eq!(
        hours.closes_at(tokyo(), saturday_0130),
        Some(utc("2026-11-20T17:00:00Z"))
    );
    assert!(!hours.is_open(tokyo(), utc("2026-11-20T17:00:00Z")));
    assert_eq!(
        hours.next_open(tokyo(), utc("2026-11-20T17:00:00Z")),
        Some(utc("2026-11-27T09:00:00Z"))
    );
}

#[test]
fn an_exception_beats_the_week_but_not_the_evening_before() {
    let hours = hours(&json!({
        "days": [{"weekday": "fri", "opens": "18:00", "closes": "02:00"}, {"weekday": "sat", "opens": "11:00", "closes": "15:00"}],
        "exceptions": [{"date": "2026-11-21", "ranges": []}]
    }));
    assert!(hours.is_open(tokyo(), utc("2026-11-20T16:30:00Z")));
    assert!(!hours.is_open(tokyo(), utc("2026-11-21T03:00:00Z")));
    assert!(hours.is_open(tokyo(), utc("2026-11-28T03:00:00Z")));
}

#[test]
fn a_shop_that_never_closes_closes_in_two_weeks() {
    let days: Vec<_> = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        .iter()
        .map(|day| json!({"weekday": day, "opens": "00:00", "closes": "00:00"}))
        .collect();
    let hours = hours(&json!({ "days": days }));
    let at = utc("2026-11-20T16:30:00Z");
    assert!(hours.closes_at(tokyo(), at).unwrap() >= at + TimeDelta::days(14));
}

#[test]
fn no_hours_never_open() {
    let hours = hours(&json!({"days": []}));
    assert_eq!(hours.next_open(tokyo(), utc("2026-11-20T16:30:00Z")), None);
}

#[test]
fn overlaps_are_refused_each_with_its_place() {
    assert_eq!(
        pointers(&json!({
            "days": [
                {"weekday": "sun", "opens": "18:00", "closes": "02:00"},
                {"weekday": "mon", "opens": "01:00", "closes": "05:00"},
                {"weekday": "mon", "opens": "04:59", "closes": "06:00"},
                {"weekday": "mon", "opens": "06:00", "closes": "07:00"}
            ],
            "exceptions": [
                {"date": "2026-11-23", "ranges": [{"opens": "01:59", "closes": "02:30"}]},
                {"date": "2026-11-28", "ranges": [{"opens": "10:00", "closes": "12:00"}, {"opens": "11:00", "closes": "13:00"}]}
            ]
        })),
        [
            "hours_overlap /days/1",
            "hours_overlap /days/2",
            "hours_overlap /exceptions/0/ranges/0",
            "hours_overlap /exceptions/1/ranges/1"
        ]
    );
}

#[test]
fn every_malformed_field_is_named() {
    assert_eq!(
        pointers(&json!({
            "days": [{"weekday": "monday", "opens": "9:00", "closes": "24:00", "note": 1}, {"weekday": "tue"}],
            "exceptions": [{"date": "2026-02-30", "ranges": []}],
            "zone": "Asia/Tokyo"
        })),
        [
            "unknown_member /zone",
            "unknown_member /days/0/note",
            "weekday_unknown /days/0/weekday",
            "time_malformed /days/0/opens",
            "time_malformed /days/0/closes",
            "missing /days/1/opens",
            "missing /days/1/closes",
            "date_malformed /exceptions/0/date"
        ]
    );
}

#[test]
fn the_last_order_is_taken_so_long_before_closing() {
    use crate::kernel::quantity::Minutes;
    use crate::kernel::tax::FulfilmentKind::{Delivery, Pickup};
    let hours = hours(&json!({
        "days": [{"weekday": "fri", "opens": "18:00", "closes": "00:00"}, {"weekday": "sat", "opens": "00:00", "closes": "02:00"}],
        "last_order": {"delivery": 45}
    }));
    let local = |time: &str| utc(&format!("2026-11-20T{time}:00Z"));
    // Openings without a gap count as one: 02:00 in Tokyo is 17:00 UTC.
    assert_eq!(
        hours.last_order_at(tokyo(), local("10:00"), Delivery),
        Some(local("16:15"))
    );
    assert!(hours.takes_orders(tokyo(), local("16:14"), Delivery));
    assert!(!hours.takes_orders(tokyo(), local("16:15"), Delivery));
    assert!(hours.takes_orders(tokyo(), local("16:59"), Pickup));
    assert!(!hours.takes_orders(tokyo(), local("17:00"), Pickup));
    let stands = |checked_out: &str, paid: &str| {
        let times = (local(checked_out), local(paid));
        hours.order_stands(tokyo(), times, Delivery, Minutes::new(5))
    };
    assert!(stands("10:00", "16:14") && stands("16:13", "16:18"));
    assert!(!stands("16:13", "16:19") && !stands("16:15", "16:15"));
}

#[test]
fn closing_today_ends_with_the_next_service_date() {
    let hours = hours(&json!({"days": [
        {"weekday": "fri", "opens": "11:00", "closes": "14:00"}, {"weekday": "fri", "opens": "18:00", "closes": "02:00"},
        {"weekday": "sat", "opens": "11:00", "closes": "14:00"}]}));
    let saturday = Some(utc("2026-11-21T02:00:00Z"));
    let next = |at: &str| hours.next_service_date_opens(tokyo(), utc(at));
    assert_eq!(next("2026-11-20T03:00:00Z"), saturday, "at lunch");
    assert_eq!(next("2026-11-20T07:00:00Z"), saturday, "between");
    assert_eq!(next("2026-11-20T16:30:00Z"), saturday, "at half past one");
}

#[test]
fn a_last_order_before_most_of_the_day_is_refused() {
    assert_eq!(
        pointers(&json!({"days": [], "last_order": {"delivery": 721, "pickup": 720}})),
        ["last_order_too_early /last_order/delivery"]
    );
}
