//! What can happen to a cart.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};

use crate::decider::Event;
use crate::kernel::actor::Channel;
use crate::kernel::code::PromotionCode;
use crate::kernel::ids::{CartId, CustomerId, OrderId, PromotionId, RestaurantId};
use crate::kernel::sample;
use crate::ordering::fulfilment::Fulfilment;
use crate::ordering::line::{LineChoice, LineId};
use crate::ordering::window::Window;

/// A fact about a cart.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, VariantNames, IntoStaticStr,
)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum CartEvent {
    /// A cart was started.
    Opened {
        /// Whose it is.
        customer: CustomerId,
        /// The shop.
        restaurant: RestaurantId,
        /// Where the order comes in.
        channel: Channel,
        /// When it can no longer be used.
        expires_at: DateTime<Utc>,
        /// When it was started.
        at: DateTime<Utc>,
    },
    /// A line was added.
    LineAdded {
        /// Its number, never used again.
        line: LineId,
        /// What was chosen.
        choice: LineChoice,
    },
    /// A line was changed.
    LineChanged {
        /// Which.
        line: LineId,
        /// The whole line as it is now.
        choice: LineChoice,
    },
    /// A line was taken out.
    LineRemoved {
        /// Which.
        line: LineId,
    },
    /// It was said how the order reaches the customer.
    FulfilmentSet {
        /// How.
        fulfilment: Fulfilment,
        /// When it is wanted; as soon as possible when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window: Option<Window>,
    },
    /// The cart's promotion was named.
    PromotionSet {
        /// Which; none when it was taken back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        promotion: Option<CartPromotion>,
    },
    /// The tip was set.
    TipSet {
        /// In minor units of the shop's currency.
        amount_minor: i64,
    },
    /// The cart became an order.
    CheckedOut {
        /// Which.
        order: OrderId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Somebody who has signed in took a guest's cart over.
    Claimed {
        /// Who.
        customer: CustomerId,
        /// Their cart, which holds the lines now.
        cart: CartId,
        /// When.
        at: DateTime<Utc>,
    },
    /// The cart was thrown away.
    Abandoned {
        /// When.
        at: DateTime<Utc>,
    },
}

/// A promotion that a customer named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CartPromotion {
    /// Which.
    pub id: PromotionId,
    /// By which code.
    pub code: PromotionCode,
}

impl Event for CartEvent {
    fn name(&self) -> &'static str {
        self.into()
    }

    fn samples() -> Vec<Self> {
        let line = LineId::new(1);
        vec![
            Self::Opened {
                customer: sample::id(1),
                restaurant: sample::id(2),
                channel: Channel::App,
                expires_at: sample::minute(24 * 60),
                at: sample::minute(0),
            },
            Self::LineAdded {
                line,
                choice: LineChoice::sample(),
            },
            Self::LineChanged {
                line,
                choice: LineChoice {
                    note: None,
                    ..LineChoice::sample()
                },
            },
            Self::LineRemoved { line },
            Self::FulfilmentSet {
                fulfilment: Fulfilment::sample(),
                window: Some(Window::sample()),
            },
            Self::FulfilmentSet {
                fulfilment: Fulfilment::Pickup,
                window: None,
            },
            Self::PromotionSet {
                promotion: Some(CartPromotion {
                    id: sample::id(8),
                    code: sample::good(PromotionCode::parse("RAMEN10")),
                }),
            },
            Self::PromotionSet { promotion: None },
            Self::TipSet { amount_minor: 200 },
            Self::CheckedOut {
                order: sample::id(3),
                at: sample::minute(9),
            },
            Self::Claimed {
                customer: sample::id(4),
                cart: sample::id(5),
                at: sample::minute(9),
            },
            Self::Abandoned {
                at: sample::minute(9),
            },
        ]
    }
}
