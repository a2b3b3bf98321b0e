//! What makes two moments the same: everything that can change, and no times, for the model has no clock.

use std::hash::{Hash, Hasher};

use domain::decider::Decider as _;

use crate::world::World;

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let text = |value: &dyn std::fmt::Debug| format!("{value:?}");
        if let Some(order) = self.order.body() {
            order.stage.hash(state);
            [
                order.placed_at.is_some(),
                order.accepted_at.is_some(),
                order.fired_at.is_some(),
                order.ready_at.is_some(),
                order.picked_up_at.is_some(),
            ]
            .hash(state);
            order.delivery.hash(state);
            order.switched_to_pickup.hash(state);
            order.refires.hash(state);
            order.bill.total.hash(state);
            for short in &order.shorts {
                short.outcome.is_some().hash(state);
            }
            for clock in &order.bowls {
                (clock.boiled_at.is_some(), clock.sealed_at.is_some()).hash(state);
            }
        }
        if let Some(payment) = self.payment.body() {
            payment.stage.hash(state);
            payment.intent.is_some().hash(state);
            payment.captured.hash(state);
            text(&payment.unwinding).hash(state);
            text(&payment.refunds).hash(state);
        }
        for (_, hold) in self.stock.holds() {
            text(&hold.stage).hash(state);
        }
        for courier in &self.couriers {
            courier.stage().hash(state);
            courier
                .body()
                .map(|body| body.verified.is_some())
                .hash(state);
        }
        self.process_text.hash(state);
        for (id, stream) in &self.streams {
            (id, stream.written, stream.untold.len()).hash(state);
            for event in &stream.untold {
                event.name().hash(state);
            }
        }
        for effect in self.commands.iter().chain(&self.calls) {
            effect.1.hash(state);
        }
        for name in self.timers.keys() {
            name.hash(state);
        }
        if let Some(intent) = &self.vendor.intent {
            text(&intent.state).hash(state);
            intent.amount.hash(state);
        }
        self.vendor.refunds.hash(state);
        self.seen.hash(state);
        self.outside.hash(state);
    }
}
