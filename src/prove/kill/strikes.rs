//! What is to be done: points times actions, in an order that a seed gives.

use anyhow::bail;
use clap::ValueEnum;
use infra::fault::{Needs, POINTS, Point};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _};

/// What happens to a process at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Action {
    /// SIGKILL.
    Kill,
    /// SIGSTOP, and back after a while.
    Stop,
    /// The task panics.
    Panic,
    /// The thread sleeps for two seconds.
    Sleep,
}

impl Action {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::Kill, Self::Stop, Self::Panic, Self::Sleep];

    /// Its name in a plan.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Stop => "stop",
            Self::Panic => "panic",
            Self::Sleep => "sleep",
        }
    }
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Strike {
    /// Where.
    pub(super) point: &'static Point,
    /// What.
    pub(super) action: Action,
    /// The passage that it strikes, counted from the process's start.
    pub(super) nth: u64,
}

impl Strike {
    /// As `RAMEN_FAULT` is written.
    pub(super) fn plan(&self) -> String {
        format!("{}:{}:{}", self.point.name, self.nth, self.action.name())
    }
}

/// The strikes of a session: the chosen points, or all, each with every action.
///
/// # Errors
/// When there is no such point.
pub(super) fn of(
    chosen: &[String],
    actions: &[Action],
    random: &mut StdRng,
) -> anyhow::Result<Vec<Strike>> {
    let unknown = chosen
        .iter()
        .find(|name| !POINTS.iter().any(|point| point.name == **name));
    if let Some(name) = unknown {
        let known: Vec<_> = POINTS.iter().map(|point| point.name).collect();
        bail!("no point is named {name}; there are: {}", known.join(", "));
    }
    let wanted = |point: &&Point| chosen.is_empty() || chosen.iter().any(|name| name == point.name);
    let mut strikes = Vec::new();
    for point in POINTS.iter().filter(wanted) {
        for action in actions {
            strikes.push(Strike {
                point,
                action: *action,
                nth: nth(point, random),
            });
        }
    }
    // Another order with each seed, so that other processes are young when one is struck.
    for last in (1..strikes.len()).rev() {
        strikes.swap(last, random.random_range(0..=last));
    }
    Ok(strikes)
}

/// What is rarely passed is struck the first time.
fn nth(point: &Point, random: &mut StdRng) -> u64 {
    const RARE: [&str; 4] = ["rebuild.", "timer.fired", "sign.", "index."];
    let is_rare = RARE.iter().any(|start| point.name.starts_with(start));
    if is_rare || point.needs != Needs::Traffic {
        1
    } else {
        1 + random.next_u64() % 3
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn every_point_is_struck_with_every_action_in_an_order_of_the_seed() {
        let strikes = |seed| {
            let mut random = StdRng::seed_from_u64(seed);
            of(&[], &Action::ALL, &mut random).unwrap()
        };
        let first = strikes(1);
        assert_eq!(first.len(), POINTS.len() * Action::ALL.len());
        assert_eq!(first, strikes(1));
        assert_ne!(first, strikes(2));
    }

    #[test]
    fn a_point_that_is_not_there_is_refused_with_those_that_are() {
        let mut random = StdRng::seed_from_u64(1);
        let refused = of(&["cmd.lost".into()], &Action::ALL, &mut random).unwrap_err();
        assert!(refused.to_string().contains("cmd.loaded"), "{refused}");
    }
}
