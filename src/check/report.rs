//! What the checker found: counted by invariant, with the first examples of each, as a table for people
//! or as JSON for machines. It prints nothing.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

/// Examples kept of each invariant's violations; more are only counted.
const EXAMPLES_MAX: usize = 5;

/// Violations kept for those who are told of each at once.
const UNTOLD_MAX: usize = 100;

/// The invariants that this checker knows, by their id in `docs/reliability.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Invariant {
    /// What was answered is stored.
    I1,
    /// A key is one execution.
    I2,
    /// Money.
    I3,
    /// Order within a stream.
    I4,
    /// The global order and the topics.
    I5,
    /// Views are folds.
    I6,
    /// The search index follows the views.
    I7,
    /// Stock.
    I8,
    /// Promotions.
    I9,
    /// Webhooks act once.
    I10,
    /// Steps are those of the tables.
    I12,
    /// A repeated request has the same answer.
    I13,
    /// Processes end.
    I15,
    /// The hash chain.
    I16,
    /// Nothing is left to do.
    I18,
    /// No card number is stored.
    Cards,
    /// The vendors' contracts are kept.
    Breaches,
}

/// What `docs/reliability.md` also demands and this checker does not look at, with the reason.
const BEYOND: &[(&str, &str)] = &[
    (
        "I11",
        "postings sum to zero: there is no ledger of postings yet",
    ),
    (
        "I14",
        "nobody is shown what is another's: tests/it/access.rs asks every route as every role",
    ),
    ("I17", "what is erased is gone: nothing erases yet"),
    ("I19", "customers are told: no messages are sent yet"),
    (
        "I20",
        "memory and queues stay bounded: no metrics of a run are kept for it",
    ),
];

impl Invariant {
    /// All of them, in the order of the report.
    pub(crate) const ALL: &'static [Self] = &[
        Self::I1,
        Self::I2,
        Self::I3,
        Self::I4,
        Self::I5,
        Self::I6,
        Self::I7,
        Self::I8,
        Self::I9,
        Self::I10,
        Self::I12,
        Self::I13,
        Self::I15,
        Self::I16,
        Self::I18,
        Self::Cards,
        Self::Breaches,
    ];

    /// What it says, in a few words.
    pub(crate) fn says(self) -> &'static str {
        match self {
            Self::I1 => "what was answered 2xx is stored",
            Self::I2 => "a key is one execution, stored with its events",
            Self::I3 => "captured once, what was accepted; refunds within it",
            Self::I4 => "each stream is 1..n in store, log and topic",
            Self::I5 => "positions are 1..N; topics hold just the events",
            Self::I6 => "view rows are folds of the events",
            Self::I7 => "the search index shows the views",
            Self::I8 => "stock adds up; holds follow their orders",
            Self::I9 => "redemptions are within their limits",
            Self::I10 => "each webhook has one effect",
            Self::I12 => "only steps of the transition tables",
            Self::I13 => "the same key gets the same answer",
            Self::I15 => "processes end, timers and effects are on time",
            Self::I16 => "the hash chain verifies from 0 to head",
            Self::I18 => "at rest nothing is left to do",
            Self::Cards => "no card number is stored",
            Self::Breaches => "no vendor contract was breached",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::I1 => "I1",
            Self::I2 => "I2",
            Self::I3 => "I3",
            Self::I4 => "I4",
            Self::I5 => "I5",
            Self::I6 => "I6",
            Self::I7 => "I7",
            Self::I8 => "I8",
            Self::I9 => "I9",
            Self::I10 => "I10",
            Self::I12 => "I12",
            Self::I13 => "I13",
            Self::I15 => "I15",
            Self::I16 => "I16",
            Self::I18 => "I18",
            Self::Cards => "cards",
            Self::Breaches => "breaches",
        };
        f.pad(name)
    }
}

/// What was found of one invariant.
#[derive(Clone, Debug, Default)]
struct Finding {
    checked: u64,
    violations: u64,
    examples: Vec<String>,
    not_run: Vec<String>,
}

/// What was found so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    findings: BTreeMap<Invariant, Finding>,
    /// Violations that nobody was told of yet; none are kept where nobody asks.
    untold: Option<Vec<(Invariant, String)>>,
}

