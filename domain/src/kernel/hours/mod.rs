//! When a shop is open: ranges by weekday, past midnight if they like, and exceptions by date that beat the week.
//! The *service date* is the local date on which a range began: half past one belongs to the evening before.

mod check;
mod last_order;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::last_order::LastOrder;
use crate::kernel::collect::Collect;
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::time::{Edge, TimeZone, WallTime};

/// How far ahead the next opening is looked for.
const LOOK_AHEAD_DAYS: usize = 400;
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
    /// When the last order is taken; until closing when absent.
    #[serde(default, skip_serializing_if = "LastOrder::is_none")]
    pub last_order: LastOrder,
}

crate::collect_struct!(OpeningRange {
    weekday,
    opens,
    closes
});
crate::collect_struct!(DayRange { opens, closes });
crate::collect_struct!(HoursException { date, ranges });
crate::collect_struct!(HoursDraft {
    days,
    exceptions = Vec::new(),
    last_order = LastOrder::default(),
});
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

impl HoursDraft {
    /// These ranges every week, and nothing else.
    pub fn weekly(days: Vec<OpeningRange>) -> Self {
        Self {
            days,
            exceptions: Vec::new(),
            last_order: LastOrder::default(),
        }
    }
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
        check::sizes(&draft, &mut faults);
        if faults.is_empty() {
            check::week(&draft.days, &mut faults);
            let hours = Self(draft);
            check::exceptions(&hours, &mut faults);
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
        // When a clock is put back over midnight, what began tomorrow holds while it is today once more.
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
        self.openings_from(zone, today.pred_opt().unwrap_or(today))
            .map(|opening| opening.opens)
            .find(|opens| *opens >= from)
    }

    /// When the shop opens for the service date after the one to which an instant belongs; none within the next 400
    /// days. When it is closed, the instant belongs to its local date.
    pub fn next_service_date_opens(
        &self,
        zone: TimeZone,
        at: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let today = self
            .service_date(zone, at)
            .unwrap_or_else(|| zone.local(at).date());
        self.openings_from(zone, today.succ_opt()?)
            .map(|opening| opening.opens)
            .find(|opens| *opens > at)
    }

    /// The openings of a date and of those after it, for 400 days, by date and beginning.
    fn openings_from(&self, zone: TimeZone, date: NaiveDate) -> impl Iterator<Item = Opening> {
        date.iter_days()
            .take(LOOK_AHEAD_DAYS)
            .flat_map(move |date| self.openings_on(zone, date))
    }

    /// The openings of a date, the earliest first.
    fn openings_on(&self, zone: TimeZone, date: NaiveDate) -> Vec<Opening> {
        let ranges = self.ranges_on(date).into_iter();
        let mut openings: Vec<Opening> = ranges.filter_map(|range| range.on(date, zone)).collect();
        openings.sort_unstable_by_key(|opening| opening.opens);
        openings
    }
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
mod tests;
