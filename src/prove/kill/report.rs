//! What came of all strikes: a table for people, JSON for machines.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use infra::fault::Owner;
use serde_json::{Value, json};

use super::strike::Outcome;
use super::strikes::{Action, Strike};
use crate::check::Verdict;
use crate::console;
use crate::demo::paper::Paper;
use crate::simulate::Traffic;

/// One strike and what came of it.
struct Struck {
    strike: Strike,
    outcome: Outcome,
}

/// The books after a session.
struct Checked {
    seed: u64,
    verdict: Value,
    is_clean: bool,
}

/// Everything that a run has seen.
#[derive(Default)]
pub(super) struct Report {
    struck: Vec<Struck>,
    checked: Vec<Checked>,
    traffic: Traffic,
    kept: Vec<PathBuf>,
}

impl Report {
    /// Takes down a strike.
    pub(super) fn struck(&mut self, strike: &Strike, outcome: Outcome) {
        let strike = *strike;
        self.struck.push(Struck { strike, outcome });
    }

    /// Takes down what became of a session's orders.
    pub(super) fn ordered(&mut self, traffic: &Traffic) {
        self.traffic.join(traffic);
    }

    /// Takes down what the checker found after a session.
    pub(super) fn checked(&mut self, seed: u64, verdict: &Verdict) {
        self.checked.push(Checked {
            seed,
            verdict: verdict.json(),
            is_clean: verdict.is_clean(),
        });
    }

    /// Takes down where the logs of a session are kept.
    pub(super) fn kept(&mut self, folder: PathBuf) {
        self.kept.push(folder);
    }

    /// Whether every strike hit and was survived, and all books agree.
    pub(super) fn is_clean(&self) -> bool {
        let survived =
            |struck: &Struck| matches!(struck.outcome, Outcome::Back { .. } | Outcome::NotRun(_));
        self.struck.iter().all(survived) && self.checked.iter().all(|checked| checked.is_clean)
    }

    /// Prints the table.
    pub(super) fn print(&self) {
        let paper = Paper::new();
        paper.heading("Points and what was done there: struck, back, longest time until back");
        for (point, actions) in self.by_point() {
            for (action, cell) in actions {
                Paper::line(format!("{point:<18} {:<6} {}", action.name(), cell.says()));
            }
        }
        paper.heading("From SIGKILL to the first success (reliability, P2)");
        for (owner, promised_s) in PROMISED {
            if let Some(times) = Times::of(self.times(owner)) {
                Paper::line(format!(
                    "{:<12} promised {promised_s:>2} s   {}",
                    name_of(owner),
                    times.says()
                ));
            }
        }
        paper.heading("What became of the orders meanwhile");
        for line in self.traffic.lines() {
            Paper::line(line);
        }
        for checked in self.checked.iter().filter(|checked| !checked.is_clean) {
            Paper::line(format!("seed {}: THE BOOKS DO NOT AGREE", checked.seed));
        }
        for folder in &self.kept {
            Paper::line(format!("logs and history are kept in {}", folder.display()));
        }
        console::line("");
        let back = self.count(|outcome| matches!(outcome, Outcome::Back { .. }));
        console::line(format!(
            "{} strikes: {back} struck and back, {} not hit, {} not back, {} not run; \
             {} checks of the books, {} of them clean",
            self.struck.len(),
            self.count(|outcome| *outcome == Outcome::NotHit),
            self.count(|outcome| *outcome == Outcome::Gone),
            self.count(|outcome| matches!(outcome, Outcome::NotRun(_))),
            self.checked.len(),
            self.checked.iter().filter(|c| c.is_clean).count(),
        ));
    }

