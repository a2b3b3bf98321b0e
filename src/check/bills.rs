//! What an order comes to (I3): its amounts add up to its total, also when something of it is left out, and its end gives
//! back what the policy of domain.md says, told once more by what was done with the food and by whose fault it ended.

use serde_json::Value;

use super::report::{Invariant, Report};
use super::store::Event;

/// An order's amounts, event by event.
#[derive(Debug, Default)]
pub(super) struct BillWalk {
    /// What it comes to by now, in minor units.
    total_minor: i64,
    /// What bringing it costs, with the courier's tip and the tax on top, in minor units.
    bringing_minor: i64,
    fired: bool,
    ready: bool,
}

impl BillWalk {
    /// Takes one event of the order.
    pub(super) fn see(&mut self, event: &Event, report: &mut Report) {
        match event.name.as_str() {
            "checked_out" => self.charge(event, &event.body, report),
            "short_settled" | "switched_to_pickup" | "amended" => {
                self.charge(event, &event.body["bill"], report);
            }
            "fired" => (self.fired, self.ready) = (true, false),
            "refired" => self.ready = false,
            "ready" => self.ready = true,
            "cancelled" => check(event, self.of_cancellation(event.text("fault")), report),
            "undeliverable" => check(event, self.of_failure(event.text("reason")), report),
            "not_collected" => check(event, 0, report),
            _ => {}
        }
    }

    fn charge(&mut self, event: &Event, bill: &Value, report: &mut Report) {
        let total = &bill["total"]["amount_minor"];
        self.total_minor = total.as_i64().unwrap_or_default();
        let amounts = bill["quote"].as_array();
        self.bringing_minor = bringing(amounts);
        let amounts = amounts.into_iter().flatten();
        let amounts = amounts.map(|line| line["amount_minor"].as_i64().unwrap_or_default());
        let sum = amounts.fold(0, i64::saturating_add);
        report.expect(Invariant::I3, sum == self.total_minor, || {
            let total = self.total_minor;
            format!(
                "{}: amounts come to {sum}, the total is {total}",
                event.label()
            )
        });
    }

    /// Before it is fired nobody has lost anything; afterwards who is to blame pays.
    fn of_cancellation(&self, fault: Option<&str>) -> i64 {
        match (self.fired, self.ready, fault) {
            (true, false, Some("customer")) => {
                self.bringing_minor.clamp(0, self.total_minor.max(0))
            }
            (true, true, Some("customer")) => 0,
            _ => self.total_minor,
        }
    }

    /// What the road or the courier did is nothing that the customer pays for.
    fn of_failure(&self, reason: Option<&str>) -> i64 {
        match reason {
            Some("unsafe" | "damaged") => self.total_minor,
            _ => 0,
        }
    }
}

/// Holds what an end gives back against what is due.
fn check(event: &Event, due: i64, report: &mut Report) {
    // Events of before the policy say nothing of it.
    let back = event.body.pointer("/settlement/back_minor");
    let Some(back) = back.and_then(Value::as_i64) else {
        return;
    };
    report.expect(Invariant::I3, back == due, || {
        format!("{} gives {back} back where {due} is due", event.label())
    });
}

/// The delivery's fee and what is taken off it, the courier's tip, and the tax where it comes on top.
fn bringing(quote: Option<&Vec<Value>>) -> i64 {
    let lines = || quote.into_iter().flatten();
    let is = |line: &Value, kind: &str| line["kind"] == kind;
    let on_top = lines().any(|line| is(line, "tax"));
    let is_part = |line: &&Value| {
        let fee =
            |other: &Value| is(other, "delivery_fee") && other["reference"] == line["reference"];
        is(line, "delivery_fee")
            || (is(line, "discount") && lines().any(fee))
            || (is(line, "tip") && line["payee"] == "courier")
    };
    let amounts = lines().filter(is_part).map(|line| {
        let of = |name: &str| line[name].as_i64().unwrap_or_default();
        let tax = if on_top { of("tax_minor") } else { 0 };
        of("amount_minor").saturating_add(tax)
    });
    amounts.fold(0, i64::saturating_add)
}
