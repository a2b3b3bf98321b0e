//! Counts what became of the orders, whether the bowls were still ramen at the door, and tells of those
//! that did not end as they were meant to.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::fate::Fate;

/// Orders that strayed and are told in full; more are only counted.
const STORIES_TOLD: usize = 10;

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
            Self::NoCourier => "cancelled: no courier was free for an hour".to_owned(),
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

/// How one order went.
#[derive(Debug)]
pub(super) struct Lived {
    /// The data's name for it.
    pub(super) key: String,
    /// The data's name of the shop.
    pub(super) shop: String,
    /// Its id, once it was checked out.
    pub(super) order: Option<String>,
    /// How it was meant to go.
    pub(super) meant: Fate,
    /// How it ended, or what went wrong.
    pub(super) ended: Result<Outcome, String>,
    /// The last problem details that told of it.
    pub(super) problem: Option<Value>,
}

impl Lived {
    fn is_as_meant(&self) -> bool {
        let ended = self.ended.as_ref();
        ended.is_ok_and(|outcome| self.meant.fits(outcome))
    }

    /// What was meant and what happened, in a paragraph.
    fn story(&self) -> String {
        let Self { key, shop, .. } = self;
        let order = self.order.as_deref().unwrap_or("that was never placed");
        let meant = self.meant.says();
        let happened = match &self.ended {
            Ok(outcome) => outcome.name(),
            Err(fault) => format!("something that should work did not: {fault}"),
        };
        let problem = match &self.problem {
            Some(problem) => problem.to_string(),
            None => "none".to_owned(),
        };
        format!(
            "order {order} ({key} of the data, at {shop})\n    \
             meant:        {meant}\n    happened:     {happened}\n    last problem: {problem}"
        )
    }
}

/// All outcomes of a day.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    outcomes: BTreeMap<String, usize>,
    as_meant: usize,
    strayed: usize,
    stories: Vec<String>,
    slurped: (usize, usize),
    promised: (usize, usize),
    click_to_door_s: Vec<i64>,
}

impl Tally {
    /// Counts one order.
    pub(super) fn add(&mut self, lived: &Lived) {
        if lived.is_as_meant() {
            self.as_meant += 1;
        } else {
            self.strayed += 1;
            if self.stories.len() < STORIES_TOLD {
                self.stories.push(lived.story());
            }
        }
        let name = match &lived.ended {
            Ok(outcome) => outcome.name(),
            Err(_) => "FAILED".to_owned(),
        };
        *self.outcomes.entry(name).or_default() += 1;
        if let Ok(Outcome::Delivered(arrival)) = &lived.ended {
            self.arrived(*arrival);
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

    /// Orders in all.
    pub(crate) fn all(&self) -> usize {
        self.as_meant + self.strayed
    }

    /// Orders that did not end as guests and shops meant them to.
    pub(crate) fn strayed(&self) -> usize {
        self.strayed
    }

    /// How many orders ended in which way.
    pub(crate) fn outcomes(&self) -> &BTreeMap<String, usize> {
        &self.outcomes
    }

    /// What happened in orders that did not end as meant: the first of them, a paragraph each.
    pub(crate) fn stories(&self) -> &[String] {
        &self.stories
    }

    /// Lines for people: outcomes and clocks.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .outcomes
            .iter()
            .map(|(name, count)| format!("{count:>6}  {name}"))
            .collect();
        lines.push(share(
            "ended as guests and shops meant it",
            (self.as_meant, self.strayed),
        ));
        lines.push(share("still ramen at the door", self.slurped));
        lines.push(share("there within the promise", self.promised));
        if let Some(median) = self.median_click_to_door_s() {
            lines.push(format!("median from click to door: {} min", median / 60));
        }
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
    fn clocks_are_counted_and_orders_that_strayed_are_told() {
        let order = |delivered: &str| {
            json!({
                "delivered_at": delivered,
                "slurp_deadline": "2026-03-04T12:30:00Z",
                "promise_latest": "2026-03-04T12:20:00Z",
                "placed_at": "2026-03-04T12:00:00Z",
            })
        };
        let lived = |meant, ended, problem| Lived {
            key: "row 7".to_owned(),
            shop: "shop 3".to_owned(),
            order: Some("0190".to_owned()),
            meant,
            ended,
            problem,
        };
        let mut tally = Tally::default();
        for at in [
            "2026-03-04T12:10:00Z",
            "2026-03-04T12:25:00Z",
            "2026-03-04T12:40:00Z",
        ] {
            let outcome = Outcome::Delivered(Arrival::of(&order(at)));
            tally.add(&lived(Fate::Delivered, Ok(outcome), None));
        }
        let problem = json!({ "code": "not_allowed" });
        tally.add(&lived(
            Fate::Delivered,
            Ok(Outcome::of_event("rejected")),
            Some(problem),
        ));
        tally.add(&lived(Fate::Pickup, Err("lost".to_owned()), None));
        assert_eq!((tally.all(), tally.strayed()), (5, 2));
        assert_eq!(
            tally.lines(),
            [
                "     1  FAILED",
                "     3  delivered",
                "     1  rejected by the shop",
                "ended as guests and shops meant it: 3 of 5 (60 %)",
                "still ramen at the door: 2 of 3 (66 %)",
                "there within the promise: 1 of 3 (33 %)",
                "median from click to door: 25 min",
            ]
        );
        assert_eq!(
            tally.stories(),
            [
                "order 0190 (row 7 of the data, at shop 3)\n    \
                 meant:        delivered\n    happened:     rejected by the shop\n    \
                 last problem: {\"code\":\"not_allowed\"}",
                "order 0190 (row 7 of the data, at shop 3)\n    \
                 meant:        collected\n    \
                 happened:     something that should work did not: lost\n    last problem: none",
            ]
        );
    }

    #[test]
    fn ten_orders_that_strayed_are_told_and_all_are_counted() {
        let mut tally = Tally::default();
        for number in 0..25 {
            tally.add(&Lived {
                key: number.to_string(),
                shop: "shop 1".to_owned(),
                order: None,
                meant: Fate::Delivered,
                ended: Ok(Outcome::NoCourier),
                problem: None,
            });
        }
        assert_eq!((tally.strayed(), tally.stories().len()), (25, 10));
        assert!(tally.stories()[0].starts_with("order that was never placed (0 of the data"));
    }
}
