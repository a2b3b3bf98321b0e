//! What follows from news of the order: timers, stock and money follow its way through the kitchen.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::effects::Effects;
use super::state::Terms;
use super::timers;
use crate::aggregates::AnyCommand;
use crate::kernel::actor::Actor;
use crate::kernel::flags::Flags;
use crate::kernel::quantity::Minutes;
use crate::ordering::order::{FaultParty, OrderCommand, OrderEvent, RejectReason};
use crate::payment::payment::{PaymentCommand, RefundReason};
use crate::processes::Effect;
use crate::restaurant::inventory::{InventoryCommand, ReleaseReason};
use crate::restaurant::promotion::PromotionCommand;

impl Effects<'_> {
    pub(super) fn on_order(&mut self, news: &OrderEvent, flags: &Flags) {
        match news {
            OrderEvent::CheckedOut(terms) => {
                self.state.terms = Some(Terms::of(terms));
                self.start_timer(timers::PAYMENT, terms.expires_at, OrderCommand::Expire);
            }
            OrderEvent::Placed { at } => {
                self.cancel_timer(timers::PAYMENT);
                self.stock(|hold| InventoryCommand::CommitHold { hold });
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
                self.payment(PaymentCommand::RequestCapture);
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
                if self
                    .state
                    .terms
                    .as_ref()
                    .is_some_and(|terms| !terms.is_delivery)
                {
                    let at = *at + flags.pickup_timer.span();
                    self.start_timer(timers::COLLECTION, at, OrderCommand::NotCollected);
                }
            }
            OrderEvent::PickedUp { .. } => {
                self.cancel_timer(timers::FIRE);
                self.consume();
            }
            OrderEvent::Collected { at }
            | OrderEvent::Delivered { proof: _, at }
            | OrderEvent::Undeliverable { reason: _, at }
            | OrderEvent::NotCollected { at } => {
                self.cancel_timer(timers::COLLECTION);
                let at = *at + flags.completion_delay.span();
                self.start_timer(timers::COMPLETION, at, OrderCommand::Complete);
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
            OrderEvent::Cancelled { by, fault, .. } => {
                // Cooked food that the customer is to blame for is paid for.
                let money_back = !(self.state.consumed && *fault == FaultParty::Customer);
                let release = match by {
                    Actor::System { .. } => ReleaseReason::PaymentFailed,
                    Actor::Customer { .. }
                    | Actor::Restaurant { .. }
                    | Actor::Driver { .. }
                    | Actor::Ops { .. } => ReleaseReason::Cancelled,
                };
                self.end(RefundReason::OrderCancelled, release, money_back);
            }
            OrderEvent::CourierRequested { .. }
            | OrderEvent::BowlBoiled { .. }
            | OrderEvent::BowlSealed { .. }
            | OrderEvent::Acknowledged { .. } => {}
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
        let open: Vec<Uuid> = self.state.deliveries.keys().copied().collect();
        for delivery in open {
            self.call_off(delivery);
        }
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
        let lead = match &self.state.terms {
            Some(terms) if terms.auto_fire => TimeDelta::seconds(terms.lead_seconds),
            Some(_) | None => return,
        };
        let at = accepted_at.max(accepted_at + prep.span() - lead);
        self.start_timer(timers::FIRE, at, OrderCommand::Fire { automatic: true });
    }

    fn consume(&mut self) {
        if !self.state.consumed {
            self.state.consumed = true;
            self.stock(|hold| InventoryCommand::ConsumeHold { hold });
        }
    }
}
