//! When an order is wanted that is not for as soon as possible.

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::quote::Promise;
use crate::kernel::collect::{Collect, member, object};
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::quantity::Minutes;
use crate::kernel::sample;

/// How long a window may be. Stored windows were within it: it may grow, never shrink.
const MINUTES: std::ops::RangeInclusive<i64> = 10..=120;

/// From when to when an order is wanted: at the door, or at the counter. 10 to 120 minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(try_from = "Ends", into = "Ends")]
pub struct Window {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

/// A window that was agreed on, and when its order goes to the kitchen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Schedule {
    /// When it is wanted.
    pub window: Window,
    /// When the shop is asked: so early that it can answer, cook and bring it by the beginning of the window.
    pub release_at: DateTime<Utc>,
}

/// The ends of a window are not in order, or too near or far from one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a window is 10 to 120 minutes long, and begins before it ends")]
pub struct WindowRefused;

/// A window as JSON has it.
#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ends {
    /// When it begins.
    from: DateTime<Utc>,
    /// When it ends.
    to: DateTime<Utc>,
}

impl TryFrom<Ends> for Window {
    type Error = WindowRefused;

    fn try_from(ends: Ends) -> Result<Self, WindowRefused> {
        Self::new(ends.from, ends.to)
    }
}

impl From<Window> for Ends {
    fn from(window: Window) -> Self {
        let Window { from, to } = window;
        Self { from, to }
    }
}

impl Collect for Window {
    fn collect(value: &serde_json::Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        let ends = object(value, &["from", "to"], at, faults)?;
        let from = member(ends, "from", at, faults);
        let to = member(ends, "to", at, faults);
        match Self::new(from?, to?) {
            Ok(window) => Some(window),
            Err(refused) => {
                faults.add("window_refused", at, refused.to_string());
                None
            }
        }
    }
}

impl Window {
    /// A window between two instants, of which milliseconds and less are left out.
    ///
    /// # Errors
    /// [`WindowRefused`] when it is shorter than 10 minutes or longer than 120.
    pub fn new(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Self, WindowRefused> {
        let whole = |at: DateTime<Utc>| DateTime::from_timestamp(at.timestamp(), 0).unwrap_or(at);
        let (from, to) = (whole(from), whole(to));
        let length = to.signed_duration_since(from);
        let [least, most] = [*MINUTES.start(), *MINUTES.end()].map(TimeDelta::minutes);
        if (least..=most).contains(&length) {
            Ok(Self { from, to })
        } else {
            Err(WindowRefused)
        }
    }

    /// When it begins.
    pub const fn from(self) -> DateTime<Utc> {
        self.from
    }

    /// When it ends; later is late.
    pub const fn to(self) -> DateTime<Utc> {
        self.to
    }

    /// How long it is, in whole minutes.
    pub fn length(self) -> Minutes {
        let minutes = (self.to - self.from).num_minutes().unsigned_abs();
        Minutes::new(u32::try_from(minutes).unwrap_or(u32::MAX))
    }

    /// As a promise.
    pub const fn promise(self) -> Promise {
        Promise {
            earliest: self.from,
            latest: self.to,
        }
    }

    /// For samples of events.
    pub(super) fn sample() -> Self {
        Self::new(sample::minute(180), sample::minute(210)).expect("half an hour")
    }
}

impl Schedule {
    /// For samples of events.
    pub(super) fn sample() -> Self {
        Self {
            window: Window::sample(),
            release_at: sample::minute(150),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::kernel::collect::collect;

    fn window(from: &str, to: &str) -> Value {
        json!({"from": from, "to": to})
    }

    #[test]
    fn a_window_is_read_alike_with_and_without_its_faults() {
        for (text, good) in [
            (window("2026-11-20T18:00:00Z", "2026-11-20T18:30:00Z"), true),
            (window("2026-11-20T18:00:00Z", "2026-11-20T18:10:00Z"), true),
            (
                window("2026-11-20T18:00:00Z", "2026-11-20T18:09:59Z"),
                false,
            ),
            (window("2026-11-20T18:00:00Z", "2026-11-20T20:00:00Z"), true),
            (
                window("2026-11-20T18:00:00Z", "2026-11-20T20:00:01Z"),
                false,
            ),
            (
                window("2026-11-20T18:30:00Z", "2026-11-20T18:00:00Z"),
                false,
            ),
            (
                window("-262143-01-01T00:00:00Z", "+262142-12-31T00:00:00Z"),
                false,
            ),
            (window("2026-11-20T18:00:00", "soon"), false),
            (json!({"from": "2026-11-20T18:00:00Z"}), false),
            (json!("tonight"), false),
        ] {
            let read = serde_json::from_value::<Window>(text.clone());
            assert_eq!(read.is_ok(), good, "{text}");
            assert_eq!(collect::<Window>(&text).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn every_fault_has_its_pointer() {
        let text = json!({"from": "x", "until": "2026-11-20T18:00:00Z"});
        let faults = collect::<Window>(&text).unwrap_err().0;
        let found: Vec<_> = (faults.iter())
            .map(|fault| (fault.code.as_str(), fault.pointer.as_str()))
            .collect();
        let expected = [
            ("unknown_member", "/until"),
            ("instant_malformed", "/from"),
            ("missing", "/to"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_window_in_another_zone_and_with_fractions_is_the_same_window() {
        let one: Window =
            serde_json::from_value(window("2026-11-20T18:00:00.25Z", "2026-11-20T18:30:00.9Z"))
                .unwrap();
        let other: Window = serde_json::from_value(window(
            "2026-11-21T03:00:00+09:00",
            "2026-11-21T03:30:00+09:00",
        ))
        .unwrap();
        assert_eq!((one, one.length().get()), (other, 30));
    }
}
