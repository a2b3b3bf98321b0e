//! From checkout to the end of an order: payment, stock and courier follow the order, and it follows them.
//!
//! | what happened | what follows |
//! | --- | --- |
//! | payment requested | create the intent at the vendor |
//! | intent created | read it after 2, 5 and 10 minutes, in case news gets lost |
//! | authorised | tell the order |
//! | checked out | payment timer |
//! | placed | commit the hold, acceptance timer |
//! | accepted | request the capture; with the shop's flag, a timer fires noodle-last |
//! | capture, void or refund requested | call the vendor |
//! | creation or capture failed, reservation lapsed | cancel the order; one that is cooking refuses and goes on |
//! | fired, or picked up without it | consume the hold |
//! | ready for pickup | collection timer |
//! | rejected, cancelled, expired | release what is held, unwind the payment, call off the courier |
//! | courier: picked up, delivered, failed | tell the order |
//! | delivered, undeliverable, not collected | completion timer |

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AnyRecorded, Effect, PaymentCall, Process};
use crate::aggregates::{AnyCommand, AnyEvent, Kind};
use crate::delivery::delivery::{DeliveryCommand, DeliveryEvent};
use crate::kernel::actor::Actor;
use crate::kernel::flags::Flags;
use crate::kernel::ids::{DriverId, OrderId, PaymentId, RestaurantId};
use crate::kernel::key::Key;
use crate::kernel::quantity::Minutes;
use crate::kernel::text::Reason;
use crate::ordering::order::{CheckedOut, FaultParty, OrderCommand, OrderEvent, RejectReason};
use crate::payment::payment::{IntentId, PaymentCommand, PaymentEvent, RefundReason};
use crate::restaurant::inventory::{InventoryCommand, ReleaseReason};

/// Names of this process's timers.
pub mod timers {
    /// Ends an order that is not paid for.
    pub const PAYMENT: &str = "payment_expiry";
    /// Rejects an order that the shop does not answer.
    pub const ACCEPTANCE: &str = "acceptance";
    /// Fires an accepted order by itself.
    pub const FIRE: &str = "auto_fire";
    /// Gives a ready order up that nobody fetches.
    pub const COLLECTION: &str = "collection";
    /// Closes an ended order.
    pub const COMPLETION: &str = "completion";
    /// Reads the vendor's intent; followed by the minutes.
    pub const PAYMENT_READ: &str = "payment_read_";
}

/// Minutes after its creation at which an intent is read: webhooks get lost, and a payment open for
/// more than 2 minutes is fetched (`reliability.md` §3).
const READS_AFTER_MINUTES: [u32; 3] = [2, 5, 10];

/// See the module.
#[derive(Debug)]
pub struct OrderFulfilment;

/// What an instance remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OrderFulfilmentState {
    /// The last sequence seen of each stream.
    seen: BTreeMap<Uuid, i64>,
    /// What the order said at checkout.
    terms: Option<Terms>,
    /// Whether its stock is used up.
    consumed: bool,
    /// Whether it ended without being carried out.
    dead: bool,
    /// Whether it is completed.
    completed: bool,
    /// The vendor's name for its payment.
    intent: Option<IntentId>,
    /// Whether money may still move.
    money: Money,
    /// Its deliveries that have not ended.
    deliveries: BTreeMap<Uuid, Option<DriverId>>,
    /// Timers started and not cancelled.
    timers: BTreeSet<String>,
}

/// What is needed of an order's terms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Terms {
    restaurant: RestaurantId,
    payment: PaymentId,
    is_delivery: bool,
    auto_fire: bool,
    /// From boiler to sealed for the slowest bowl.
    lead_seconds: i64,
}

/// Where the money is, as far as this process must wait for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Money {
    /// With the customer or the vendor, undecided.
    #[default]
    Open,
    /// Taken, or never to be taken.
    Settled,
    /// So many refunds are on their way.
    Returning(u32),
}

impl Process for OrderFulfilment {
    const NAME: &'static str = "order_fulfilment";
    const FOLLOWS: &'static [Kind] = &[Kind::Order, Kind::Payment, Kind::Delivery];
    type State = OrderFulfilmentState;

    fn instance(event: &AnyRecorded) -> Option<Uuid> {
        match event.recorded.event.kind() {
            Kind::Order => Some(event.recorded.stream),
            Kind::Payment | Kind::Delivery => event.order.map(OrderId::uuid),
            Kind::Restaurant | Kind::Menu | Kind::Inventory | Kind::Cart | Kind::Driver => None,
        }
    }

