//! Opening hours against a slow reference that walks the clock minute by minute, over clock changes of many zones.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use domain::kernel::hours::{
    DayRange, HoursDraft, HoursException, LastOrder, OpeningRange, Weekday, WeeklyHours,
};
use domain::kernel::time::{TimeZone, WallTime};
use proptest::prelude::*;

const ZONES: [&str; 8] = [
    "Asia/Tokyo",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "America/Havana",
    "Atlantic/Azores",
    "Africa/Cairo",
];

/// Days around clock changes of these zones, and quiet ones.
const DAYS: [&str; 8] = [
    "2026-03-29",
    "2026-10-25",
    "2026-03-08",
    "2026-11-01",
    "2018-11-04",
    "2026-04-05",
    "2026-04-24",
    "2026-07-15",
];

const WEEKDAYS: [Weekday; 7] = [
    Weekday::Mon,
    Weekday::Tue,
    Weekday::Wed,
    Weekday::Thu,
    Weekday::Fri,
    Weekday::Sat,
    Weekday::Sun,
];

fn wall(minutes: u16) -> WallTime {
    WallTime::parse(&format!("{:02}:{:02}", minutes / 60, minutes % 60)).unwrap()
}

/// Times at the quarter hour, so that ranges often touch and clock changes are often hit.
fn wall_time() -> impl Strategy<Value = WallTime> {
    (0_u16..96).prop_map(|quarter| wall(quarter * 15))
}

fn day_range() -> impl Strategy<Value = DayRange> {
    (wall_time(), wall_time()).prop_map(|(opens, closes)| DayRange { opens, closes })
}

fn draft(around: NaiveDate) -> impl Strategy<Value = HoursDraft> {
    let range = (0..7_usize, day_range()).prop_map(|(day, range)| OpeningRange {
        weekday: WEEKDAYS[day],
        opens: range.opens,
        closes: range.closes,
    });
    let exception =
        (-2..3_i64, prop::collection::vec(day_range(), 0..2)).prop_map(move |(days, ranges)| {
            HoursException {
                date: around + TimeDelta::days(days),
                ranges,
            }
        });
    (
        prop::collection::vec(range, 0..9),
        prop::collection::vec(exception, 0..3),
    )
        .prop_map(|(days, exceptions)| HoursDraft {
            days,
            exceptions,
            last_order: LastOrder::default(),
        })
}

/// Drops ranges from the end until what is left is accepted, so that most drafts lead somewhere.
fn accepted(mut draft: HoursDraft) -> WeeklyHours {
    loop {
        if let Ok(hours) = WeeklyHours::parse(draft.clone()) {
            return hours;
        }
        if draft.exceptions.pop().is_none() && draft.days.pop().is_none() {
            unreachable!("no hours at all are accepted");
        }
    }
}

/// What the wall shows at each minute of ten days.
struct Clock {
    start: DateTime<Utc>,
    shown: Vec<NaiveDateTime>,
}

impl Clock {
    fn around(zone: TimeZone, day: NaiveDate) -> Self {
        let start = (day - TimeDelta::days(5))
            .and_hms_opt(0, 0, 0)
            .unwrap()
            .and_utc();
        let shown = (0..10 * 24 * 60)
            .map(|minute| zone.local(start + TimeDelta::minutes(minute)))
            .collect();
        Self { start, shown }
    }

    fn minute(&self, number: usize) -> DateTime<Utc> {
        self.start + TimeDelta::minutes(i64::try_from(number).unwrap())
    }

    /// The first minute at which the wall shows this or later.
    fn opening(&self, local: NaiveDateTime) -> DateTime<Utc> {
        self.minute(self.shown.iter().position(|shown| *shown >= local).unwrap())
    }

    /// The last minute at which the wall shows this; where it never does, the one after the last at which it
    /// shows something earlier. The two differ for the first minute of an hour that is repeated.
    fn closing(&self, local: NaiveDateTime) -> DateTime<Utc> {
        let shown = self.shown.iter().rposition(|shown| *shown == local);
        let earlier = || self.shown.iter().rposition(|shown| *shown < local);
        self.minute(shown.unwrap_or_else(|| earlier().unwrap() + 1))
    }

    /// Every opening that begins within the middle of the days, by date.
    fn openings(
        &self,
        hours: &WeeklyHours,
        day: NaiveDate,
    ) -> Vec<(NaiveDate, DateTime<Utc>, DateTime<Utc>)> {
        let dates = (-3..=3).map(|days| day + TimeDelta::days(days));
        dates
            .flat_map(|date| {
                hours.ranges_on(date).into_iter().map(move |range| {
                    let next = if range.closes > range.opens {
                        date
                    } else {
                        date.succ_opt().unwrap()
                    };
                    (
                        date,
                        self.opening(range.opens.on(date)),
                        self.closing(range.closes.on(next)),
                    )
                })
            })
            .filter(|(_, opens, closes)| opens < closes)
            .collect()
    }
}

fn case() -> impl Strategy<Value = (usize, NaiveDate, HoursDraft)> {
    (0..ZONES.len(), 0..DAYS.len()).prop_flat_map(|(zone, day)| {
        let day: NaiveDate = DAYS[day].parse().unwrap();
        (Just(zone), Just(day), draft(day))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hours_agree_with_walking_the_clock((zone, day, draft) in case(), offsets in prop::collection::vec(0..2880_i64, 40)) {
        let zone = TimeZone::parse(ZONES[zone]).unwrap();
        let hours = accepted(draft);
        let clock = Clock::around(zone, day);
        let openings = clock.openings(&hours, day);
        for offset in offsets {
            let at = day.and_hms_opt(0, 0, 0).unwrap().and_utc() + TimeDelta::minutes(offset - 720);
            let holding = openings.iter().filter(|(_, opens, closes)| *opens <= at && at < *closes);
            let first = holding.min_by_key(|(date, opens, _)| (*opens, *date));
            prop_assert_eq!(hours.is_open(zone, at), first.is_some(), "{} {}", zone.name(), at);
            prop_assert_eq!(hours.service_date(zone, at), first.map(|(date, ..)| *date), "{} {}", zone.name(), at);
            if first.is_none() {
                let next = openings.iter().map(|(_, opens, _)| *opens).filter(|opens| *opens >= at).min();
                let found = hours.next_open(zone, at);
                // The reference looks three days ahead only.
                if let Some(next) = next {
                    prop_assert_eq!(found, Some(next), "{} {}", zone.name(), at);
                }
            }
            if let Some(closes) = hours.closes_at(zone, at) {
                prop_assert!(closes > at);
                prop_assert!(hours.is_open(zone, closes - TimeDelta::milliseconds(1)));
                prop_assert!(closes > at + TimeDelta::days(13) || !hours.is_open(zone, closes));
            }
        }
    }

    #[test]
    fn accepted_hours_never_show_two_openings_on_a_quiet_day((_, _, draft) in case()) {
        let zone = TimeZone::parse("Asia/Tokyo").unwrap();
        let hours = accepted(draft);
        let day: NaiveDate = "2026-07-15".parse().unwrap();
        let mut openings = Clock::around(zone, day).openings(&hours, day);
        openings.sort_by_key(|(_, opens, _)| *opens);
        for pair in openings.windows(2) {
            prop_assert!(pair[0].2 <= pair[1].1, "{:?}", pair);
        }
    }

    #[test]
    fn hours_survive_json((_, _, draft) in case()) {
        let hours = accepted(draft);
        let text = serde_json::to_string(&hours).unwrap();
        prop_assert_eq!(serde_json::from_str::<WeeklyHours>(&text).unwrap(), hours);
    }
}
