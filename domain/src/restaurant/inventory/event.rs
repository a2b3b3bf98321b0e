//! What can happen to a shop's stock.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};

use crate::decider::Event;
use crate::kernel::ids::OrderId;
use crate::kernel::key::Key;
use crate::kernel::quantity::{Amount, IngredientAmount};
use crate::kernel::text::Reason;

/// A fact in the history of a shop's stock.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, IntoStaticStr, VariantNames,
)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum InventoryEvent {
    /// Goods came in.
    Received {
        /// What.
        ingredient: Key,
        /// How much.
        amount: Amount,
    },
    /// Something was thrown away.
    Wasted {
        /// What.
        ingredient: Key,
        /// How much.
        amount: Amount,
        /// Why.
        reason: Reason,
    },
    /// Somebody counted the shelf.
    Recounted {
        /// What.
        ingredient: Key,
        /// How much there is, with what is held for orders.
        counted: Amount,
        /// How much of what is held is not there.
        shortfall: Amount,
    },
    /// An ingredient is out, whatever the count says.
    EightySixed {
        /// Which.
        ingredient: Key,
        /// When it is back by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<DateTime<Utc>>,
    },
    /// An ingredient is back.
    EightySixLifted {
        /// Which.
        ingredient: Key,
    },
    /// Stock was set aside for an order at its checkout.
    HoldOpened {
        /// The order.
        hold: OrderId,
        /// What is set aside, each ingredient once.
        needs: Vec<IngredientAmount>,
        /// The service date of the order.
        service_date: NaiveDate,
        /// The order's number on that date, from 1.
        number: u32,
        /// When the order's payment timer runs out.
        expires_at: DateTime<Utc>,
    },
    /// The order was paid: its hold no longer expires.
    HoldCommitted {
        /// The order.
        hold: OrderId,
    },
    /// The order was fired: its stock is used.
    HoldConsumed {
        /// The order.
        hold: OrderId,
    },
    /// The order came to nothing: its stock is free again.
    HoldReleased {
        /// The order.
        hold: OrderId,
        /// Why.
        reason: ReleaseReason,
    },
}

/// Why stock became free again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseReason {
    /// Nobody paid in time.
    Expired,
    /// The payment failed.
    PaymentFailed,
    /// The order was cancelled before it was fired.
    Cancelled,
    /// The shop rejected it.
    Rejected,
}

impl Event for InventoryEvent {
    fn name(&self) -> &'static str {
        self.into()
    }

    fn samples() -> Vec<Self> {
        samples::all()
    }
}

/// One of every event.
mod samples {
    use super::{Amount, IngredientAmount, InventoryEvent, ReleaseReason};
    use crate::kernel::sample::{good, id, json, key, minute, reason};

    pub(super) fn all() -> Vec<InventoryEvent> {
        let amount = |number| good(Amount::try_from(number));
        let noodles = || key("noodles");
        vec![
            InventoryEvent::Received {
                ingredient: noodles(),
                amount: amount(20_000),
            },
            InventoryEvent::Wasted {
                ingredient: noodles(),
                amount: amount(150),
                reason: reason("dropped"),
            },
            InventoryEvent::Recounted {
                ingredient: noodles(),
                counted: amount(100),
                shortfall: amount(50),
            },
            InventoryEvent::EightySixed {
                ingredient: noodles(),
                until: Some(minute(120)),
            },
            InventoryEvent::EightySixLifted {
                ingredient: noodles(),
            },
            InventoryEvent::HoldOpened {
                hold: id(3),
                needs: vec![IngredientAmount {
                    ingredient: noodles(),
                    amount: amount(150),
                }],
                service_date: json(r#""2026-11-20""#),
                number: 1,
                expires_at: minute(15),
            },
            InventoryEvent::HoldCommitted { hold: id(3) },
            InventoryEvent::HoldConsumed { hold: id(3) },
            InventoryEvent::HoldReleased {
                hold: id(4),
                reason: ReleaseReason::Expired,
            },
        ]
    }
}
