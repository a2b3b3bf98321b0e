//! When a shop is open: ranges by weekday, past midnight if they like, and exceptions by date that beat the week.
//! The *service date* is the local date on which a range began: half past one belongs to the evening before.

use std::collections::HashSet;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::collect::Collect;
use super::fault::{Faults, Pointer};
use super::time::{Edge, TimeZone, WallTime};

/// Ranges in a week, and on one date: ten a day.
const RANGES_PER_DAY_MAX: usize = 10;
/// Exceptions: more than a year of them.
const EXCEPTIONS_MAX: usize = 400;
/// How far ahead the next opening is looked for.
const LOOK_AHEAD_DAYS: i64 = 400;
const DAY_MINUTES: i64 = 24 * 60;
const WEEK_MINUTES: i64 = 7 * DAY_MINUTES;

/// A day of the week.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Weekday {
    /// The weekday of a date.
    pub fn of(date: NaiveDate) -> Self {
        [
            Self::Mon,
            Self::Tue,
            Self::Wed,
            Self::Thu,
            Self::Fri,
            Self::Sat,
            Self::Sun,
        ][date.weekday().num_days_from_monday() as usize]
    }
}

/// Open on a weekday from one time to another. Closing at or before the opening means the next day; at the same time, a
/// whole day later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpeningRange {
    /// The day it begins.
    pub weekday: Weekday,
    /// Its beginning.
    #[schema(inline)]
    pub opens: WallTime,
    /// Its end.
    #[schema(inline)]
    pub closes: WallTime,
}

/// Open on a date from one time to another, as in [`OpeningRange`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DayRange {
    /// Its beginning.
    #[schema(inline)]
    pub opens: WallTime,
    /// Its end.
    #[schema(inline)]
    pub closes: WallTime,
}

/// Other hours on a date; none means closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoursException {
    /// The local date.
    pub date: NaiveDate,
    /// All ranges that begin on it.
    pub ranges: Vec<DayRange>,
}

/// Hours as they are written, before overlaps are ruled out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoursDraft {
    /// The ranges of every week.
    pub days: Vec<OpeningRange>,
    /// Dates on which the week does not hold.
    #[serde(default)]
    pub exceptions: Vec<HoursException>,
}

crate::collect_struct!(OpeningRange {
    weekday,
    opens,
    closes
});
crate::collect_struct!(DayRange { opens, closes });
crate::collect_struct!(HoursException { date, ranges });
crate::collect_struct!(HoursDraft { days, exceptions = Vec::new() });
super::collect::leaf!(Weekday => "weekday_unknown");

/// A shop's hours, without overlaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, JsonSchema)]
#[serde(try_from = "HoursDraft", into = "HoursDraft")]
#[schema(value_type = HoursDraft)]
pub struct WeeklyHours(HoursDraft);

/// One opening, as instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// The local date on which it began.
    pub service_date: NaiveDate,
    /// Its first instant.
    pub opens: DateTime<Utc>,
    /// The first instant after it.
    pub closes: DateTime<Utc>,
}

impl DayRange {
    /// Minutes from its date's midnight: begin and end, the end up to two days on.
    fn minutes(self) -> (i64, i64) {
        let (opens, closes) = (
            i64::from(self.opens.minutes()),
            i64::from(self.closes.minutes()),
        );
        (
            opens,
            if closes > opens {
                closes
            } else {
                closes + DAY_MINUTES
            },
        )
    }

    /// The instants on a date; none when a clock change swallows it.
    fn on(self, date: NaiveDate, zone: TimeZone) -> Option<Opening> {
        let end_date = if self.closes > self.opens {
            date
        } else {
            date.succ_opt()?
        };
        let opens = zone.instant(self.opens.on(date), Edge::Opening);
        let closes = zone.instant(self.closes.on(end_date), Edge::Closing);
        (opens < closes).then_some(Opening {
            service_date: date,
            opens,
            closes,
        })
    }
}

impl OpeningRange {
    fn day_range(self) -> DayRange {
        DayRange {
            opens: self.opens,
            closes: self.closes,
        }
    }

    /// Minutes from Monday's midnight.
    fn minutes(self) -> (i64, i64) {
        let (from, to) = self.day_range().minutes();
        let day = self.weekday as i64 * DAY_MINUTES;
        (day + from, day + to)
    }
}

