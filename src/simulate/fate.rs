//! What each guest, shop and card will do: drawn from a seed, so that a day can be played again.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::tally::Outcome;

/// How an order is meant to go. What becomes of it is the marketplace's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// To the door.
    Delivered,
    /// Fetched at the counter.
    Pickup,
    /// The shop does not take it.
    Rejected,
    /// The guest thinks better of it.
    Cancelled,
    /// The card is declined and the guest goes away.
    Declined,
    /// The card is declined, another one works.
    SecondCard,
}

impl Fate {
    /// How an order that is meant to go this way should end.
    pub(super) fn says(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Pickup => "collected",
            Self::Rejected => "rejected by the shop",
            Self::Cancelled => "cancelled by the guest",
            Self::Declined => "never paid",
            Self::SecondCard => "paid with a second card and delivered",
        }
    }

    /// Whether an order that was meant to go this way did.
    pub(crate) fn fits(self, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::Delivered(_) => matches!(self, Self::Delivered | Self::SecondCard),
            Outcome::Collected => self == Self::Pickup,
            Outcome::Rejected => self == Self::Rejected,
            Outcome::Cancelled => self == Self::Cancelled,
            Outcome::Expired => self == Self::Declined,
            Outcome::NoCourier | Outcome::Refused(_) => false,
        }
    }
}

/// Shares in a thousand; the rest is delivered. Chosen so that a day of some hundred orders has a
/// handful of each; they are no claim about real days.
const SHARES: [(Fate, u32); 5] = [
    (Fate::Pickup, 80),
    (Fate::Rejected, 30),
    (Fate::Cancelled, 30),
    (Fate::Declined, 20),
    (Fate::SecondCard, 20),
];

/// All that is decided about one order before it is placed.
#[derive(Debug)]
pub(crate) struct Plan {
    /// How it is meant to go.
    pub(crate) fate: Fate,
    /// Seconds until somebody in the shop reacts.
    pub(crate) reaction_s: i64,
    /// For what the guest chooses.
    pub(crate) random: StdRng,
}

/// Draws the plan of an order.
pub(crate) fn plan(seed: u64, index: usize) -> Plan {
    let index = u64::try_from(index).unwrap_or(u64::MAX);
    let mut random = StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(index));
    let mut draw = random.random_range(0..1_000);
    let mut fate = Fate::Delivered;
    for (candidate, share) in SHARES {
        if draw < share {
            fate = candidate;
            break;
        }
        draw -= share;
    }
    Plan {
        fate,
        reaction_s: random.random_range(5..60),
        random,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_fates_and_a_day_has_all_of_them() {
        let fates = |seed| {
            (0..2_000)
                .map(|index| plan(seed, index).fate)
                .collect::<Vec<_>>()
        };
        assert_eq!(fates(1), fates(1));
        assert_ne!(fates(1), fates(2));
        let count = |fate| fates(1).iter().filter(|found| **found == fate).count();
        assert!(SHARES.iter().all(|(fate, _)| count(*fate) > 10));
        assert!((1_500..1_800).contains(&count(Fate::Delivered)));
    }
}
