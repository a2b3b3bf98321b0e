//! Zones by name, times on the wall, and the instants they stand for when clocks are changed.

use chrono::{
    DateTime, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone as _,
    Utc,
};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A time zone by its IANA name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
#[schema(value_type = String, example = "Asia/Tokyo")]
pub struct TimeZone(Tz);

/// The text is no zone of the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time zone is an IANA name such as Asia/Tokyo")]
pub struct TimeZoneUnknown;

/// Which end of a range an instant is wanted for: it decides what a local time that occurs twice stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The first occurrence.
    Opening,
    /// The second.
    Closing,
}

impl TimeZone {
    /// Reads an IANA name.
    ///
    /// # Errors
    /// [`TimeZoneUnknown`] when the database does not have it.
    pub fn parse(name: &str) -> Result<Self, TimeZoneUnknown> {
        name.parse().map(Self).map_err(|_| TimeZoneUnknown)
    }

    /// The IANA name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What the wall shows at an instant.
    pub fn local(self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.0).naive_local()
    }

    /// The instant of a local time. One that a clock change skips is the first instant after the gap; of one that occurs
    /// twice, an opening takes the first and a closing the second (`domain.md`).
    pub fn instant(self, local: NaiveDateTime, edge: Edge) -> DateTime<Utc> {
        match (self.0.from_local_datetime(&local), edge) {
            (LocalResult::Single(at), _) => at.to_utc(),
            (LocalResult::Ambiguous(first, second), Edge::Opening) => first.min(second).to_utc(),
            (LocalResult::Ambiguous(first, second), Edge::Closing) => first.max(second).to_utc(),
            (LocalResult::None, _) => self.after_gap(local),
        }
    }

    /// The instant at which the clock jumps over `local`.
    fn after_gap(self, local: NaiveDateTime) -> DateTime<Utc> {
        let offset = |at: DateTime<Utc>| self.0.offset_from_utc_datetime(&at.naive_utc()).fix();
        // The longest gap is a whole day (Samoa, 2011), so a valid local time is at most 25 hours back.
        let before = (1..=25)
            .filter_map(|hours| local.checked_sub_signed(TimeDelta::hours(hours)))
            .find_map(|earlier| self.0.from_local_datetime(&earlier).latest());
        let Some(before) = before.map(|at| at.to_utc()) else {
            return local.and_utc();
        };
        let old = offset(before);
        let mut low = before.timestamp();
        let mut high = low + 26 * 3600;
        while high - low > 1 {
            let middle = low.midpoint(high);
            let changed = DateTime::from_timestamp(middle, 0).is_some_and(|at| offset(at) != old);
            if changed { high = middle } else { low = middle }
        }
        DateTime::from_timestamp(high, 0).unwrap_or(before)
    }
}

impl TryFrom<String> for TimeZone {
    type Error = TimeZoneUnknown;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::parse(&name)
    }
}

impl From<TimeZone> for String {
    fn from(zone: TimeZone) -> Self {
        zone.name().to_owned()
    }
}

/// A time on the wall, to the minute: `00:00` to `23:59`.
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
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
#[schema(value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "11:30")]
pub struct WallTime(u16);

/// The text is no time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time is HH:MM, 00:00 to 23:59; a range that ends at midnight closes at 00:00")]
pub struct WallTimeMalformed;

impl WallTime {
    /// Reads `HH:MM`.
    ///
    /// # Errors
    /// [`WallTimeMalformed`] when it has another form.
    pub fn parse(text: &str) -> Result<Self, WallTimeMalformed> {
        let &[h1, h2, b':', m1, m2] = text.as_bytes() else {
            return Err(WallTimeMalformed);
        };
        if ![h1, h2, m1, m2].iter().all(u8::is_ascii_digit) {
            return Err(WallTimeMalformed);
        }
        let number = |tens: u8, ones: u8| u16::from(tens - b'0') * 10 + u16::from(ones - b'0');
        let (hours, minutes) = (number(h1, h2), number(m1, m2));
        if hours < 24 && minutes < 60 {
            Ok(Self(hours * 60 + minutes))
        } else {
            Err(WallTimeMalformed)
        }
    }

    /// Minutes since midnight, 0 to 1439.
    pub const fn minutes(self) -> u16 {
        self.0
    }

    /// This time on a date.
    pub fn on(self, date: NaiveDate) -> NaiveDateTime {
        date.and_time(NaiveTime::MIN) + TimeDelta::minutes(i64::from(self.0))
    }
}

impl TryFrom<String> for WallTime {
    type Error = WallTimeMalformed;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<WallTime> for String {
    fn from(time: WallTime) -> Self {
        time.to_string()
    }
}

impl std::fmt::Display for WallTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

super::collect::leaf! {
    TimeZone => "time_zone_unknown",
    WallTime => "time_malformed",
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(zone: &str, local: &str, edge: Edge) -> String {
        let local = NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M").unwrap();
        TimeZone::parse(zone)
            .unwrap()
            .instant(local, edge)
            .to_rfc3339()
    }

    #[test]
    fn a_skipped_time_is_the_first_instant_after_the_gap() {
        for local in [
            "2026-03-29 02:00",
            "2026-03-29 02:30",
            "2026-03-29 02:59",
            "2026-03-29 03:00",
        ] {
            assert_eq!(
                at("Europe/Berlin", local, Edge::Opening),
                "2026-03-29T01:00:00+00:00",
                "{local}"
            );
        }
        assert_eq!(
            at("Australia/Lord_Howe", "2026-10-04 02:15", Edge::Closing),
            "2026-10-03T15:30:00+00:00"
        );
        assert_eq!(
            at("Pacific/Apia", "2011-12-30 12:00", Edge::Opening),
            "2011-12-30T10:00:00+00:00"
        );
    }

    #[test]
    fn of_a_repeated_time_opening_takes_the_first_and_closing_the_second() {
        assert_eq!(
            at("Europe/Berlin", "2026-10-25 02:30", Edge::Opening),
            "2026-10-25T00:30:00+00:00"
        );
        assert_eq!(
            at("Europe/Berlin", "2026-10-25 02:30", Edge::Closing),
            "2026-10-25T01:30:00+00:00"
        );
    }

    #[test]
    fn wall_times_are_strict() {
        assert_eq!(WallTime::parse("23:59").unwrap().to_string(), "23:59");
        for bad in [
            "24:00", "1:00", "11:60", "11-30", "11:3", "１1:30", "", "11:300",
        ] {
            assert!(WallTime::parse(bad).is_err(), "{bad}");
        }
    }
}
