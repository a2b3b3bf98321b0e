//! Counts what became of the orders, and whether the bowls were still ramen at the door.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::fate::Fate;

/// Failures kept in words; more are only counted.
const FAILURES_TOLD: usize = 10;

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// At the door, with its clocks.
    Delivered(Arrival),
    /// Fetched at the counter.
    Collected,
    /// The shop did not take it, or nobody answered.
    Rejected,
    /// The guest cancelled.
    Cancelled,
    /// It was never paid.
    Expired,
    /// Cancelled because nobody could carry it.
    NoCourier,
    /// The cart could not be ordered, with the codes.
    Refused(String),
}

impl Outcome {
    /// The outcome that an event or state of an ended order says.
    pub(crate) fn of_event(event: &str) -> Self {
        match event {
            "rejected" => Self::Rejected,
            "expired" => Self::Expired,
            _ => Self::Cancelled,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Delivered(_) => "delivered".to_owned(),
            Self::Collected => "collected".to_owned(),
            Self::Rejected => "rejected by the shop".to_owned(),
            Self::Cancelled => "cancelled by the guest".to_owned(),
            Self::Expired => "never paid".to_owned(),
            Self::NoCourier => "no courier".to_owned(),
            Self::Refused(codes) => format!("not sold ({codes})"),
        }
    }
}

/// The clocks of a delivered order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// When it was handed over.
    delivered_at: Option<DateTime<Utc>>,
    /// Until when it is ramen; none without bowls.
    slurp_deadline: Option<DateTime<Utc>>,
    /// The promise's later end.
    promised_until: Option<DateTime<Utc>>,
    /// When it was placed.
    placed_at: Option<DateTime<Utc>>,
}

impl Arrival {
    /// Reads the clocks of `GET /v1/orders/{id}`.
    pub(crate) fn of(order: &Value) -> Self {
        let instant = |pointer: &str| {
            let text = order.pointer(pointer).and_then(Value::as_str)?;
            DateTime::parse_from_rfc3339(text)
                .ok()
                .map(|at| at.to_utc())
        };
        Self {
            delivered_at: instant("/delivered_at"),
            slurp_deadline: instant("/slurp_deadline"),
            promised_until: instant("/promise_latest"),
            placed_at: instant("/placed_at"),
        }
    }

    fn in_time(by: Option<DateTime<Utc>>, at: Option<DateTime<Utc>>) -> Option<bool> {
        Some(at? <= by?)
    }
}

/// All outcomes of a day.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    outcomes: BTreeMap<String, usize>,
    failures: Vec<String>,
    failed: usize,
    as_meant: usize,
    slurped: (usize, usize),
    promised: (usize, usize),
    click_to_door_s: Vec<i64>,
}

impl Tally {
    /// Counts one order that was meant to go the way of `fate`.
    pub(crate) fn add(&mut self, fate: Fate, lived: anyhow::Result<Outcome>) {
        match lived {
            Ok(outcome) => {
                self.as_meant += usize::from(fate.fits(&outcome));
                *self.outcomes.entry(outcome.name()).or_default() += 1;
                if let Outcome::Delivered(arrival) = outcome {
                    self.arrived(arrival);
                }
            }
            Err(fault) => {
                self.failed += 1;
                if self.failures.len() < FAILURES_TOLD {
                    self.failures.push(format!("{fault:#}"));
                }
            }
        }
    }

    fn arrived(&mut self, arrival: Arrival) {
        let at = arrival.delivered_at;
        count(
            &mut self.slurped,
            Arrival::in_time(arrival.slurp_deadline, at),
        );
        count(
            &mut self.promised,
            Arrival::in_time(arrival.promised_until, at),
        );
        if let Some(span) = at.zip(arrival.placed_at).map(|(at, placed)| at - placed) {
            self.click_to_door_s.push(span.num_seconds());
        }
    }

    /// Orders that ended as the marketplace means them to, and those that did not.
    pub(crate) fn sums(&self) -> (usize, usize) {
        (self.outcomes.values().sum(), self.failed)
    }

    /// Lines for people: outcomes, clocks, failures.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .outcomes
            .iter()
            .map(|(name, count)| format!("{count:>6}  {name}"))
            .collect();
        if self.failed > 0 {
            lines.push(format!("{:>6}  FAILED", self.failed));
        }
        let all = self.sums().0 + self.failed;
        lines.push(share(
            "as guests and shops meant it",
            (self.as_meant, all - self.as_meant),
        ));
        lines.push(share("still ramen at the door", self.slurped));
        lines.push(share("within the promise", self.promised));
        if let Some(median) = self.median_click_to_door_s() {
            lines.push(format!("median click to door: {} min", median / 60));
        }
        lines.extend(self.failures.iter().map(|fault| format!("failed: {fault}")));
        lines
    }

    fn median_click_to_door_s(&self) -> Option<i64> {
        let mut all = self.click_to_door_s.clone();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    }
}

fn count(sums: &mut (usize, usize), in_time: Option<bool>) {
    match in_time {
        Some(true) => sums.0 += 1,
        Some(false) => sums.1 += 1,
        None => {}
    }
}

fn share(what: &str, (good, bad): (usize, usize)) -> String {
    let all = good + bad;
    let percent = (good * 100).checked_div(all).unwrap_or(0);
    format!("{what}: {good} of {all} ({percent} %)")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn clocks_are_counted() {
        let order = |delivered: &str| {
            json!({
                "delivered_at": delivered,
                "slurp_deadline": "2026-03-04T12:30:00Z",
                "promise_latest": "2026-03-04T12:20:00Z",
                "placed_at": "2026-03-04T12:00:00Z",
            })
        };
        let mut tally = Tally::default();
        for at in [
            "2026-03-04T12:10:00Z",
            "2026-03-04T12:25:00Z",
            "2026-03-04T12:40:00Z",
        ] {
            tally.add(
                Fate::Delivered,
                Ok(Outcome::Delivered(Arrival::of(&order(at)))),
            );
        }
        tally.add(Fate::Delivered, Ok(Outcome::of_event("rejected")));
        tally.add(Fate::Pickup, Err(anyhow::anyhow!("lost")));
        assert_eq!(tally.sums(), (4, 1));
        assert_eq!(
            tally.lines(),
            [
                "     3  delivered",
                "     1  rejected by the shop",
                "     1  FAILED",
                "as guests and shops meant it: 3 of 5 (60 %)",
                "still ramen at the door: 2 of 3 (66 %)",
                "within the promise: 1 of 3 (33 %)",
                "median click to door: 25 min",
                "failed: lost",
            ]
        );
    }
}