    fn react(state: &mut Self::State, event: &AnyRecorded, flags: &Flags) -> Vec<Effect> {
        let recorded = &event.recorded;
        let Some(order) = Self::instance(event).map(OrderId::new) else {
            return Vec::new();
        };
        if !state.is_news(recorded.stream, recorded.sequence) {
            return Vec::new();
        }
        let mut effects = Effects {
            state,
            order,
            list: Vec::new(),
        };
        match &recorded.event {
            AnyEvent::Order(news) => effects.on_order(news, flags),
            AnyEvent::Payment(news) => {
                effects.on_payment(PaymentId::new(recorded.stream), news, recorded.recorded_at);
            }
            AnyEvent::Delivery(news) => effects.on_delivery(recorded.stream, news),
            AnyEvent::Restaurant(_)
            | AnyEvent::Menu(_)
            | AnyEvent::Inventory(_)
            | AnyEvent::Cart(_)
            | AnyEvent::Driver(_) => {}
        }
        effects.list
    }

    fn is_over(state: &Self::State) -> bool {
        state.completed || (state.dead && state.money == Money::Settled)
    }
}

impl OrderFulfilmentState {
    fn is_news(&mut self, stream: Uuid, sequence: i64) -> bool {
        let last = self.seen.entry(stream).or_insert(0);
        let news = sequence > *last;
        *last = sequence.max(*last);
        news
    }
}

/// The effects of one event, in the making.
struct Effects<'a> {
    state: &'a mut OrderFulfilmentState,
    order: OrderId,
    list: Vec<Effect>,
}