impl Report {
    /// A report whose violations are told as they come, by [`Report::untold`].
    pub(super) fn telling() -> Self {
        Self {
            untold: Some(Vec::new()),
            ..Self::default()
        }
    }

    /// The violations since the last call, [`UNTOLD_MAX`] at most: the rest are only counted.
    pub(super) fn untold(&mut self) -> Vec<(Invariant, String)> {
        self.untold.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// What was looked at and violated so far, in one line.
    pub(super) fn line(&self) -> String {
        let each = self.findings.iter().filter(|(_, of)| of.checked > 0);
        let each =
            each.map(|(invariant, of)| format!("{invariant} {}/{}", of.checked, of.violations));
        each.collect::<Vec<_>>().join("  ")
    }

    /// Counts one thing that was looked at.
    pub(crate) fn checked(&mut self, invariant: Invariant) {
        self.checked_many(invariant, 1);
    }

    /// Counts `count` things that were looked at.
    pub(crate) fn checked_many(&mut self, invariant: Invariant, count: u64) {
        let finding = self.findings.entry(invariant).or_default();
        finding.checked = finding.checked.saturating_add(count);
    }

    /// Counts a violation; the text names the row and says what is wrong with it.
    pub(crate) fn violated(&mut self, invariant: Invariant, what: impl Into<String>) {
        let finding = self.findings.entry(invariant).or_default();
        finding.violations = finding.violations.saturating_add(1);
        let what = what.into();
        if let Some(untold) = self.untold.as_mut().filter(|of| of.len() < UNTOLD_MAX) {
            untold.push((invariant, what.clone()));
        }
        if finding.examples.len() < EXAMPLES_MAX {
            finding.examples.push(what);
        }
    }

    /// Counts one thing that was looked at, and a violation unless it `holds`.
    pub(crate) fn expect(
        &mut self,
        invariant: Invariant,
        holds: bool,
        otherwise: impl FnOnce() -> String,
    ) {
        self.checked(invariant);
        if !holds {
            self.violated(invariant, otherwise());
        }
    }

    /// Notes that an invariant, or a part of it, could not be looked at. It is then not passed.
    pub(crate) fn not_run(&mut self, invariant: Invariant, why: impl Into<String>) {
        self.findings
            .entry(invariant)
            .or_default()
            .not_run
            .push(why.into());
    }

    /// What was found of some invariants: how much was looked at, how many violations, the first of them.
    pub(super) fn found_of(self, invariants: &[Invariant]) -> (u64, u64, Vec<String>) {
        let of = |(invariant, finding)| invariants.contains(&invariant).then_some(finding);
        self.findings.into_iter().filter_map(of).fold(
            (0, 0, Vec::new()),
            |(checked, violations, mut examples), finding| {
                examples.extend(finding.examples);
                (
                    checked + finding.checked,
                    violations + finding.violations,
                    examples,
                )
            },
        )
    }

    /// The end of the checking.
    pub(crate) fn close(self) -> Verdict {
        Verdict {
            findings: self.findings,
        }
    }
}

/// The outcome of a run of the checker.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    findings: BTreeMap<Invariant, Finding>,
}

impl Verdict {
    /// Whether nothing is violated. What was not run is not thereby passed: the table says so.
    pub(crate) fn is_clean(&self) -> bool {
        self.findings
            .values()
            .all(|finding| finding.violations == 0)
    }

    /// Whether everything that this checker knows was looked at.
    fn is_whole(&self) -> bool {
        self.findings
            .values()
            .all(|finding| finding.not_run.is_empty())
    }

    /// The ids of the invariants that are violated, in order.
    #[cfg(test)]
    pub(super) fn violated(&self) -> Vec<Invariant> {
        let bad = self
            .findings
            .iter()
            .filter(|(_, finding)| finding.violations > 0);
        bad.map(|(invariant, _)| *invariant).collect()
    }

    /// How many things were looked at for `invariant`.
    #[cfg(test)]
    pub(super) fn count_checked(&self, invariant: Invariant) -> u64 {
        self.findings
            .get(&invariant)
            .map_or(0, |finding| finding.checked)
    }

