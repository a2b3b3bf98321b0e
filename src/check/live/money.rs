//! Money between streams (I3): what is asked of a customer is what the order comes to, and an attempt is captured once,
//! whatever number of payments it has. Bounds within one payment are those of its own fold.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::kept::Seen;
use super::reads;
use crate::check::report::{Invariant, Report};
use crate::check::store::Store;

/// Captured attempts that are remembered.
const CAPTURED_MAX: usize = 100_000;

/// An order and the number of the attempt.
type Attempt = (Uuid, i64);

/// What is remembered of money.
#[derive(Default)]
pub(super) struct Money {
    captured: HashMap<Attempt, u32>,
    oldest: VecDeque<Attempt>,
    /// What the orders of this batch come to: minor units and currency.
    totals: HashMap<Uuid, (i64, String)>,
}

impl Money {
    /// Reads what the orders come to that are to be paid for in `rows`.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn load(&mut self, store: &mut Store, rows: &[PgRow]) -> anyhow::Result<()> {
        let mut orders = Vec::new();
        for row in rows {
            let kind: Option<String> = row.try_get("aggregate_type")?;
            let name: Option<String> = row.try_get("event_type")?;
            if (kind.as_deref(), name.as_deref()) != (Some("payment.payment"), Some("requested")) {
                continue;
            }
            let payment: Value = serde_json::from_str(row.try_get("payload")?)?;
            orders.extend(payment["order"].as_str().map(str::to_owned));
        }
        self.totals.clear();
        if orders.is_empty() {
            return Ok(());
        }
        for (order, text) in reads::checkouts(store, &orders).await? {
            let terms: Value = serde_json::from_str(&text)?;
            let minor = terms["total"]["amount_minor"].as_i64().unwrap_or_default();
            let currency = terms["total"]["currency"].as_str().unwrap_or_default();
            self.totals.insert(order, (minor, currency.to_owned()));
        }
        Ok(())
    }

    /// Judges what has just happened to a payment.
    pub(super) fn see(&mut self, seen: &Seen<'_>, report: &mut Report) {
        let Some(payment) = seen.stream.payment() else {
            return;
        };
        match seen.event.as_str() {
            "requested" => {
                let due = payment.order.and_then(|order| self.totals.get(&order));
                let asked = payment.asks();
                report.expect(Invariant::I3, due == Some(&asked), || {
                    let order = payment.order.unwrap_or_default();
                    format!(
                        "a payment of order {order} asks for {asked:?}, the order comes to {due:?}"
                    )
                });
            }
            "captured" => {
                if let Some(attempt) = payment.attempt() {
                    self.capture(attempt, report);
                }
            }
            _ => {}
        }
    }

    fn capture(&mut self, attempt: Attempt, report: &mut Report) {
        let times = self.captured.entry(attempt).or_default();
        *times = times.saturating_add(1);
        let (order, number) = attempt;
        report.expect(Invariant::I3, *times == 1, || {
            format!("attempt {number} of order {order} was captured {times} times")
        });
        if *times == 1 {
            self.oldest.push_back(attempt);
        }
        while self.oldest.len() > CAPTURED_MAX {
            if let Some(oldest) = self.oldest.pop_front() {
                self.captured.remove(&oldest);
            }
        }
    }
}