impl Effects<'_> {
    fn on_order(&mut self, news: &OrderEvent, flags: &Flags) {
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
            OrderEvent::BowlBoiled { .. }
            | OrderEvent::BowlSealed { .. }
            | OrderEvent::Acknowledged { .. } => {}
        }
    }

    fn on_payment(&mut self, payment: PaymentId, news: &PaymentEvent, recorded_at: DateTime<Utc>) {
        match news {
            PaymentEvent::Requested {
                order,
                customer,
                amount,
                attempt,
                ..
            } => {
                if !amount.is_zero() {
                    let call = PaymentCall::CreateIntent {
                        payment,
                        order: *order,
                        customer: *customer,
                        amount: *amount,
                        attempt: *attempt,
                    };
                    self.list.push(Effect::Payment { call });
                }
            }
            PaymentEvent::IntentCreated { intent } => {
                self.state.intent = Some(intent.clone());
                self.start_reads(payment, intent, recorded_at);
            }
            PaymentEvent::Authorized { .. } => {
                self.cancel_reads();
                self.tell_order(OrderCommand::Authorise { payment });
            }
            PaymentEvent::CaptureRequested { amount, at: _ } => {
                let amount = *amount;
                self.call(|intent| PaymentCall::Capture {
                    payment,
                    intent,
                    amount,
                });
            }
            PaymentEvent::VoidRequested { .. } => {
                self.cancel_reads();
                self.call(|intent| PaymentCall::Void { payment, intent });
            }
            PaymentEvent::RefundRequested { refund, amount, .. } => {
                let (refund, amount) = (*refund, *amount);
                self.state.money = self.state.money.with_refund();
                self.call(|intent| PaymentCall::Refund {
                    payment,
                    intent,
                    refund,
                    amount,
                });
            }
            PaymentEvent::Captured { .. } | PaymentEvent::Voided { .. } => {
                self.state.money = Money::Settled;
            }
            PaymentEvent::Refunded { .. } | PaymentEvent::RefundFailed { .. } => {
                self.state.money = self.state.money.without_refund();
            }
            PaymentEvent::Failed { .. } | PaymentEvent::ExpiredByVendor { .. } => {
                self.state.money = Money::Settled;
                self.cancel_reads();
                self.cancel_unpaid();
            }
            PaymentEvent::CaptureFailed { .. } => self.cancel_unpaid(),
            PaymentEvent::ActionRequired { .. }
            | PaymentEvent::Declined { .. }
            | PaymentEvent::UnwindRequested { .. } => {}
        }
    }

    fn on_delivery(&mut self, delivery: Uuid, news: &DeliveryEvent) {
        match news {
            DeliveryEvent::Requested(_) => {
                self.state.deliveries.insert(delivery, None);
                if self.state.dead {
                    self.call_off(delivery);
                }
            }
            DeliveryEvent::Assigned { driver, .. } => {
                self.state.deliveries.insert(delivery, Some(*driver));
            }
            DeliveryEvent::Unassigned { .. } => {
                self.state.deliveries.insert(delivery, None);
            }
            DeliveryEvent::PickedUp { at } => {
                let driver = self.state.deliveries.get(&delivery).copied().flatten();
                self.tell_order(OrderCommand::RecordPickedUp { driver, at: *at });
            }
            DeliveryEvent::Delivered { proof, at } => {
                self.state.deliveries.remove(&delivery);
                self.tell_order(OrderCommand::RecordDelivered {
                    proof: proof.method,
                    at: *at,
                });
            }
            DeliveryEvent::Failed { reason, at } => {
                self.state.deliveries.remove(&delivery);
                self.tell_order(OrderCommand::RecordUndeliverable {
                    reason: *reason,
                    at: *at,
                });
            }
            DeliveryEvent::Cancelled { .. } => {
                self.state.deliveries.remove(&delivery);
            }
            DeliveryEvent::ArrivedAtPickup { .. }
            | DeliveryEvent::PickupVerified { .. }
            | DeliveryEvent::Departed { .. }
            | DeliveryEvent::ArrivedAtDropoff { .. }
            | DeliveryEvent::ContactAttempted { .. }
            | DeliveryEvent::PinFailed { .. } => {}
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
                self.list.push(Effect::CancelTimer { name });
            }
        }
        if !self.state.consumed {
            self.stock(|hold| InventoryCommand::ReleaseHold {
                hold,
                reason: release,
            });
        }
        if money_back {
            self.payment(PaymentCommand::Unwind { reason: why });
        }
        let open: Vec<Uuid> = self.state.deliveries.keys().copied().collect();
        for delivery in open {
            self.call_off(delivery);
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

    /// The order cannot be paid for. One that is cooking refuses this and goes on at the platform's cost.
    fn cancel_unpaid(&mut self) {
        let process = Key::parse(OrderFulfilment::NAME).expect("the name is a key");
        self.tell_order(OrderCommand::Cancel {
            by: Actor::System { process },
            reason: Reason::parse("payment_failed").expect("a constant text"),
            fault: FaultParty::Platform,
        });
    }

    fn call_off(&mut self, delivery: Uuid) {
        let reason = Reason::parse("the order ended").expect("a constant text");
        self.command(AnyCommand::Delivery(
            delivery,
            DeliveryCommand::Cancel { reason },
        ));
    }

    fn tell_order(&mut self, command: OrderCommand) {
        self.command(AnyCommand::Order(self.order.uuid(), command));
    }

    fn payment(&mut self, command: PaymentCommand) {
        if let Some(terms) = &self.state.terms {
            let payment = terms.payment.uuid();
            self.command(AnyCommand::Payment(payment, command));
        }
    }

    fn stock(&mut self, command: impl FnOnce(OrderId) -> InventoryCommand) {
        if let Some(terms) = &self.state.terms {
            let shop = terms.restaurant.uuid();
            self.command(AnyCommand::Inventory(shop, command(self.order)));
        }
    }

    fn command(&mut self, command: AnyCommand) {
        self.list.push(Effect::Command { command });
    }

    /// A call about the intent. Its name comes earlier in the same stream as what asks for the call.
    fn call(&mut self, call: impl FnOnce(IntentId) -> PaymentCall) {
        if let Some(intent) = self.state.intent.clone() {
            self.list.push(Effect::Payment { call: call(intent) });
        }
    }

    fn start_reads(&mut self, payment: PaymentId, intent: &IntentId, created_at: DateTime<Utc>) {
        for minutes in READS_AFTER_MINUTES {
            let call = PaymentCall::Read {
                payment,
                intent: intent.clone(),
            };
            let at = created_at + Minutes::new(minutes).span();
            let name = format!("{}{minutes}", timers::PAYMENT_READ);
            self.start(name, at, Effect::Payment { call });
        }
    }

    fn cancel_reads(&mut self) {
        for minutes in READS_AFTER_MINUTES {
            self.cancel_timer(&format!("{}{minutes}", timers::PAYMENT_READ));
        }
    }

    fn start_timer(&mut self, name: &str, at: DateTime<Utc>, fires: OrderCommand) {
        let command = AnyCommand::Order(self.order.uuid(), fires);
        self.start(name.to_owned(), at, Effect::Command { command });
    }

    fn start(&mut self, name: String, at: DateTime<Utc>, fires: Effect) {
        self.state.timers.insert(name.clone());
        self.list.push(Effect::StartTimer {
            name,
            at,
            fires: Box::new(fires),
        });
    }

    fn cancel_timer(&mut self, name: &str) {
        if self.state.timers.remove(name) {
            self.list.push(Effect::CancelTimer {
                name: name.to_owned(),
            });
        }
    }
}

impl Money {
    fn with_refund(self) -> Self {
        match self {
            Self::Open | Self::Settled => Self::Returning(1),
            Self::Returning(count) => Self::Returning(count.saturating_add(1)),
        }
    }

    /// A refund that failed is no longer on its way either; it stands before a person.
    fn without_refund(self) -> Self {
        match self {
            Self::Open | Self::Settled | Self::Returning(0 | 1) => Self::Settled,
            Self::Returning(count) => Self::Returning(count.saturating_sub(1)),
        }
    }
}

impl Terms {
    fn of(terms: &CheckedOut) -> Self {
        let lead = |spec: &crate::ordering::line::BowlSpec| {
            i64::from(spec.cook_seconds.get()) + i64::from(spec.pack_seconds.get())
        };
        Self {
            restaurant: terms.restaurant,
            payment: terms.payment,
            is_delivery: terms.fulfilment.is_delivery(),
            auto_fire: terms.auto_fire,
            lead_seconds: terms
                .lines
                .iter()
                .filter_map(|line| line.bowl.as_ref())
                .map(lead)
                .max()
                .unwrap_or(0),
        }
    }
}
