//! What an order answers to its commands, each row of the table and each refusal.

mod again;
mod amending;
mod cancelling;
mod changes;
mod checkout;
mod door;
mod handover;
mod kitchen;
mod later;
mod watching;

use chrono::TimeDelta;

use super::command::{OrderCommand, OrderCommandKind as Kind};
use super::event::{CheckedOut, FaultParty, OrderEvent, RejectReason, ShortAnswer, ShortOutcome};
use super::rejection::OrderRejection;
use super::state::{Order, OrderStage};
use super::transitions::{By, may_ask};
use crate::decider::{Class, Decider, Rejection, allowed_from};
use crate::kernel::actor::Actor;
use crate::kernel::handover::UndeliverableReason;
use crate::kernel::money::Money;
use crate::kernel::quantity::{IngredientAmount, Minutes, Seconds};
use crate::kernel::refusal::NotAllowed;
use crate::kernel::sample;
use crate::ordering::fulfilment::Fulfilment;
use crate::ordering::line::{BowlRef, LineId, Shortage};
use crate::ordering::quote::{Promise, QuoteLineKind};
use crate::ordering::settlement::{Back, CANCEL_POLICY, Settlement};
use crate::testing::{Given, test_now};

const LINE: LineId = LineId::new(1);
const BOWL: BowlRef = BowlRef {
    line: LINE,
    bowl: 1,
};

fn terms() -> Box<CheckedOut> {
    Box::new(CheckedOut {
        remake_of: None,
        schedule: None,
        ..CheckedOut::sample()
    })
}

fn to_collect() -> Box<CheckedOut> {
    Box::new(CheckedOut {
        fulfilment: Fulfilment::Pickup,
        ..*terms()
    })
}

/// An order with these terms, taken to a stage of its kitchen.
fn at(stage: OrderStage, terms: Box<CheckedOut>) -> Given<Order> {
    let pay = OrderCommand::Authorise {
        payment: terms.payment,
    };
    let steps = [
        (
            OrderStage::AwaitingPayment,
            OrderCommand::CheckOut { terms },
        ),
        (OrderStage::Placed, pay),
        (OrderStage::Accepted, accept(12)),
        (OrderStage::Cooking, OrderCommand::Fire { automatic: false }),
        (OrderStage::Cooking, boil(BOWL)),
        (OrderStage::Cooking, seal(BOWL)),
        (OrderStage::Ready, OrderCommand::Ready),
    ];
    let end = steps
        .iter()
        .position(|(reached, _)| *reached == stage)
        .unwrap();
    Given::nothing().done(steps.into_iter().take(end + 1).map(|(_, command)| command))
}

fn accept(minutes: u32) -> OrderCommand {
    OrderCommand::Accept {
        prep_minutes: Minutes::new(minutes),
    }
}

fn boil(bowl: BowlRef) -> OrderCommand {
    OrderCommand::BowlBoiled {
        line: bowl.line,
        bowl: bowl.bowl,
    }
}

fn seal(bowl: BowlRef) -> OrderCommand {
    OrderCommand::BowlSealed {
        line: bowl.line,
        bowl: bowl.bowl,
    }
}

fn reject() -> OrderCommand {
    OrderCommand::Reject {
        reason: RejectReason::TooBusy,
        note: None,
    }
}

fn cancel(by: Actor) -> OrderCommand {
    OrderCommand::Cancel {
        by,
        reason: sample::reason("enough"),
        fault: FaultParty::Platform,
    }
}

fn customer() -> Actor {
    Actor::Customer { id: sample::id(1) }
}

fn picked_up() -> OrderCommand {
    OrderCommand::RecordPickedUp {
        driver: Some(sample::id(6)),
        at: test_now(),
    }
}

fn delivered() -> OrderCommand {
    OrderCommand::RecordDelivered {
        proof: crate::kernel::handover::ProofMethod::Pin,
        at: test_now(),
    }
}

fn undeliverable() -> OrderCommand {
    OrderCommand::RecordUndeliverable {
        reason: UndeliverableReason::NoAnswer,
        at: test_now(),
    }
}

fn not_allowed(stage: OrderStage, command: Kind) -> OrderRejection {
    let allowed = allowed_from::<Order>(stage);
    OrderRejection::NotAllowed(NotAllowed {
        stage,
        command,
        allowed,
    })
}

/// Two bowls on the sample's line, with this choice for a shortage.
fn two_bowls(shortage: Shortage) -> Box<CheckedOut> {
    let mut terms = terms();
    terms.quote.truncate(1);
    terms.lines[0].quantity = 2.try_into().unwrap();
    terms.lines[0].shortage = shortage;
    terms.quote[0].amount_minor = 1960;
    terms.total = Money::new(1960, terms.total.currency());
    terms
}

fn short(units: u32) -> OrderCommand {
    OrderCommand::Short {
        short: sample::id(12),
        line: LINE,
        units,
        substitute: None,
        substitute_needs: Vec::new(),
        answer_by: test_now() + TimeDelta::minutes(3),
        by: Actor::Restaurant { id: sample::id(10) },
    }
}

fn answer(answer: ShortAnswer) -> OrderCommand {
    OrderCommand::AnswerShort {
        short: sample::id(12),
        answer,
        by: customer(),
    }
}

/// What an order comes to, and its bowls.
fn held(given: &Given<Order>) -> (i64, usize) {
    let body = given.state().body().unwrap();
    (body.bill.total.amount_minor(), body.bowls.len())
}
