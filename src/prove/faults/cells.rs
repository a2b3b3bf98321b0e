//! What goes wrong with whom: the rows of the matrix.

use std::time::Duration;

use anyhow::bail;
use serde_json::{Value, json};

use crate::chaos::{Fault, Way};

/// What the services depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dependency {
    /// The event store, the views, everything that waits.
    Postgres,
    /// Copies of the events, for others.
    Kafka,
    /// Takes the money.
    Stripe,
}

impl Dependency {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Postgres, Self::Kafka, Self::Stripe];

    /// Its name in a cell's.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Kafka => "kafka",
            Self::Stripe => "stripe",
        }
    }

    /// Longest time from the end of a fault to the first success (reliability, section 5; a vendor has to be
    /// tried again, and drains like everything else).
    pub(super) const fn success_within(self) -> Duration {
        match self {
            Self::Postgres => Duration::from_secs(30),
            Self::Kafka | Self::Stripe => Duration::from_mins(1),
        }
    }
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// The network.
    Wire(Fault),
    /// What the vendor says: a fault of the sandbox, as its control surface takes it.
    Vendor(Value),
}

/// One cell of the matrix.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// With whom.
    pub(super) dependency: Dependency,
    /// The fault's name.
    pub(super) fault: &'static str,
    /// What goes wrong.
    pub(super) trouble: Trouble,
    /// For how long.
    pub(super) hold: Duration,
}

impl Cell {
    /// As it is chosen and reported.
    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.dependency.name(), self.fault)
    }
}

/// The cells that are chosen, or all.
///
/// # Errors
/// When one is chosen that is not there.
pub(super) fn of(only: &[String], hold: Duration) -> anyhow::Result<Vec<Cell>> {
    let all = all(hold);
    let fits = |cell: &Cell, name: &String| {
        *name == cell.name() || name.as_str() == cell.dependency.name()
    };
    let unknown = only
        .iter()
        .find(|name| !all.iter().any(|cell| fits(cell, name)));
    if let Some(name) = unknown {
        let known: Vec<String> = all.iter().map(Cell::name).collect();
        bail!("no cell is named {name}; there are: {}", known.join(", "));
    }
    let chosen = |cell: &Cell| only.is_empty() || only.iter().any(|name| fits(cell, name));
    Ok(all.into_iter().filter(chosen).collect())
}

fn all(hold: Duration) -> Vec<Cell> {
    let mut cells = Vec::new();
    for dependency in Dependency::ALL {
        for (fault, wire) in WIRE {
            let hold = if let Fault::Delay { by, .. } = wire {
                hold.max(by + AFTER_A_DELAY)
            } else {
                hold
            };
            cells.push(Cell {
                dependency,
                fault,
                trouble: Trouble::Wire(wire),
                hold,
            });
        }
    }
    for (fault, rule) in vendor() {
        cells.push(Cell {
            dependency: Dependency::Stripe,
            fault,
            trouble: Trouble::Vendor(rule),
            hold,
        });
    }
    cells
}

/// What is delayed has to come while the fault lasts.
const AFTER_A_DELAY: Duration = Duration::from_secs(4);

/// What can go wrong on the way. A cut falls into the middle of what a connection says first.
const WIRE: [(&str, Fault); 10] = [
    ("refuse", Fault::Refuse),
    ("reset", Fault::Reset),
    ("black-hole", Fault::BlackHole),
    ("delay-2s", delay(2)),
    ("delay-30s", delay(30)),
    ("slow-1kb", Fault::Slow { rate: 1_024 }),
    ("slice", Fault::Slice { bytes: 7 }),
    (
        "cut",
        Fault::Cut {
            way: Way::Reply,
            after: 700,
        },
    ),
    ("lose-reply", Fault::LoseReply),
    ("half-open", Fault::HalfOpen),
];

const fn delay(seconds: u64) -> Fault {
    Fault::Delay {
        way: Way::Reply,
        by: Duration::from_secs(seconds),
    }
}

/// What the sandbox can do above TCP.
fn vendor() -> [(&'static str, Value); 5] {
    [
        (
            "500-burst",
            json!({ "name": "status_burst", "status": 500 }),
        ),
        (
            "503-burst",
            json!({ "name": "status_burst", "status": 503 }),
        ),
        ("429", json!({ "name": "rate_limit" })),
        ("malformed-200", json!({ "name": "malformed_body" })),
        (
            "success-after-timeout",
            json!({ "name": "timeout_after_success" }),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const HOLD: Duration = Duration::from_secs(1);

    #[test]
    fn every_fault_meets_every_dependency_and_has_a_name_of_its_own() {
        let cells = of(&[], HOLD).unwrap();
        let names: BTreeSet<String> = cells.iter().map(Cell::name).collect();
        assert_eq!(names.len(), cells.len());
        assert_eq!(cells.len(), 3 * WIRE.len() + vendor().len());
    }

    #[test]
    fn one_cell_or_all_of_a_dependency_are_chosen_by_name() {
        let one = of(&["kafka:refuse".into()], HOLD).unwrap();
        assert_eq!(one.len(), 1);
        let kafka = of(&["kafka".into()], HOLD).unwrap();
        assert_eq!(kafka.len(), WIRE.len());
        let refused = of(&["kafka:429".into()], HOLD).unwrap_err();
        assert!(refused.to_string().contains("stripe:429"), "{refused}");
    }

    #[test]
    fn a_delay_stays_until_what_it_holds_has_come() {
        let late = of(&["postgres:delay-30s".into()], HOLD).unwrap();
        assert!(late[0].hold > Duration::from_secs(30));
    }
}
