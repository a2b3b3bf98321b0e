//! A week of opening ranges in minutes, before it becomes the body of `PUT …/hours`.

use std::fmt;

use serde_json::{Value, json};

/// Minutes of a day.
pub(crate) const DAY_MINUTES: u16 = 1_440;
/// Names of the weekdays, Monday first, as people read them.
pub(crate) const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// One opening range, in minutes after the midnight its day begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    /// 0..=1439.
    pub(crate) opens: u16,
    /// After `opens`, at most a day later; beyond 1440 it is on the next day.
    pub(crate) closes: u16,
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}-{}",
            clock_face(self.opens),
            clock_face(self.closes)
        )
    }
}

/// The ranges of each weekday, Monday first, each day in order of opening.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Week {
    /// Seven days.
    pub(crate) days: [Vec<Span>; 7],
}

impl Week {
    /// Whether no day has a range.
    pub(crate) fn is_never_open(&self) -> bool {
        self.days.iter().all(Vec::is_empty)
    }

    /// The first two ranges that share a minute, in words; the week is a circle.
    pub(crate) fn overlap(&self) -> Option<(String, String)> {
        let mut all: Vec<(u32, u32, String)> = Vec::new();
        for (day, spans) in self.days.iter().enumerate() {
            let midnight = u32::try_from(day).unwrap_or(0) * u32::from(DAY_MINUTES);
            all.extend(spans.iter().map(|span| {
                let opens = midnight + u32::from(span.opens);
                let closes = midnight + u32::from(span.closes);
                (opens, closes, format!("{} {span}", WEEKDAYS[day]))
            }));
        }
        let week = 7 * u32::from(DAY_MINUTES);
        let mut turned = all.clone();
        turned.extend(
            all.into_iter()
                .take(1)
                .map(|(a, b, name)| (a + week, b + week, name)),
        );
        turned
            .windows(2)
            .find(|pair| pair[1].0 < pair[0].1)
            .map(|pair| (pair[0].2.clone(), pair[1].2.clone()))
    }

    /// The body of `PUT /v1/restaurants/{id}/hours`.
    pub(crate) fn body(&self) -> Value {
        const SHORT: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let days: Vec<Value> = self
            .days
            .iter()
            .zip(SHORT)
            .flat_map(|(spans, weekday)| {
                spans.iter().map(move |span| {
                    json!({
                        "weekday": weekday,
                        "opens": clock_face(span.opens),
                        "closes": clock_face(span.closes % DAY_MINUTES),
                    })
                })
            })
            .collect();
        json!({ "days": days, "exceptions": [] })
    }
}

/// `HH:MM`; hours may exceed 24.
pub(crate) fn clock_face(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}