    /// The same as JSON.
    pub(super) fn json(&self, seed: u64) -> Value {
        let strikes: Vec<Value> = self.struck.iter().map(line).collect();
        let recovery: BTreeMap<&str, Value> = PROMISED
            .into_iter()
            .filter_map(|(owner, promised_s)| {
                let times = Times::of(self.times(owner))?;
                Some((name_of(owner), times.json(promised_s)))
            })
            .collect();
        let checks: Vec<Value> = self
            .checked
            .iter()
            .map(|checked| json!({ "seed": checked.seed, "verdict": checked.verdict }))
            .collect();
        json!({
            "suite": "kill",
            "seed": seed,
            "clean": self.is_clean(),
            "strikes": strikes,
            "recovery": recovery,
            "orders": self.traffic.lines(),
            "checks": checks,
        })
    }

    fn count(&self, which: impl Fn(&Outcome) -> bool) -> usize {
        self.struck.iter().filter(|s| which(&s.outcome)).count()
    }

    fn by_point(&self) -> BTreeMap<&'static str, BTreeMap<Action, Cell>> {
        let mut table: BTreeMap<_, BTreeMap<Action, Cell>> = BTreeMap::new();
        for Struck { strike, outcome } in &self.struck {
            let row = table.entry(strike.point.name).or_default();
            row.entry(strike.action).or_default().add(outcome);
        }
        table
    }

    /// How long processes of `owner` were away that were killed and started again.
    fn times(&self, owner: Owner) -> Vec<Duration> {
        let of_owner = self.struck.iter().filter_map(|Struck { strike, outcome }| {
            let is_kill = strike.point.owner == owner && strike.action == Action::Kill;
            match outcome {
                Outcome::Back { after, .. } if is_kill => Some(*after),
                Outcome::Back { .. } | Outcome::NotHit | Outcome::Gone | Outcome::NotRun(_) => None,
            }
        });
        of_owner.collect()
    }
}

/// P2: seconds until each part is back.
const PROMISED: [(Owner, u32); 3] = [
    (Owner::CommandApi, 2),
    (Owner::Publisher, 5),
    (Owner::Projector, 10),
];

fn name_of(owner: Owner) -> &'static str {
    match owner {
        Owner::CommandApi => "command-api",
        Owner::Publisher => "publisher",
        Owner::Projector => "projector",
        Owner::Rebuild => "rebuild",
    }
}

fn line(Struck { strike, outcome }: &Struck) -> Value {
    let back_ms = match outcome {
        Outcome::Back { after, .. } => Some(after.as_millis()),
        Outcome::NotHit | Outcome::Gone | Outcome::NotRun(_) => None,
    };
    json!({
        "point": strike.point.name,
        "action": strike.action.name(),
        "nth": strike.nth,
        "outcome": outcome.says(),
        "back_ms": back_ms.and_then(|ms| u64::try_from(ms).ok()),
    })
}

/// All strikes of one point and action.
#[derive(Default)]
struct Cell {
    struck: usize,
    longest: Duration,
    /// What else came of it.
    otherwise: Vec<String>,
}

impl Cell {
    fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Back { after, .. } => {
                self.struck += 1;
                self.longest = self.longest.max(*after);
            }
            Outcome::NotHit | Outcome::Gone | Outcome::NotRun(_) => {
                self.otherwise.push(outcome.says());
            }
        }
    }

    fn says(&self) -> String {
        let longest = self.longest.as_millis();
        let mut text = format!("{:>4} struck {longest:>6} ms", self.struck);
        for other in &self.otherwise {
            text.push_str("   ");
            text.push_str(other);
        }
        text
    }
}

/// Times of recovery, in order.
struct Times(Vec<Duration>);

impl Times {
    fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        (!times.is_empty()).then_some(Self(times))
    }

    fn median(&self) -> Duration {
        self.0[self.0.len() / 2]
    }

    fn longest(&self) -> Duration {
        self.0[self.0.len() - 1]
    }

    fn says(&self) -> String {
        format!(
            "{} times: median {} ms, longest {} ms",
            self.0.len(),
            self.median().as_millis(),
            self.longest().as_millis()
        )
    }

    fn json(&self, promised_s: u32) -> Value {
        json!({
            "times": self.0.len(),
            "median_s": self.median().as_secs_f64(),
            "longest_s": self.longest().as_secs_f64(),
            "promised_s": promised_s,
        })
    }
}