impl WeeklyHours {
    /// Takes hours that are within the limits and do not overlap.
    ///
    /// # Errors
    /// Every fault, each with its pointer into the draft.
    pub fn parse(draft: HoursDraft) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        check_sizes(&draft, &mut faults);
        if faults.is_empty() {
            check_week(&draft.days, &mut faults);
            let hours = Self(draft);
            hours.check_exceptions(&mut faults);
            return faults.or(hours);
        }
        Err(faults)
    }

    /// The hours as they were written.
    pub fn draft(&self) -> &HoursDraft {
        &self.0
    }

    /// The ranges that begin on a local date.
    pub fn ranges_on(&self, date: NaiveDate) -> Vec<DayRange> {
        if let Some(exception) = self
            .0
            .exceptions
            .iter()
            .find(|exception| exception.date == date)
        {
            return exception.ranges.clone();
        }
        let weekday = Weekday::of(date);
        self.0
            .days
            .iter()
            .filter(|range| range.weekday == weekday)
            .map(|range| range.day_range())
            .collect()
    }

    /// The opening that holds at an instant; the one that began first when a clock change lets two meet.
    pub fn opening_at(&self, zone: TimeZone, at: DateTime<Utc>) -> Option<Opening> {
        let today = zone.local(at).date();
        [today.pred_opt(), Some(today), today.succ_opt()]
            .into_iter()
            .flatten()
            .flat_map(|date| self.openings_on(zone, date))
            .filter(|opening| opening.opens <= at && at < opening.closes)
            .min_by_key(|opening| (opening.opens, opening.service_date))
    }

    /// Whether the shop is open at an instant.
    pub fn is_open(&self, zone: TimeZone, at: DateTime<Utc>) -> bool {
        self.opening_at(zone, at).is_some()
    }

    /// The date to which an instant belongs, when the shop is open.
    pub fn service_date(&self, zone: TimeZone, at: DateTime<Utc>) -> Option<NaiveDate> {
        self.opening_at(zone, at)
            .map(|opening| opening.service_date)
    }

    /// When the shop closes, if it is open; openings that follow without a gap count as one, for at most two weeks.
    pub fn closes_at(&self, zone: TimeZone, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let limit = at + TimeDelta::days(14);
        let mut closes = self.opening_at(zone, at)?.closes;
        while closes < limit {
            let Some(next) = self.opening_at(zone, closes) else {
                break;
            };
            closes = next.closes;
        }
        Some(closes)
    }

    /// The first instant at or after `from` at which the shop opens or is open; none within the next 400 days.
    pub fn next_open(&self, zone: TimeZone, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.is_open(zone, from) {
            return Some(from);
        }
        let today = zone.local(from).date();
        let first_on = |date| {
            let openings = self.openings_on(zone, date).into_iter();
            openings
                .map(|opening| opening.opens)
                .filter(|opens| *opens >= from)
                .min()
        };
        (-1..LOOK_AHEAD_DAYS)
            .filter_map(|days| today.checked_add_signed(TimeDelta::days(days)))
            .find_map(first_on)
    }

    fn openings_on(&self, zone: TimeZone, date: NaiveDate) -> Vec<Opening> {
        self.ranges_on(date)
            .into_iter()
            .filter_map(|range| range.on(date, zone))
            .collect()
    }

    /// Exceptions: no overlap within, nor with what spills in from the day before or over into the day after.
    fn check_exceptions(&self, faults: &mut Faults) {
        for (index, exception) in self.0.exceptions.iter().enumerate() {
            let at = Pointer::root().at("exceptions").at(index).at("ranges");
            let own: Vec<_> = exception
                .ranges
                .iter()
                .map(|range| range.minutes())
                .collect();
            let shifted = |date: Option<NaiveDate>, days: i64| -> Vec<(i64, i64)> {
                let ranges = date.map(|date| self.ranges_on(date)).unwrap_or_default();
                let shift = days * DAY_MINUTES;
                ranges
                    .into_iter()
                    .map(DayRange::minutes)
                    .map(|(a, b)| (a + shift, b + shift))
                    .collect()
            };
            let before = shifted(exception.date.pred_opt(), -1);
            let after = shifted(exception.date.succ_opt(), 1);
            for (number, range) in own.iter().enumerate() {
                if own[..number]
                    .iter()
                    .chain(&before)
                    .chain(&after)
                    .any(|other| overlap(*range, *other))
                {
                    faults.add(
                        "hours_overlap",
                        &at.at(number),
                        "this range overlaps another",
                    );
                }
            }
            // A closed or short day frees time only; the spill of a range before it stands.
        }
    }
}

fn check_sizes(draft: &HoursDraft, faults: &mut Faults) {
    let root = Pointer::root();
    if draft.days.len() > 7 * RANGES_PER_DAY_MAX {
        faults.add(
            "too_many_ranges",
            &root.at("days"),
            "a week has at most 70 ranges",
        );
    }
    if draft.exceptions.len() > EXCEPTIONS_MAX {
        faults.add(
            "too_many_exceptions",
            &root.at("exceptions"),
            "there are at most 400 exceptions",
        );
    }
    let mut dates = HashSet::new();
    for (index, exception) in draft.exceptions.iter().enumerate() {
        let at = root.at("exceptions").at(index);
        if !dates.insert(exception.date) {
            faults.add(
                "date_repeated",
                &at.at("date"),
                "this date has an exception already",
            );
        }
        if exception.ranges.len() > RANGES_PER_DAY_MAX {
            faults.add(
                "too_many_ranges",
                &at.at("ranges"),
                "a day has at most 10 ranges",
            );
        }
    }
}

fn check_week(days: &[OpeningRange], faults: &mut Faults) {
    for (index, range) in days.iter().enumerate() {
        let (from, to) = range.minutes();
        let meets = |other: &OpeningRange| {
            let other = other.minutes();
            [-WEEK_MINUTES, 0, WEEK_MINUTES]
                .iter()
                .any(|shift| overlap((from + shift, to + shift), other))
        };
        if days[..index].iter().any(meets) {
            let at = Pointer::root().at("days").at(index);
            faults.add("hours_overlap", &at, "this range overlaps another");
        }
    }
}

fn overlap(one: (i64, i64), other: (i64, i64)) -> bool {
    one.0 < other.1 && other.0 < one.1
}

impl TryFrom<HoursDraft> for WeeklyHours {
    type Error = Faults;

    fn try_from(draft: HoursDraft) -> Result<Self, Self::Error> {
        Self::parse(draft)
    }
}

impl From<WeeklyHours> for HoursDraft {
    fn from(hours: WeeklyHours) -> Self {
        hours.0
    }
}

impl Collect for WeeklyHours {
    fn collect(value: &serde_json::Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        let draft = HoursDraft::collect(value, at, faults)?;
        Self::parse(draft)
            .map_err(|found| faults.under(at, found))
            .ok()
    }
}

#[cfg(test)]
mod tests {
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
        let hours =
            hours(&json!({"days": [{"weekday": "fri", "opens": "18:00", "closes": "02:00"}]}));
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
}
