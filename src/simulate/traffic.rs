//! What became of the orders of several evenings that were played as traffic: nothing was measured beside
//! them, and how they were meant to end counts less than that they ended.

use std::collections::BTreeMap;

use super::play::Played;

/// Orders by outcome, and the stories of the first that did not end as they were meant to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traffic {
    evenings: usize,
    outcomes: BTreeMap<String, usize>,
    strayed: usize,
    stories: Vec<String>,
}

/// Stories that are told.
const STORIES_MAX: usize = 5;

impl Traffic {
    /// Adds an evening.
    pub(crate) fn add(&mut self, played: &Played) {
        self.evenings += 1;
        for (outcome, count) in played.tally.outcomes() {
            *self.outcomes.entry(outcome.clone()).or_default() += count;
        }
        self.strayed += played.tally.strayed();
        self.tell(played.tally.stories());
    }

    /// Adds what another has counted.
    pub(crate) fn join(&mut self, other: &Self) {
        self.evenings += other.evenings;
        for (outcome, count) in &other.outcomes {
            *self.outcomes.entry(outcome.clone()).or_default() += count;
        }
        self.strayed += other.strayed;
        self.tell(&other.stories);
    }

    fn tell(&mut self, stories: &[String]) {
        self.stories.extend(stories.iter().cloned());
        self.stories.truncate(STORIES_MAX);
    }

    /// Lines for people.
    pub(crate) fn lines(&self) -> Vec<String> {
        let outcomes = self.outcomes.iter();
        let mut lines: Vec<String> = outcomes
            .map(|(outcome, count)| format!("{count:>6}  {outcome}"))
            .collect();
        lines.push(format!(
            "{} evenings; {} orders ended otherwise than guests and shops meant them to",
            self.evenings, self.strayed
        ));
        lines.extend(self.stories.iter().cloned());
        lines
    }
}
