//! Live orders: who follows which, and the latest state of each as one frame, serialised once for all.
//!
//! A follower has a slot that holds only the latest frame, so that a slow reader costs nothing and
//! misses nothing that is still true.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use infra::telemetry::TraceContext;
use tokio::sync::watch;
use uuid::Uuid;

/// Orders followed at the same time by one process; more are refused.
const ORDERS_MAX: usize = 50_000;

/// The state of an order at a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Of the order's stream: what `Last-Event-ID` repeats.
    pub(crate) sequence: i64,
    /// JSON.
    pub(crate) data: Arc<str>,
    /// Whether nothing follows.
    pub(crate) last: bool,
    /// The recorded trace of what brought the order here.
    pub(crate) trace: Option<TraceContext>,
    /// How many frames its slot has shown, this one included.
    pub(crate) nth: u64,
}

/// The slots of all followed orders. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveOrders {
    slots: Arc<Mutex<HashMap<Uuid, watch::Sender<Option<Frame>>>>>,
}

/// Too many orders are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many orders are followed")]
pub(crate) struct TooManyFollowed;

impl LiveOrders {
    /// Follows an order.
    ///
    /// # Errors
    /// [`TooManyFollowed`].
    pub(crate) fn follow(
        &self,
        order: Uuid,
    ) -> Result<watch::Receiver<Option<Frame>>, TooManyFollowed> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&order) {
            return Ok(slot.subscribe());
        }
        if slots.len() >= ORDERS_MAX {
            slots.retain(|_, slot| slot.receiver_count() > 0);
        }
        if slots.len() >= ORDERS_MAX {
            return Err(TooManyFollowed);
        }
        let (slot, follower) = watch::channel(None);
        slots.insert(order, slot);
        Ok(follower)
    }

    /// Those of `orders` that anybody follows; forgets those that nobody follows any more.
    pub(crate) fn followed(&self, orders: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let mut followed = Vec::new();
        for order in orders {
            match slots.get(&order).map(watch::Sender::receiver_count) {
                Some(0) => {
                    slots.remove(&order);
                }
                Some(_) => followed.push(order),
                None => {}
            }
        }
        followed
    }

    /// Every order that anybody follows.
    pub(crate) fn all_followed(&self) -> Vec<Uuid> {
        let orders: Vec<Uuid> = {
            let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            slots.keys().copied().collect()
        };
        self.followed(orders.into_iter())
    }

    /// Puts a newer frame into an order's slot.
    pub(crate) fn show(&self, order: Uuid, frame: &Frame) {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&order) {
            slot.send_if_modified(|shown| {
                let newer = shown
                    .as_ref()
                    .is_none_or(|shown| shown.sequence < frame.sequence);
                if newer {
                    let nth = shown.as_ref().map_or(0, |shown| shown.nth) + 1;
                    *shown = Some(Frame {
                        nth,
                        ..frame.clone()
                    });
                }
                newer
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(sequence: i64) -> Frame {
        Frame {
            sequence,
            data: "{}".into(),
            last: false,
            trace: None,
            nth: 0,
        }
    }

    #[tokio::test]
    async fn a_slow_follower_sees_only_the_latest() {
        let live = LiveOrders::default();
        let order = Uuid::from_u128(1);
        let mut follower = live.follow(order).unwrap();
        for sequence in [1, 3, 2] {
            live.show(order, &frame(sequence));
        }
        follower.changed().await.unwrap();
        assert_eq!(
            follower
                .borrow_and_update()
                .as_ref()
                .map(|frame| frame.sequence),
            Some(3)
        );
        assert!(!follower.has_changed().unwrap());
    }

    #[test]
    fn an_order_that_nobody_follows_is_forgotten() {
        let live = LiveOrders::default();
        let order = Uuid::from_u128(1);
        let follower = live.follow(order).unwrap();
        assert_eq!(live.all_followed(), [order]);
        drop(follower);
        assert!(live.followed([order].into_iter()).is_empty());
        assert!(live.all_followed().is_empty());
    }
}
