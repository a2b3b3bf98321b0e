//! The shop has run out of something: it is left out, replaced, asked about, or ends the order.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::super::event::{FaultParty, OrderEvent, ShortAnswer, ShortOutcome};
use super::super::rejection::OrderRejection;
use super::super::rules;
use super::super::state::{OrderBody, OrderStage, Shortfall};
use crate::kernel::actor::Actor;
use crate::kernel::quantity::IngredientAmount;
use crate::kernel::text::Reason;
use crate::ordering::bill::Bill;
use crate::ordering::line::{LineId, OrderLine, Shortage};
use crate::ordering::settlement;

/// Something that ran out, as the shop says it.
pub(in super::super) struct Reported {
    pub(in super::super) short: Uuid,
    pub(in super::super) line: LineId,
    pub(in super::super) units: u32,
    pub(in super::super) substitute: Option<Box<OrderLine>>,
    pub(in super::super) substitute_needs: Vec<IngredientAmount>,
    pub(in super::super) answer_by: DateTime<Utc>,
    pub(in super::super) by: Actor,
}

impl OrderBody {
    /// What is short is settled at once as the customer chose, or asked.
    pub(in super::super) fn report_short(
        &self,
        reported: Reported,
        now: DateTime<Utc>,
    ) -> Result<Vec<OrderEvent>, OrderRejection> {
        let Reported {
            short,
            line,
            units,
            substitute,
            substitute_needs,
            answer_by,
            by,
        } = reported;
        let open = self.open_units(line);
        if units == 0 || units > open {
            return Err(OrderRejection::NotSoManyUnits { line, open });
        }
        let choice = self.choice_for(line, substitute.as_deref());
        let asks = choice == Shortage::Ask;
        let found = Shortfall {
            short,
            line,
            units,
            substitute: substitute.clone(),
            substitute_needs: substitute_needs.clone(),
            outcome: None,
        };
        let mut events = vec![OrderEvent::ShortReported {
            short,
            line,
            units,
            choice,
            substitute,
            substitute_needs,
            answer_by: asks.then_some(answer_by),
            at: now,
        }];
        let answer = match choice {
            Shortage::Ask => return Ok(events),
            Shortage::Refund => ShortAnswer::Refund,
            Shortage::Cancel => ShortAnswer::Cancel,
            Shortage::Substitute if found.substitute.is_some() => ShortAnswer::Substitute,
            Shortage::Substitute => ShortAnswer::Refund,
        };
        events.push(self.settled(&self.bill, &found, answer, by, now)?);
        Ok(events)
    }

    /// What the customer wants done. Whoever named a dish to have instead is asked about any other.
    fn choice_for(&self, line: LineId, offered: Option<&OrderLine>) -> Shortage {
        let Some(line) = self.bill.line(line) else {
            return Shortage::Refund;
        };
        let named = line.substitute.as_ref();
        let is_another = named
            .zip(offered)
            .is_some_and(|(named, offered)| *named != offered.item);
        if is_another && line.shortage == Shortage::Substitute {
            return Shortage::Ask;
        }
        line.shortage
    }

    /// The customer has said what to do.
    pub(in super::super) fn answer_short(
        &self,
        short: Uuid,
        answer: ShortAnswer,
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<Vec<OrderEvent>, OrderRejection> {
        rules::is_theirs(self, &by)?;
        let found = self.short(short).ok_or(OrderRejection::ShortUnknown)?;
        if found.outcome.is_some() {
            return Err(OrderRejection::ShortSettled);
        }
        Ok(vec![self.settled(&self.bill, found, answer, by, now)?])
    }

    /// Whatever was asked and not answered is left out: the kitchen goes on. Nothing when nothing was asked.
    pub(in super::super) fn leave_out_unanswered(&self, now: DateTime<Utc>) -> Vec<OrderEvent> {
        let mut bill = self.bill.clone();
        let mut events = Vec::new();
        for found in self.shorts.iter().filter(|found| found.outcome.is_none()) {
            let left = bill.without(found.line, found.units);
            if let Some(left) = left.filter(|left| !left.lines.is_empty()) {
                bill = left;
                events.push(OrderEvent::ShortSettled {
                    short: found.short,
                    outcome: ShortOutcome::Refunded,
                    bill: Box::new(bill.clone()),
                    at: now,
                });
            }
        }
        events
    }

    fn settled(
        &self,
        bill: &Bill,
        found: &Shortfall,
        answer: ShortAnswer,
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<OrderEvent, OrderRejection> {
        let (outcome, left) = match (answer, &found.substitute) {
            (ShortAnswer::Cancel, _) => return Ok(self.sold_out(by, now)),
            (ShortAnswer::Refund, _) => (
                ShortOutcome::Refunded,
                bill.without(found.line, found.units),
            ),
            (ShortAnswer::Substitute, None) => return Err(OrderRejection::NothingOffered),
            (ShortAnswer::Substitute, Some(instead)) => (
                ShortOutcome::Substituted,
                bill.substituted(found.line, found.units, instead),
            ),
        };
        let bill = left.ok_or(OrderRejection::AmountOverflow)?;
        if bill.lines.is_empty() {
            return Ok(self.sold_out(by, now));
        }
        Ok(OrderEvent::ShortSettled {
            short: found.short,
            outcome,
            bill: Box::new(bill),
            at: now,
        })
    }

    /// Without what is short nothing is left that the customer wants: the shop's fault, whoever says so.
    fn sold_out(&self, by: Actor, now: DateTime<Utc>) -> OrderEvent {
        let fault = FaultParty::Shop;
        OrderEvent::Cancelled {
            by,
            reason: Reason::parse("sold_out").expect("a constant text"),
            fault,
            settlement: Some(settlement::of_cancellation(self.stage, fault, &self.bill)),
            at: now,
        }
    }

    /// Whether the customer got what they answer now.
    pub(in super::super) fn is_answered(&self, short: Uuid, answer: ShortAnswer) -> bool {
        let outcome = self.short(short).and_then(|found| found.outcome);
        match (answer, outcome) {
            (ShortAnswer::Refund, Some(ShortOutcome::Refunded))
            | (ShortAnswer::Substitute, Some(ShortOutcome::Substituted)) => true,
            // What left nothing ended the order.
            (ShortAnswer::Refund, None) | (ShortAnswer::Cancel, _) => {
                self.stage == OrderStage::Cancelled
            }
            (ShortAnswer::Refund | ShortAnswer::Substitute, _) => false,
        }
    }

    /// The shortage of this name.
    pub(in super::super) fn short(&self, short: Uuid) -> Option<&Shortfall> {
        self.shorts.iter().find(|found| found.short == short)
    }

    /// How many units of a line are neither packed nor said to be short.
    pub(super) fn open_units(&self, line: LineId) -> u32 {
        let ordered = self.bill.line(line).map_or(0, |line| line.quantity.get());
        let asked: u32 = self
            .shorts
            .iter()
            .filter(|found| found.outcome.is_none() && found.line == line)
            .map(|found| found.units)
            .sum();
        let sealed = self
            .bowls
            .iter()
            .filter(|clock| clock.line == line && clock.sealed_at.is_some())
            .count();
        let sealed = u32::try_from(sealed).unwrap_or(u32::MAX);
        ordered.saturating_sub(asked).saturating_sub(sealed)
    }
}
