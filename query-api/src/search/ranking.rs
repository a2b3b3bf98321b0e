//! The order of hits: what counts, how much, and how it is told.

use std::str::FromStr as _;

use domain::kernel::bowl::Style;
use infra::search_schema::STYLES;

/// At this distance a hit's score is halved.
const HALVING_M: f64 = 3_000.0;
/// A shop that takes no orders is shown, but behind.
const CLOSED: f64 = 0.5;
/// A bowl that stays longer on its way than its style should, and one that is no ramen any more.
const PAST_TARGET: f64 = 0.8;
const PAST_HARD_STOP: f64 = 0.4;
/// A dish that is not brought to the place: it can be fetched.
const NOT_DELIVERED: f64 = 0.6;
/// What popularity adds at most.
const LIKED: f64 = 0.2;
/// The popularity that adds half of it.
const LIKED_HALF: f64 = 100.0;

/// Minutes on the way: what a style should stay below, and what it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StyleClock {
    target: u32,
    hard_stop: u32,
}

/// How a dish's way to the door compares with the clock of its style.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// It has none, or nobody said where to.
    Unknown,
    /// The shop does not deliver there.
    NotDelivered,
    /// It arrives in time.
    InTime,
    /// Later than it should.
    PastTarget,
    /// Too late.
    PastHardStop,
}

/// The clocks by the code of the style.
pub(super) fn clocks() -> Vec<Option<StyleClock>> {
    let clock = |name: &str| {
        let row = Style::from_str(name).ok()?.sla()?;
        Some(StyleClock {
            target: row.target.get(),
            hard_stop: row.hard_stop.get(),
        })
    };
    STYLES.iter().map(|style| clock(style.name)).collect()
}

impl StyleClock {
    /// Compares the way to the door with it.
    pub(super) fn compare(self, travel: Option<u32>) -> Clock {
        match travel {
            None => Clock::NotDelivered,
            Some(minutes) if minutes <= self.target => Clock::InTime,
            Some(minutes) if minutes <= self.hard_stop => Clock::PastTarget,
            Some(_) => Clock::PastHardStop,
        }
    }
}

/// What a hit is ranked by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Signals {
    /// How well the words fit; none without words.
    pub(super) text: Option<f32>,
    /// From the place searched near.
    pub(super) distance_m: Option<u32>,
    pub(super) clock: Clock,
    pub(super) open: bool,
    pub(super) popularity: u64,
}

impl Signals {
    /// Words first, less by distance, by a clock that is missed and by closed doors, more by popularity.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a score orders hits; its last digits say nothing"
    )]
    pub(super) fn score(&self) -> f32 {
        let nearness = self
            .distance_m
            .map_or(1.0, |metres| 1.0 / (1.0 + f64::from(metres) / HALVING_M));
        let clock = match self.clock {
            Clock::Unknown | Clock::InTime => 1.0,
            Clock::NotDelivered => NOT_DELIVERED,
            Clock::PastTarget => PAST_TARGET,
            Clock::PastHardStop => PAST_HARD_STOP,
        };
        let open = if self.open { 1.0 } else { CLOSED };
        let popularity = self.popularity as f64;
        let liked = 1.0 + LIKED * popularity / (popularity + LIKED_HALF);
        self.text.unwrap_or(1.0) * (nearness * clock * open * liked) as f32
    }

    /// What counted, for this hit.
    pub(super) fn why(&self) -> Vec<&'static str> {
        let reasons = [
            ("text", self.text.is_some()),
            ("distance", self.distance_m.is_some()),
            ("clock", self.clock != Clock::Unknown),
            ("open", self.open),
            ("popularity", self.popularity > 0),
        ];
        let counted = reasons.into_iter().filter(|(_, counted)| *counted);
        counted.map(|(reason, _)| reason).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Signals = Signals {
        text: None,
        distance_m: None,
        clock: Clock::Unknown,
        open: true,
        popularity: 0,
    };

    #[test]
    fn nearer_open_in_time_and_popular_come_first() {
        let score = |signals: Signals| signals.score();
        let near = |metres| Signals {
            distance_m: Some(metres),
            ..PLAIN
        };
        assert!(score(near(100)) > score(near(200)));
        assert!(
            score(PLAIN)
                > score(Signals {
                    open: false,
                    ..PLAIN
                })
        );
        let clock = |clock| score(Signals { clock, ..PLAIN });
        assert!(clock(Clock::InTime) > clock(Clock::PastTarget));
        assert!(clock(Clock::PastTarget) > clock(Clock::NotDelivered));
        assert!(clock(Clock::NotDelivered) > clock(Clock::PastHardStop));
        assert!(
            score(Signals {
                popularity: 10,
                ..PLAIN
            }) > score(PLAIN)
        );
    }

    #[test]
    fn a_thin_noodle_has_a_shorter_clock_than_a_thick_one() {
        let clocks = clocks();
        let of = |name| {
            let at = STYLES.iter().position(|style| style.name == name).unwrap();
            clocks[at].map(|clock| clock.compare(Some(45)))
        };
        assert_eq!(of("hakata_tonkotsu"), Some(Clock::PastHardStop));
        assert_eq!(of("tsukemen"), Some(Clock::PastTarget));
        assert_eq!(of("kit"), Some(Clock::InTime));
        assert_eq!(of("drink"), None);
    }
}
