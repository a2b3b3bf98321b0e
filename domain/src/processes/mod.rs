//! Decisions that span time: what must follow from what has happened, over several aggregates.
//!
//! A process folds events into its state and answers with effects. It is pure: its runner keeps state,
//! timers and effects, and repeats an effect until it is done. So
//! - the same event in the same state gives the same effects with the same ids ([`effect_id`]);
//! - an event that was seen before gives none;
//! - there is no order between streams, and none is needed: each effect waits for the facts it needs,
//!   whichever comes last.
//!
//! A command that its aggregate refuses is settled, not repeated: the aggregate knows better than the
//! process what has become of it in the meantime.

pub mod order_fulfilment;
pub mod order_stays;
pub mod shop_reachability;
pub mod stock_shorts;

use std::fmt::Debug;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use crate::aggregates::{AnyCommand, AnyEvent, Kind};
use crate::decider::Recorded;
use crate::kernel::flags::Flags;
use crate::kernel::ids::{OrderId, RestaurantId};
pub use crate::payment::vendor::PaymentCall;
pub use order_fulfilment::OrderFulfilment;
pub use order_stays::OrderStays;
pub use shop_reachability::ShopReachability;
pub use stock_shorts::StockShorts;

/// Names the ids of effects, so that they never equal another `UUIDv5` of ours.
const EFFECT_NAMESPACE: Uuid = uuid!("0d7f6f5e-55ab-5e0b-8f4e-3a3f9b8a6c21");

/// An event of any aggregate as a process sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct AnyRecorded {
    /// The event with its place in the history.
    pub recorded: Recorded<AnyEvent>,
    /// The order that its metadata names.
    pub order: Option<OrderId>,
    /// The shop that its metadata names.
    pub restaurant: Option<RestaurantId>,
    /// Whether somebody at a shop, or a device there, asked for it.
    pub by_shop: bool,
}

/// A decision that spans time.
pub trait Process {
    /// Its name in tables and logs; part of every effect's id.
    const NAME: &'static str;
    /// The aggregates it follows.
    const FOLLOWS: &'static [Kind];
    /// What it remembers between events.
    type State: Default + Clone + PartialEq + Debug + Serialize + DeserializeOwned + Send + Sync;

    /// The instance that an event belongs to; none when it is not for this process.
    fn instance(event: &AnyRecorded) -> Option<Uuid>;

    /// What must follow from an event. Times come from events, so that a repeat says the same.
    fn react(state: &mut Self::State, event: &AnyRecorded, flags: &Flags) -> Vec<Effect>;

    /// Whether nothing more can follow, unless somebody acts.
    fn is_over(state: &Self::State) -> bool;
}

/// What a process wants done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "few are alive at a time")]
pub enum Effect {
    /// A command to an aggregate.
    Command {
        /// Which.
        command: AnyCommand,
    },
    /// A call to the payment vendor.
    Payment {
        /// Which.
        call: PaymentCall,
    },
    /// Something later.
    StartTimer {
        /// The timer's name within the instance; starting it again moves it.
        name: String,
        /// When.
        at: DateTime<Utc>,
        /// What then: a command or a call.
        fires: Box<Effect>,
    },
    /// No longer that later.
    CancelTimer {
        /// The timer's name within the instance.
        name: String,
    },
}

/// The id of the `index`th effect of an event: its idempotency key, for us and for vendors.
pub fn effect_id(process: &str, event_id: Uuid, index: usize) -> Uuid {
    Uuid::new_v5(
        &EFFECT_NAMESPACE,
        format!("{process}\n{event_id}\n{index}").as_bytes(),
    )
}

/// The id of what a timer fires, from the id of the effect that started it.
pub fn fired_id(timer: Uuid) -> Uuid {
    Uuid::new_v5(&EFFECT_NAMESPACE, format!("fired\n{timer}").as_bytes())
}

/// Hands all processes to a macro: `callback! { path::A, path::B, … }`.
#[macro_export]
macro_rules! for_each_process {
    ($callback:ident) => {
        $callback! {
            $crate::processes::OrderFulfilment, $crate::processes::OrderStays,
            $crate::processes::ShopReachability, $crate::processes::StockShorts
        }
    };
}
