//! The effects of one event, in the making: commands, calls and timers.

use chrono::{DateTime, Utc};

use super::state::OrderFulfilmentState;
use crate::aggregates::AnyCommand;
use crate::kernel::ids::OrderId;
use crate::ordering::order::OrderCommand;
use crate::payment::payment::PaymentCommand;
use crate::processes::Effect;
use crate::restaurant::inventory::InventoryCommand;

/// The effects of one event, and what is remembered of the order they are for.
pub(super) struct Effects<'a> {
    pub(super) state: &'a mut OrderFulfilmentState,
    pub(super) order: OrderId,
    list: Vec<Effect>,
}

impl<'a> Effects<'a> {
    pub(super) fn of(order: OrderId, state: &'a mut OrderFulfilmentState) -> Self {
        Self {
            state,
            order,
            list: Vec::new(),
        }
    }

    pub(super) fn list(self) -> Vec<Effect> {
        self.list
    }

    pub(super) fn tell_order(&mut self, command: OrderCommand) {
        self.command(AnyCommand::Order(self.order.uuid(), command));
    }

    pub(super) fn payment(&mut self, command: PaymentCommand) {
        if let Some(terms) = &self.state.terms {
            let payment = terms.payment.uuid();
            self.command(AnyCommand::Payment(payment, command));
        }
    }

    pub(super) fn stock(&mut self, command: impl FnOnce(OrderId) -> InventoryCommand) {
        if let Some(terms) = &self.state.terms {
            let shop = terms.restaurant.uuid();
            self.command(AnyCommand::Inventory(shop, command(self.order)));
        }
    }

    pub(super) fn command(&mut self, command: AnyCommand) {
        self.list.push(Effect::Command { command });
    }

    pub(super) fn add(&mut self, effect: Effect) {
        self.list.push(effect);
    }

    pub(super) fn start_timer(&mut self, name: &str, at: DateTime<Utc>, fires: OrderCommand) {
        let command = AnyCommand::Order(self.order.uuid(), fires);
        self.start(name.to_owned(), at, Effect::Command { command });
    }

    pub(super) fn start(&mut self, name: String, at: DateTime<Utc>, fires: Effect) {
        self.state.timers.insert(name.clone());
        self.list.push(Effect::StartTimer {
            name,
            at,
            fires: Box::new(fires),
        });
    }

    pub(super) fn cancel_timer(&mut self, name: &str) {
        if self.state.timers.remove(name) {
            self.list.push(Effect::CancelTimer {
                name: name.to_owned(),
            });
        }
    }
}
