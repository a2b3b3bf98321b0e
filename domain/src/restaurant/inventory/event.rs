//! What can happen to a shop's stock.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};
use uuid::Uuid;

use crate::decider::Event;
use crate::kernel::ids::OrderId;
use crate::kernel::key::Key;
use crate::kernel::kitchen::KitchenBooking;
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
        /// The newest orders whose stock it was, if it was held.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        short: Vec<ShortHold>,
    },
    /// Somebody counted the shelf.
    Recounted {
        /// What.
        ingredient: Key,
        /// How much there is, with what is held for orders.
        counted: Amount,
        /// How much of what is held is not there.
        shortfall: Amount,
        /// The newest orders that it falls to, newest first; together they lack the shortfall.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        short: Vec<ShortHold>,
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
        /// What of the kitchen it has booked, in a shop that says what its kitchen can do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kitchen: Option<KitchenBooking>,
    },
    /// The order was changed: it holds these from now on, and no longer what it held.
    HoldChanged {
        /// The order.
        hold: OrderId,
        /// What is set aside, each ingredient once.
        needs: Vec<IngredientAmount>,
        /// What of the kitchen it has booked from now on; as before when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kitchen: Option<KitchenBooking>,
    },
    /// An order for later was released to the kitchen: it holds these from now on, and lacks what was not free.
    HoldFilled {
        /// The order.
        hold: OrderId,
        /// What is set aside, each ingredient once.
        needs: Vec<IngredientAmount>,
        /// What it needs besides, each ingredient once.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        short: Vec<IngredientAmount>,
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
    /// Bowls of an order were cooked once more: so much left the shelf, and as much of what was cooked before is waste.
    CookedAgain {
        /// The order.
        order: OrderId,
        /// Its name for it; the order says whose fault it was.
        refire: Uuid,
        /// What it took, each ingredient once.
        needs: Vec<IngredientAmount>,
    },
    /// The order came to nothing: its stock is free again.
    HoldReleased {
        /// The order.
        hold: OrderId,
        /// Why.
        reason: ReleaseReason,
    },
}

/// An order that lacks something of what is held for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShortHold {
    /// The order.
    pub hold: OrderId,
    /// How much of the ingredient it lacks.
    pub amount: Amount,
}

impl ShortHold {
    /// What it lacks of this ingredient.
    pub fn of(&self, ingredient: &Key) -> IngredientAmount {
        IngredientAmount {
            ingredient: ingredient.clone(),
            amount: self.amount,
        }
    }
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

impl InventoryEvent {
    /// The number that an order is given with its hold.
    pub fn number(&self) -> Option<u32> {
        match self {
            Self::HoldOpened { number, .. } => Some(*number),
            Self::Received { .. }
            | Self::Wasted { .. }
            | Self::Recounted { .. }
            | Self::EightySixed { .. }
            | Self::EightySixLifted { .. }
            | Self::HoldChanged { .. }
            | Self::HoldFilled { .. }
            | Self::HoldCommitted { .. }
            | Self::HoldConsumed { .. }
            | Self::CookedAgain { .. }
            | Self::HoldReleased { .. } => None,
        }
    }
}

/// One of every event.
mod samples {
    use super::{Amount, IngredientAmount, InventoryEvent, ReleaseReason, ShortHold};
    use crate::kernel::kitchen::{KitchenBooking, SlotBooking};
    use crate::kernel::sample::{good, id, json, key, minute, reason};

    pub(super) fn all() -> Vec<InventoryEvent> {
        let amount = |number| good(Amount::try_from(number));
        let noodles = || key("noodles");
        let short = |number| {
            vec![ShortHold {
                hold: id(3),
                amount: amount(number),
            }]
        };
        let kitchen = |bowls| {
            Some(KitchenBooking {
                slots: vec![SlotBooking {
                    starts: minute(20),
                    bowls,
                    basket_seconds: bowls * 90,
                }],
            })
        };
        vec![
            InventoryEvent::Received {
                ingredient: noodles(),
                amount: amount(20_000),
            },
            InventoryEvent::Wasted {
                ingredient: noodles(),
                amount: amount(150),
                reason: reason("dropped"),
                short: short(10),
            },
            InventoryEvent::Recounted {
                ingredient: noodles(),
                counted: amount(100),
                shortfall: amount(50),
                short: short(50),
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
                kitchen: kitchen(1),
            },
            InventoryEvent::HoldChanged {
                hold: id(3),
                needs: vec![IngredientAmount {
                    ingredient: noodles(),
                    amount: amount(300),
                }],
                kitchen: kitchen(2),
            },
            InventoryEvent::HoldFilled {
                hold: id(3),
                needs: vec![IngredientAmount {
                    ingredient: noodles(),
                    amount: amount(130),
                }],
                short: vec![IngredientAmount {
                    ingredient: key("broth"),
                    amount: amount(350),
                }],
            },
            InventoryEvent::HoldCommitted { hold: id(3) },
            InventoryEvent::HoldConsumed { hold: id(3) },
            InventoryEvent::CookedAgain {
                order: id(3),
                refire: id(13),
                needs: vec![IngredientAmount {
                    ingredient: noodles(),
                    amount: amount(150),
                }],
            },
            InventoryEvent::HoldReleased {
                hold: id(4),
                reason: ReleaseReason::Expired,
            },
        ]
    }
}
