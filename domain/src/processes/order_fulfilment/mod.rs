//! From checkout to the end of an order: payment, stock and courier follow the order, and it follows them.
//!
//! | what happened | what follows |
//! | --- | --- |
//! | payment requested | create the intent at the vendor |
//! | intent created | read it after 2, 5 and 10 minutes, in case news gets lost |
//! | authorised | tell the order |
//! | checked out | payment timer |
//! | scheduled | commit the hold, release timer |
//! | placed | commit the hold, or fill that of an order for later; acceptance timer |
//! | accepted | request the capture; with the shop's flag, a timer fires noodle-last |
//! | capture, void or refund requested | call the vendor |
//! | creation or capture failed, reservation lapsed | cancel the order; one that is cooking refuses and goes on |
//! | fired, or picked up without it | consume the hold |
//! | ready for pickup | collection timer |
//! | rejected, cancelled, expired | release what is held, unwind the payment, call off the courier |
//! | the same before it was accepted, or unpaid | release the redemptions of its promotions |
//! | courier: picked up, delivered, failed | tell the order |
//! | cooked again | nobody is waited for until it is ready again |
//! | short and asked | answer timer |
//! | what it comes to falls | a smaller capture, or a refund as soon as the money is taken |
//! | amended | the same |
//! | promised for later | the timer that fires moves |
//! | fetched after all | call off the courier |
//! | delivered, undeliverable, not collected | completion timer; the policy's part goes back |

mod courier;
mod effects;
mod kitchen;
mod money;
mod state;

use uuid::Uuid;

use super::{AnyRecorded, Effect, Process};
use crate::aggregates::{AnyEvent, Kind};
use crate::kernel::flags::Flags;
use crate::kernel::ids::{OrderId, PaymentId};

use effects::Effects;
pub use state::OrderFulfilmentState;

/// Names of this process's timers.
pub mod timers {
    /// Ends an order that is not paid for.
    pub const PAYMENT: &str = "payment_expiry";
    /// Releases an order for later to its shop.
    pub const RELEASE: &str = "release";
    /// Rejects an order that the shop does not answer.
    pub const ACCEPTANCE: &str = "acceptance";
    /// Fires an accepted order by itself.
    pub const FIRE: &str = "auto_fire";
    /// Gives a ready order up that nobody fetches.
    pub const COLLECTION: &str = "collection";
    /// Leaves out what is short and nobody answered about; followed by the shortage.
    pub const SHORT_ANSWER: &str = "short_answer_";
    /// Closes an ended order.
    pub const COMPLETION: &str = "completion";
    /// Reads the vendor's intent; followed by the minutes.
    pub const PAYMENT_READ: &str = "payment_read_";
}

/// See the module.
#[derive(Debug)]
pub struct OrderFulfilment;

impl Process for OrderFulfilment {
    const NAME: &'static str = "order_fulfilment";
    const FOLLOWS: &'static [Kind] = &[Kind::Order, Kind::Payment, Kind::Delivery];
    type State = OrderFulfilmentState;

    fn instance(event: &AnyRecorded) -> Option<Uuid> {
        match event.recorded.event.kind() {
            Kind::Order => Some(event.recorded.stream),
            Kind::Payment | Kind::Delivery => event.order.map(OrderId::uuid),
            Kind::Restaurant
            | Kind::Menu
            | Kind::Inventory
            | Kind::Promotion
            | Kind::PromotionBook
            | Kind::Cart
            | Kind::Driver => None,
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
        let mut effects = Effects::of(order, state);
        match &recorded.event {
            AnyEvent::Order(news) => effects.on_order(news, recorded.event_id, flags),
            AnyEvent::Payment(news) => {
                effects.on_payment(PaymentId::new(recorded.stream), news, recorded.recorded_at);
            }
            AnyEvent::Delivery(news) => effects.on_delivery(recorded.stream, news),
            AnyEvent::Restaurant(_)
            | AnyEvent::Menu(_)
            | AnyEvent::Inventory(_)
            | AnyEvent::Promotion(_)
            | AnyEvent::PromotionBook(_)
            | AnyEvent::Cart(_)
            | AnyEvent::Driver(_) => {}
        }
        effects.list()
    }

    fn is_over(state: &Self::State) -> bool {
        state.is_over()
    }
}
