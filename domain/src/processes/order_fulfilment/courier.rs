//! What follows from news of a delivery: the order is told, and a transport that nobody needs called off.

use uuid::Uuid;

use super::effects::Effects;
use crate::aggregates::AnyCommand;
use crate::delivery::delivery::{DeliveryCommand, DeliveryEvent};
use crate::kernel::text::Reason;
use crate::ordering::order::OrderCommand;

impl Effects<'_> {
    pub(super) fn on_delivery(&mut self, delivery: Uuid, news: &DeliveryEvent) {
        match news {
            DeliveryEvent::Requested(_) => {
                self.state.deliveries.insert(delivery, None);
                let fetched = self
                    .state
                    .terms
                    .as_ref()
                    .is_some_and(|terms| !terms.is_delivery);
                if self.state.dead || fetched {
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
            | DeliveryEvent::DropoffCorrected { .. }
            | DeliveryEvent::PinFailed { .. } => {}
        }
    }

    /// Asks for the end of a transport that nobody needs any more.
    pub(super) fn call_off(&mut self, delivery: Uuid) {
        let reason = Reason::parse("the order ended").expect("a constant text");
        self.command(AnyCommand::Delivery(
            delivery,
            DeliveryCommand::Cancel { reason },
        ));
    }
}
