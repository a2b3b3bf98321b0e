//! A shop that nobody answers for takes no more orders: it is paused as unreachable until somebody answers.
//!
//! | what happened | what follows |
//! | --- | --- |
//! | placed | the silence timer, counted from this order or the last sign of the shop |
//! | shown by a device, or anything else that the shop did | the timer moves, or stops when no order waits |
//! | a device is heard | no silence while it is there; its own timer misses it unless its heartbeats move that |
//! | any of these while the shop is unreachable | it takes orders again |
//! | rejected by the acceptance timer, twice in a row | pause as unreachable |
//! | silence timer | pause as unreachable |
//!
//! A heartbeat of a device that is there is no event: it moves the device's timer in the runner's table, and nothing
//! else. A device that is there and shows orders to nobody does not end a pause for unanswered orders; one that comes
//! back does, as an order that is shown does: somebody has switched it on.
//!
//! An instance is a shop. Its streams are followed in the log's order, so that the last position tells what is news,
//! however many orders there were.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AnyRecorded, Effect, Process};
use crate::aggregates::{AnyCommand, AnyEvent, Kind};
use crate::kernel::flags::Flags;
use crate::kernel::ids::{DeviceId, RestaurantId};
use crate::kernel::text::Reason;
use crate::ordering::order::{OrderEvent, RejectReason};
use crate::restaurant::restaurant::{PauseKind, RestaurantCommand, RestaurantEvent};

/// The timer that pauses a shop whose devices are silent.
pub const SILENCE: &str = "silence";

/// The timer that misses a device. Whoever hears of a heartbeat moves it to `unreachable_silence` from then.
pub fn missing(device: DeviceId) -> String {
    format!("missing {device}")
}

/// See the module.
#[derive(Debug)]
pub struct ShopReachability;

/// What an instance remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ShopReachabilityState {
    /// The log's last position seen.
    position: i64,
    /// Placed orders that no device has shown and nobody has answered, with since when.
    waiting: BTreeMap<Uuid, DateTime<Utc>>,
    /// When the shop last did anything.
    answered_at: Option<DateTime<Utc>>,
    /// Orders in a row that nobody answered in time.
    unanswered: u32,
    /// Whether the shop is paused as unreachable.
    unreachable: bool,
    /// Devices that are heard.
    #[serde(default)]
    here: BTreeSet<DeviceId>,
    /// When the silence timer is due, while there is one.
    silent_at: Option<DateTime<Utc>>,
}

impl Process for ShopReachability {
    const NAME: &'static str = "shop_reachability";
    const FOLLOWS: &'static [Kind] = &[Kind::Order, Kind::Restaurant];
    type State = ShopReachabilityState;

    fn instance(event: &AnyRecorded) -> Option<Uuid> {
        match event.recorded.event.kind() {
            Kind::Order => event.restaurant.map(RestaurantId::uuid),
            Kind::Restaurant => Some(event.recorded.stream),
            Kind::Menu
            | Kind::Inventory
            | Kind::Promotion
            | Kind::PromotionBook
            | Kind::Cart
            | Kind::Payment
            | Kind::Delivery
            | Kind::Driver => None,
        }
    }

    fn react(state: &mut Self::State, event: &AnyRecorded, flags: &Flags) -> Vec<Effect> {
        let recorded = &event.recorded;
        let Some(shop) = Self::instance(event) else {
            return Vec::new();
        };
        if recorded.position <= state.position {
            return Vec::new();
        }
        state.position = recorded.position;
        let mut effects = Vec::new();
        match &recorded.event {
            AnyEvent::Order(news) => {
                if event.by_shop {
                    effects.extend(state.hears(shop, news, recorded.recorded_at));
                }
                effects.extend(state.on_order(shop, recorded.stream, news, flags));
            }
            AnyEvent::Restaurant(news) => {
                if event.by_shop {
                    state.answered_at = Some(recorded.recorded_at);
                }
                effects.extend(state.on_device(shop, news, recorded.recorded_at, flags));
                state.on_restaurant(news);
            }
            AnyEvent::Menu(_)
            | AnyEvent::Inventory(_)
            | AnyEvent::Promotion(_)
            | AnyEvent::PromotionBook(_)
            | AnyEvent::Cart(_)
            | AnyEvent::Payment(_)
            | AnyEvent::Delivery(_)
            | AnyEvent::Driver(_) => {}
        }
        effects.extend(state.listen(shop, flags));
        effects
    }

