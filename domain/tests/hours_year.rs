//! Hours against walking the clock, over every minute of a year with clock changes, in five zones that change it at
//! different times of the day, two of them at midnight.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use domain::kernel::collect::collect;
use domain::kernel::hours::WeeklyHours;
use domain::kernel::tax::FulfilmentKind;
use domain::kernel::time::TimeZone;
use serde_json::json;

const YEAR: i32 = 2026;
const MINUTES: usize = 365 * 24 * 60;
/// Days before and after the year that are walked too, since an opening begins on the evening before.
const MARGIN: usize = 4 * 24 * 60;

/// Lunch and dinner past midnight, a night that meets the next morning, a day without a break, days off and other hours
/// around the changes of the clock.
fn hours() -> WeeklyHours {
    collect(&json!({
        "days": [
            {"weekday": "mon", "opens": "11:30", "closes": "14:30"},
            {"weekday": "mon", "opens": "17:30", "closes": "01:30"},
            {"weekday": "tue", "opens": "01:30", "closes": "01:30"},
            {"weekday": "thu", "opens": "22:00", "closes": "06:00"},
            {"weekday": "fri", "opens": "06:00", "closes": "10:00"},
            {"weekday": "sat", "opens": "18:00", "closes": "02:30"},
            {"weekday": "sun", "opens": "02:30", "closes": "04:00"},
            {"weekday": "sun", "opens": "23:00", "closes": "00:30"}],
        "exceptions": [
            {"date": "2026-04-23", "ranges": []},
            {"date": "2026-04-24", "ranges": [{"opens": "00:00", "closes": "00:30"}, {"opens": "00:45", "closes": "03:00"}]},
            {"date": "2026-10-31", "ranges": [{"opens": "18:00", "closes": "00:00"}]},
            {"date": "2026-11-01", "ranges": [{"opens": "00:30", "closes": "01:30"}]},
            {"date": "2026-12-25", "ranges": []}],
        "last_order": {"delivery": 45, "pickup": 0},
    }))
    .unwrap()
}

/// What the wall shows at each minute.
struct Clock {
    start: DateTime<Utc>,
    shown: Vec<NaiveDateTime>,
}

impl Clock {
    fn new(zone: TimeZone) -> Self {
        let midnight = NaiveDate::from_ymd_opt(YEAR, 1, 1).unwrap();
        let start = midnight.and_hms_opt(0, 0, 0).unwrap().and_utc()
            - TimeDelta::minutes(i64::try_from(MARGIN).unwrap());
        let shown = (0..i64::try_from(MINUTES + 2 * MARGIN).unwrap())
            .map(|minute| zone.local(start + TimeDelta::minutes(minute)))
            .collect();
        Self { start, shown }
    }

    fn at(&self, minute: usize) -> DateTime<Utc> {
        self.start + TimeDelta::minutes(i64::try_from(minute).unwrap())
    }

    /// The minutes of the two days around a local time, in which it is looked for.
    fn around(&self, local: NaiveDateTime) -> std::ops::Range<usize> {
        let minute = usize::try_from((local.and_utc() - self.start).num_minutes()).unwrap_or(0);
        let day = 24 * 60;
        minute.saturating_sub(day)..(minute + day).min(self.shown.len())
    }

    /// The first minute at which the wall shows this or later.
    fn opening(&self, local: NaiveDateTime) -> usize {
        let mut minutes = self.around(local);
        minutes.find(|minute| self.shown[*minute] >= local).unwrap()
    }

    /// The last minute at which the wall shows this; when it skips it, the first at which it shows something later.
    fn closing(&self, local: NaiveDateTime) -> usize {
        let shows = |minute: &usize| self.shown[*minute] == local;
        let last = self.around(local).rev().find(shows);
        last.unwrap_or_else(|| self.opening(local))
    }

    /// For each minute the service date, when the shop is open.
    fn walk(&self, hours: &WeeklyHours) -> Vec<Option<NaiveDate>> {
        let mut dates = vec![None; self.shown.len()];
        let mut began = vec![usize::MAX; self.shown.len()];
        let first = NaiveDate::from_ymd_opt(YEAR, 1, 1).unwrap() - TimeDelta::days(2);
        for date in first.iter_days().take(365 + 4) {
            for range in hours.ranges_on(date) {
                let ends = if range.closes > range.opens {
                    date
                } else {
                    date.succ_opt().unwrap()
                };
                let opens = self.opening(range.opens.on(date));
                for minute in opens..self.closing(range.closes.on(ends)) {
                    if opens < began[minute] {
                        began[minute] = opens;
                        dates[minute] = Some(date);
                    }
                }
            }
        }
        dates
    }
}

fn check(zone: &str) {
    let zone = TimeZone::parse(zone).unwrap();
    let hours = hours();
    let clock = Clock::new(zone);
    let dates = clock.walk(&hours);
    // The minutes left until the shop closes, walked backwards.
    let mut left = 0;
    for minute in (MARGIN..MARGIN + MINUTES + MARGIN / 2).rev() {
        let at = clock.at(minute);
        left = if dates[minute].is_some() { left + 1 } else { 0 };
        if minute >= MARGIN + MINUTES {
            continue;
        }
        assert_eq!(
            hours.service_date(zone, at),
            dates[minute],
            "{} {at}",
            zone.name()
        );
        // Asking for the last order walks the openings again: a minute of each five is enough to meet every edge.
        if minute % 5 == 0 || left == 45 || left == 46 {
            let takes = |kind| hours.takes_orders(zone, at, kind);
            assert_eq!(
                takes(FulfilmentKind::Delivery),
                left > 45,
                "{} {at}",
                zone.name()
            );
            assert_eq!(
                takes(FulfilmentKind::Pickup),
                left > 0,
                "{} {at}",
                zone.name()
            );
        }
    }
}

#[test]
fn berlin_changes_at_night() {
    check("Europe/Berlin");
}

#[test]
fn new_york_changes_on_the_same_clock_at_another_time() {
    check("America/New_York");
}

#[test]
fn lord_howe_changes_by_half_an_hour() {
    check("Australia/Lord_Howe");
}

#[test]
fn cairo_skips_midnight() {
    check("Africa/Cairo");
}

#[test]
fn havana_has_midnight_twice() {
    check("America/Havana");
}