    /// The outcome as JSON: `{clean, invariants: [{invariant, says, checked, violations, examples,
    /// not_run}], beyond: [{invariant, not_run}]}`.
    pub(crate) fn json(&self) -> Value {
        let lines: Vec<Value> = self
            .lines()
            .map(|(invariant, finding)| {
                json!({
                    "invariant": invariant.to_string(),
                    "says": invariant.says(),
                    "checked": finding.checked,
                    "violations": finding.violations,
                    "examples": finding.examples,
                    "not_run": finding.not_run,
                })
            })
            .collect();
        let beyond = BEYOND
            .iter()
            .map(|(id, why)| json!({ "invariant": id, "not_run": why }));
        json!({
            "clean": self.is_clean(),
            "invariants": lines,
            "beyond": beyond.collect::<Vec<_>>(),
        })
    }

    /// What was not looked at, with the invariants that it leaves open.
    fn not_run(&self) -> Vec<(String, Vec<String>)> {
        let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
        for (invariant, finding) in self.lines() {
            for why in finding.not_run {
                match reasons.iter_mut().find(|(known, _)| *known == why) {
                    Some((_, invariants)) => invariants.push(invariant.to_string()),
                    None => reasons.push((why, vec![invariant.to_string()])),
                }
            }
        }
        reasons
    }

    fn lines(&self) -> impl Iterator<Item = (Invariant, Finding)> {
        Invariant::ALL.iter().map(|invariant| {
            let finding = self.findings.get(invariant).cloned();
            (*invariant, finding.unwrap_or_default())
        })
    }
}

impl Finding {
    fn outcome(&self) -> &'static str {
        match (self.violations, self.checked, self.not_run.is_empty()) {
            (1.., _, _) => "VIOLATED",
            (0, 0, false) => "not run",
            (0, 0, true) => "nothing to check",
            (0, _, true) => "passed",
            (0, _, false) => "passed in part",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<9} {:<52} {:>10} {:>10}  outcome",
            "invariant", "what must be true", "looked at", "violations"
        )?;
        for (invariant, finding) in self.lines() {
            let (says, outcome) = (invariant.says(), finding.outcome());
            let (checked, violations) = (finding.checked, finding.violations);
            writeln!(
                f,
                "{invariant:<9} {says:<52} {checked:>10} {violations:>10}  {outcome}"
            )?;
        }
        for (invariant, finding) in self.lines() {
            for example in &finding.examples {
                writeln!(f, "{invariant:<9} violated: {example}")?;
            }
            let shown = u64::try_from(finding.examples.len()).unwrap_or(u64::MAX);
            if finding.violations > shown {
                writeln!(f, "{invariant:<9} and {} more", finding.violations - shown)?;
            }
        }
        for (why, invariants) in self.not_run() {
            writeln!(f, "{:<9} not run: {why}", invariants.join(", "))?;
        }
        for (id, why) in BEYOND {
            writeln!(f, "{id:<9} not run: {why}")?;
        }
        f.write_str(match (self.is_clean(), self.is_whole()) {
            (false, _) => "VIOLATIONS FOUND",
            (true, true) => "no violation found",
            (true, false) => {
                "no violation found in what was looked at; see \"not run\" for the rest"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_run_is_never_shown_as_passed() {
        let mut report = Report::default();
        report.not_run(Invariant::I1, "no history");
        report.checked(Invariant::I5);
        report.not_run(Invariant::I5, "no broker");
        let verdict = report.close();
        let table = verdict.to_string();
        assert!(verdict.is_clean());
        assert!(table.contains("not run: no history"));
        let line = |id: &str| {
            table
                .lines()
                .find(|line| line.starts_with(id))
                .unwrap()
                .to_owned()
        };
        assert!(line("I1 ").ends_with("not run"));
        assert!(line("I5 ").ends_with("passed in part"));
    }

    #[test]
    fn a_violation_is_counted_and_shown_by_example() {
        let mut report = Report::default();
        for number in 0..9 {
            report.expect(Invariant::I4, false, || format!("hole {number}"));
        }
        let verdict = report.close();
        assert!(!verdict.is_clean());
        assert_eq!(verdict.json()["invariants"][3]["violations"], 9);
        assert_eq!(
            verdict.json()["invariants"][3]["examples"]
                .as_array()
                .unwrap()
                .len(),
            5
        );
        assert!(verdict.to_string().contains("and 4 more"));
    }
}