    fn is_over(state: &Self::State) -> bool {
        state.silent_at.is_none() && state.here.is_empty()
    }
}

impl ShopReachabilityState {
    /// The shop did something: a device that shows orders by itself is a sign, and no answer.
    fn hears(&mut self, shop: Uuid, news: &OrderEvent, at: DateTime<Utc>) -> Option<Effect> {
        self.answered_at = Some(at);
        if !matches!(news, OrderEvent::Acknowledged { .. }) {
            self.unanswered = 0;
        }
        self.unreachable
            .then(|| tell(shop, RestaurantCommand::MarkReachable))
    }

    fn on_order(
        &mut self,
        shop: Uuid,
        order: Uuid,
        news: &OrderEvent,
        flags: &Flags,
    ) -> Option<Effect> {
        match news {
            OrderEvent::Placed { at } => {
                self.waiting.insert(order, *at);
            }
            OrderEvent::Rejected {
                reason: RejectReason::NoAnswer,
                ..
            } => {
                self.waiting.remove(&order);
                self.unanswered = self.unanswered.saturating_add(1);
                if self.unanswered >= flags.unreachable_rejections {
                    self.unanswered = 0;
                    let count = flags.unreachable_rejections;
                    let why = format!("{count} orders in a row were not answered in time");
                    return Some(tell(shop, unreachable(&why, false)));
                }
            }
            OrderEvent::Accepted { .. }
            | OrderEvent::Rejected { .. }
            | OrderEvent::Expired { .. }
            | OrderEvent::Cancelled { .. }
            | OrderEvent::Fired { .. }
            | OrderEvent::BowlBoiled { .. }
            | OrderEvent::BowlSealed { .. }
            | OrderEvent::Refired { .. }
            | OrderEvent::Ready { .. }
            | OrderEvent::Collected { .. }
            | OrderEvent::PickedUp { .. }
            | OrderEvent::Delivered { .. }
            | OrderEvent::Undeliverable { .. }
            | OrderEvent::NotCollected { .. }
            | OrderEvent::Completed { .. }
            | OrderEvent::Acknowledged { .. } => {
                self.waiting.remove(&order);
            }
            OrderEvent::CheckedOut(_)
            | OrderEvent::Scheduled { .. }
            | OrderEvent::CourierRequested { .. }
            | OrderEvent::ShortReported { .. }
            | OrderEvent::ShortSettled { .. }
            | OrderEvent::PromiseMoved { .. }
            | OrderEvent::PromiseMade { .. }
            | OrderEvent::Amended { .. }
            | OrderEvent::DoorCorrected { .. }
            | OrderEvent::Stalled { .. }
            | OrderEvent::ActedOnBehalf { .. }
            | OrderEvent::RemakeOffered { .. }
            | OrderEvent::RemakeDeclined { .. }
            | OrderEvent::Remade { .. }
            | OrderEvent::SwitchedToPickup { .. } => {}
        }
        None
    }

