//! The marketplace's time.

use chrono::{DateTime, Utc};

use super::fault::Refusals;
use super::vars::Vars;
use crate::clock::Clock;

/// `RAMEN_CLOCK_ORIGIN` (RFC 3339; none: the machine's time), `RAMEN_CLOCK_ANCHOR` (the machine's time
/// at which the origin was shown; none: the start), `RAMEN_CLOCK_SPEED` (1).
#[derive(Clone, Copy, Debug)]
pub struct ClockSettings {
    /// What the clock shows at the anchor.
    pub origin: Option<DateTime<Utc>>,
    /// When it showed it. Processes that share it agree on the time.
    pub anchor: Option<DateTime<Utc>>,
    /// Marketplace seconds in one real second.
    pub speed: u32,
}

impl ClockSettings {
    pub(super) fn read(vars: &mut Vars<'_>) -> Self {
        Self {
            origin: vars.optional("RAMEN_CLOCK_ORIGIN"),
            anchor: vars.optional("RAMEN_CLOCK_ANCHOR"),
            speed: vars.number("RAMEN_CLOCK_SPEED", 1, 1..=100_000),
        }
    }

    pub(super) fn check(&self, refuse: &mut Refusals) {
        refuse.when(
            self.speed != 1 || self.origin.is_some() || self.anchor.is_some(),
            "RAMEN_CLOCK_SPEED",
            "production runs on the world's time",
        );
    }

    /// The clock that these settings describe.
    pub fn clock(&self) -> Clock {
        let machine = Clock::system().now();
        let anchor = self.anchor.unwrap_or(machine);
        Clock::running(anchor, self.origin.unwrap_or(anchor), self.speed)
    }
}
