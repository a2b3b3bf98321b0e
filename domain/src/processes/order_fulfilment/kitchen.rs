//! What follows from news of the order: timers, stock and money follow its way through the kitchen.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::effects::Effects;
use super::state::Terms;
use super::{OrderFulfilment, timers};
use crate::aggregates::AnyCommand;
use crate::kernel::actor::Actor;
use crate::kernel::flags::Flags;
use crate::kernel::key::Key;
use crate::kernel::money::{Currency, Money};
use crate::kernel::quantity::Minutes;
use crate::ordering::line::{LineNeeds, OrderLine};
use crate::ordering::order::{
    Amendment, FaultParty, OrderCommand, OrderEvent, RejectReason, ShortAnswer, ShortOutcome,
};
use crate::ordering::settlement::Settlement;
use crate::payment::payment::{PaymentCommand, RefundReason};
use crate::processes::{Effect, Process as _};
use crate::restaurant::inventory::{InventoryCommand, ReleaseReason};
use crate::restaurant::promotion::PromotionCommand;

impl Effects<'_> {
    pub(super) fn on_order(&mut self, news: &OrderEvent, event_id: Uuid, flags: &Flags) {
        match news {
            OrderEvent::CheckedOut(terms) => {
                self.state.terms = Some(Terms::of(terms));
                self.state.needs.clone_from(&terms.needs);
                if terms.schedule.is_some() {
                    self.state.to_take = LineNeeds::of_all(&terms.lines, &terms.needs);
                }
                self.start_timer(timers::PAYMENT, terms.expires_at, OrderCommand::Expire);
            }
            OrderEvent::Scheduled { release_at, at: _ } => {
                self.cancel_timer(timers::PAYMENT);
                self.stock(|hold| InventoryCommand::CommitHold { hold });
                self.wait_for_release(*release_at);
            }
            OrderEvent::Placed { at } => {
                self.cancel_timer(timers::PAYMENT);
                self.cancel_timer(timers::RELEASE);
                match self.state.to_take.take() {
                    Some(needs) => self.stock(|hold| InventoryCommand::FillHold { hold, needs }),
                    None => self.stock(|hold| InventoryCommand::CommitHold { hold }),
                }
                let reject = OrderCommand::Reject {
                    reason: RejectReason::NoAnswer,
                    note: None,
                };
                self.start_timer(
                    timers::ACCEPTANCE,
                    *at + flags.acceptance_timer.span(),
                    reject,
                );
            }
            OrderEvent::Accepted {
                prep_minutes,
                promise: _,
                at,
            } => {
                self.state.accepted = true;
                self.cancel_timer(timers::ACCEPTANCE);
                self.capture();
                self.state.accepted_at = Some(*at);
                self.fire_noodle_last(*prep_minutes, *at);
            }
            OrderEvent::Fired { .. } => {
                self.cancel_timer(timers::FIRE);
                self.consume();
            }
            OrderEvent::Ready {
                slurp_deadline: _,
                at,
            } => {
                self.state.ready_at = Some(*at);
                self.cancel_answers();
                self.wait_for_customer(flags);
            }
            OrderEvent::PickedUp { .. } => {
                self.cancel_answers();
                self.cancel_timer(timers::FIRE);
                self.consume();
            }
            OrderEvent::Collected { at } | OrderEvent::Delivered { proof: _, at } => {
                self.complete_after(*at, flags);
            }
            OrderEvent::Undeliverable { settlement, at, .. }
            | OrderEvent::NotCollected { settlement, at } => {
                let back = settlement.map_or(0, |settled| settled.back_minor);
                if let Some(currency) = self.currency() {
                    let amount = Money::new(back, currency);
                    self.give_back(event_id, amount, RefundReason::OrderNotHandedOver);
                }
                self.complete_after(*at, flags);
            }
            OrderEvent::Completed { .. } => {
                self.state.completed = true;
                self.cancel_timer(timers::COMPLETION);
            }
            OrderEvent::Expired { .. } => {
                self.end(RefundReason::OrderExpired, ReleaseReason::Expired, true);
            }
            OrderEvent::Rejected { .. } => {
                self.end(RefundReason::OrderRejected, ReleaseReason::Rejected, true);
            }
            OrderEvent::Cancelled {
                by,
                fault,
                settlement,
                ..
            } => {
                let release = match by {
                    Actor::System { .. } => ReleaseReason::PaymentFailed,
                    Actor::Customer { .. }
                    | Actor::Restaurant { .. }
                    | Actor::Driver { .. }
                    | Actor::Ops { .. } => ReleaseReason::Cancelled,
                };
                let everything = self.goes_back_whole(*settlement, *fault);
                self.end(RefundReason::OrderCancelled, release, everything);
                let part = settlement.filter(|_| !everything).zip(self.currency());
                if let Some((settled, currency)) = part {
                    let amount = Money::new(settled.back_minor, currency);
                    self.give_back(event_id, amount, RefundReason::OrderCancelled);
                }
            }
            OrderEvent::ShortReported {
                short,
                substitute_needs,
                answer_by,
                ..
            } => {
                let needs = substitute_needs.clone();
                self.state.offered.insert(*short, needs);
                if let Some(answer_by) = answer_by {
                    self.wait_for_answer(*short, *answer_by);
                }
            }
            OrderEvent::ShortSettled {
                short,
                outcome,
                bill,
                at: _,
            } => {
                self.cancel_timer(&format!("{}{short}", timers::SHORT_ANSWER));
                self.falls_to(bill.total, event_id);
                self.hold_less(&bill.lines);
                if *outcome == ShortOutcome::Substituted {
                    self.hold_substitute(*short, &bill.lines);
                }
            }
            OrderEvent::PromiseMoved { prep_minutes, .. } => {
                // What was fired is not fired by a timer.
                if let Some(accepted_at) = self.state.accepted_at.filter(|_| !self.state.consumed) {
                    self.fire_noodle_last(*prep_minutes, accepted_at);
                }
            }
            OrderEvent::SwitchedToPickup { bill, .. } => {
                if let Some(terms) = &mut self.state.terms {
                    terms.is_delivery = false;
                }
                self.falls_to(bill.total, event_id);
                self.call_off_all();
                self.wait_for_customer(flags);
            }
            OrderEvent::Amended { amendment, .. } => self.on_amended(amendment, event_id),
            OrderEvent::Refired { .. } => {
                self.state.ready_at = None;
                self.cancel_timer(timers::COLLECTION);
            }
            OrderEvent::CourierRequested { .. }
            | OrderEvent::PromiseMade { .. }
            | OrderEvent::DoorCorrected { .. }
            | OrderEvent::Stalled { .. }
            | OrderEvent::ActedOnBehalf { .. }
            | OrderEvent::RemakeOffered { .. }
            | OrderEvent::RemakeDeclined { .. }
            | OrderEvent::Remade { .. }
            | OrderEvent::BowlBoiled { .. }
            | OrderEvent::BowlSealed { .. }
            | OrderEvent::Acknowledged { .. } => {}
        }
    }

    fn wait_for_release(&mut self, release_at: DateTime<Utc>) {
        let release = OrderCommand::Release { release_at };
        self.start_timer(timers::RELEASE, release_at, release);
    }

    fn wait_for_answer(&mut self, short: Uuid, answer_by: DateTime<Utc>) {
        let process = Key::parse(OrderFulfilment::NAME).expect("the name is a key");
        let leave_out = OrderCommand::AnswerShort {
            short,
            answer: ShortAnswer::Refund,
            by: Actor::System { process },
        };
        let name = format!("{}{short}", timers::SHORT_ANSWER);
        self.start_timer(&name, answer_by, leave_out);
    }

    /// Hold, promotions and courier were changed in the same commit; money follows.
    fn on_amended(&mut self, amendment: &Amendment, event_id: Uuid) {
        self.state.needs.clone_from(&amendment.needs);
        if let Some(terms) = &mut self.state.terms {
            terms.amend(amendment);
        }
        if self.state.to_take.is_some() {
            let needs = LineNeeds::of_all(&amendment.bill.lines, &amendment.needs);
            self.state.to_take = Some(needs.unwrap_or_default());
            if let Some(schedule) = amendment.schedule {
                self.wait_for_release(schedule.release_at);
            }
        }
        self.falls_to(amendment.bill.total, event_id);
    }

    fn call_off_all(&mut self) {
        let open: Vec<Uuid> = self.state.deliveries.keys().copied().collect();
        for delivery in open {
            self.call_off(delivery);
        }
    }

    /// Nobody waits for an answer any more: what was asked about is packed all the same, or has left.
    fn cancel_answers(&mut self) {
        let waiting = self.state.timers.iter();
        let waiting = waiting.filter(|name| name.starts_with(timers::SHORT_ANSWER));
        let waiting: Vec<String> = waiting.cloned().collect();
        for name in waiting {
            self.cancel_timer(&name);
        }
    }

    /// What is left out is free again. An order that does not say what its lines take keeps its hold. A substitute that
    /// the books lacked is among the needs of every later change: what is free of it by then is set aside, and no more
    /// is asked.
    fn hold_less(&mut self, lines: &[OrderLine]) {
        if self.state.consumed || self.state.needs.is_empty() {
            return;
        }
        if let Some(needs) = LineNeeds::of_all(lines, &self.state.needs) {
            self.stock(|hold| InventoryCommand::ChangeHold {
                hold,
                needs,
                kitchen: None,
                as_far_as_free: true,
            });
        }
    }

    /// What is cooked instead is set aside, if it is free: the shop that offers it knows better than the books.
    fn hold_substitute(&mut self, short: Uuid, lines: &[OrderLine]) {
        let offered = self.state.offered.remove(&short);
        if self.state.needs.is_empty() {
            return;
        }
        if let (Some(of_one), Some(taken)) = (offered, lines.last()) {
            let line = taken.line;
            self.state.needs.push(LineNeeds { line, of_one });
            self.hold_less(lines);
        }
    }

    /// Gives a packed order up when nobody fetches it.
    fn wait_for_customer(&mut self, flags: &Flags) {
        let terms = self.state.terms.as_ref();
        let fetched = terms.is_some_and(|terms| !terms.is_delivery);
        if let Some(ready_at) = self.state.ready_at.filter(|_| fetched) {
            let at = ready_at + flags.pickup_timer.span();
            self.start_timer(timers::COLLECTION, at, OrderCommand::NotCollected);
        }
    }

    fn complete_after(&mut self, at: DateTime<Utc>, flags: &Flags) {
        self.cancel_timer(timers::COLLECTION);
        let at = at + flags.completion_delay.span();
        self.start_timer(timers::COMPLETION, at, OrderCommand::Complete);
    }

    fn currency(&self) -> Option<Currency> {
        let total = self.state.terms.as_ref()?.total?;
        Some(total.currency())
    }

    /// Whether all of the money goes back. Older events leave it to the fault: cooked food that the
    /// customer is to blame for is paid for.
    fn goes_back_whole(&self, settlement: Option<Settlement>, fault: FaultParty) -> bool {
        let agreed = self.state.terms.as_ref().and_then(|terms| terms.total);
        let total = self.state.total.or(agreed);
        match (settlement, total) {
            (Some(settled), Some(total)) => settled.back_minor == total.amount_minor(),
            _ => !(self.state.consumed && fault == FaultParty::Customer),
        }
    }

    /// The order ended without being carried out: everything begun for it is undone.
    fn end(&mut self, why: RefundReason, release: ReleaseReason, money_back: bool) {
        self.state.dead = true;
        for name in std::mem::take(&mut self.state.timers) {
            // The vendor is still read: a payment of a dead order must not stay unseen.
            if name.starts_with(timers::PAYMENT_READ) {
                self.state.timers.insert(name);
            } else {
                self.add(Effect::CancelTimer { name });
            }
        }
        if !self.state.consumed {
            self.stock(|hold| InventoryCommand::ReleaseHold {
                hold,
                reason: release,
            });
        }
        if !self.state.accepted || release == ReleaseReason::PaymentFailed {
            self.release_redemptions();
        }
        if money_back {
            self.payment(PaymentCommand::Unwind { reason: why });
        }
        self.call_off_all();
    }

    /// What no money was taken for does not count against the limits of its promotions.
    fn release_redemptions(&mut self) {
        let terms = self.state.terms.as_ref();
        let promotions = terms.map(|terms| terms.promotions.clone());
        for promotion in promotions.into_iter().flatten() {
            let release = PromotionCommand::ReleaseRedemption { order: self.order };
            self.command(AnyCommand::Promotion(promotion.uuid(), release));
        }
    }

    /// Lets the boiler start so that the slowest bowl is sealed when the kitchen said it would be.
    fn fire_noodle_last(&mut self, prep: Minutes, accepted_at: DateTime<Utc>) {
        let Some(terms) = self.state.terms.as_ref().filter(|terms| terms.auto_fire) else {
            return;
        };
        let ready_at = terms.ready_by.unwrap_or(accepted_at);
        let ready_at = ready_at.max(accepted_at + prep.span());
        let at = accepted_at.max(ready_at - TimeDelta::seconds(terms.lead_seconds));
        self.start_timer(timers::FIRE, at, OrderCommand::Fire { automatic: true });
    }

    fn consume(&mut self) {
        if !self.state.consumed {
            self.state.consumed = true;
            self.stock(|hold| InventoryCommand::ConsumeHold { hold });
        }
    }
}