    /// What follows from a device's coming and going.
    fn on_device(
        &mut self,
        shop: Uuid,
        news: &RestaurantEvent,
        at: DateTime<Utc>,
        flags: &Flags,
    ) -> Vec<Effect> {
        let cancel = |device: &DeviceId| Effect::CancelTimer {
            name: missing(*device),
        };
        match news {
            RestaurantEvent::DeviceHeard { device, .. } => {
                self.answered_at = Some(at);
                self.here.insert(*device);
                let misses = RestaurantCommand::MissDevice {
                    device: *device,
                    silent_for: flags.unreachable_silence,
                };
                let timer = Effect::StartTimer {
                    name: missing(*device),
                    at: at + flags.unreachable_silence.span(),
                    fires: Box::new(tell(shop, misses)),
                };
                let again = self.unreachable;
                let again = again.then(|| tell(shop, RestaurantCommand::MarkReachable));
                [timer].into_iter().chain(again).collect()
            }
            RestaurantEvent::DeviceMissed {
                device, silent_for, ..
            } => {
                // It was there until then, whatever was heard of others before.
                if self.here.remove(device) {
                    self.answered_at = self.answered_at.max(Some(at - silent_for.span()));
                }
                Vec::new()
            }
            RestaurantEvent::DeviceRemoved { device } => {
                let was_here = self.here.remove(device);
                was_here.then(|| cancel(device)).into_iter().collect()
            }
            RestaurantEvent::Closed { .. } => {
                std::mem::take(&mut self.here).iter().map(cancel).collect()
            }
            RestaurantEvent::Registered(_)
            | RestaurantEvent::ProfileUpdated { .. }
            | RestaurantEvent::HoursSet { .. }
            | RestaurantEvent::ZonesSet { .. }
            | RestaurantEvent::TermsSet { .. }
            | RestaurantEvent::CapacitySet { .. }
            | RestaurantEvent::Submitted
            | RestaurantEvent::Approved
            | RestaurantEvent::Suspended { .. }
            | RestaurantEvent::Paused { .. }
            | RestaurantEvent::Resumed
            | RestaurantEvent::StaffAdded { .. }
            | RestaurantEvent::StaffRemoved { .. }
            | RestaurantEvent::DeviceAdded { .. } => Vec::new(),
        }
    }

    fn on_restaurant(&mut self, news: &RestaurantEvent) {
        match news {
            RestaurantEvent::Paused { kind, .. } => {
                self.unreachable = *kind == PauseKind::Unreachable;
            }
            RestaurantEvent::Resumed => {
                self.unreachable = false;
                self.unanswered = 0;
            }
            RestaurantEvent::Approved
            | RestaurantEvent::Suspended { .. }
            | RestaurantEvent::Closed { .. } => {
                self.unreachable = false;
                self.unanswered = 0;
                self.waiting.clear();
            }
            RestaurantEvent::Registered(_)
            | RestaurantEvent::ProfileUpdated { .. }
            | RestaurantEvent::HoursSet { .. }
            | RestaurantEvent::ZonesSet { .. }
            | RestaurantEvent::TermsSet { .. }
            | RestaurantEvent::CapacitySet { .. }
            | RestaurantEvent::Submitted
            | RestaurantEvent::StaffAdded { .. }
            | RestaurantEvent::StaffRemoved { .. }
            | RestaurantEvent::DeviceAdded { .. }
            | RestaurantEvent::DeviceRemoved { .. }
            | RestaurantEvent::DeviceHeard { .. }
            | RestaurantEvent::DeviceMissed { .. } => {}
        }
    }

    /// The timer follows the order that waits longest, and never looks behind the last sign of the shop.
    fn listen(&mut self, shop: Uuid, flags: &Flags) -> Option<Effect> {
        let listens = !self.unreachable && self.here.is_empty();
        let oldest = self.waiting.values().min().filter(|_| listens);
        let due = oldest.map(|since| {
            let from = self.answered_at.map_or(*since, |at| at.max(*since));
            from + flags.unreachable_silence.span()
        });
        if due == self.silent_at {
            return None;
        }
        self.silent_at = due;
        let name = SILENCE.to_owned();
        Some(match due {
            None => Effect::CancelTimer { name },
            Some(at) => Effect::StartTimer {
                name,
                at,
                fires: Box::new(tell(
                    shop,
                    unreachable("no device of the shop answers", true),
                )),
            },
        })
    }
}

fn tell(shop: Uuid, command: RestaurantCommand) -> Effect {
    Effect::Command {
        command: AnyCommand::Restaurant(shop, command),
    }
}

fn unreachable(why: &str, for_silence: bool) -> RestaurantCommand {
    RestaurantCommand::MarkUnreachable {
        reason: Reason::parse(why).expect("a short text of ours"),
        for_silence,
    }
}
