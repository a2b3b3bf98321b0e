//! What is true of a cart.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::event::{CartEvent, CartPromotion};
use crate::kernel::actor::Channel;
use crate::kernel::ids::{CartId, CustomerId, OrderId, RestaurantId};
use crate::ordering::fulfilment::Fulfilment;
use crate::ordering::line::{LineChoice, LineId};
use crate::ordering::window::Window;

/// A cart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[strum_discriminants(
    name(CartStage),
    doc = "The stages of a cart's life.",
    derive(Hash, VariantArray, IntoStaticStr, Serialize, Deserialize),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum Cart {
    /// Not opened yet.
    #[default]
    Absent,
    /// Being filled.
    Open(CartBody),
    /// Became an order.
    CheckedOut {
        /// What it held.
        body: CartBody,
        /// The order.
        order: OrderId,
    },
    /// A guest's, taken over by somebody who has signed in.
    Claimed {
        /// What it held.
        body: CartBody,
        /// Who.
        customer: CustomerId,
        /// Their cart.
        cart: CartId,
    },
    /// Thrown away.
    Abandoned(CartBody),
}

/// What an opened cart holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CartBody {
    /// Whose it is.
    pub customer: CustomerId,
    /// The shop.
    pub restaurant: RestaurantId,
    /// Where the order comes in.
    pub channel: Channel,
    /// When it can no longer be used.
    pub expires_at: DateTime<Utc>,
    /// Its lines, oldest first.
    pub lines: Vec<CartLine>,
    /// The number of the newest line ever.
    pub last_line: u32,
    /// How the order reaches the customer, once that is said.
    pub fulfilment: Option<Fulfilment>,
    /// When it is wanted; as soon as possible when absent.
    #[serde(default)]
    pub window: Option<Window>,
    /// The promotion that the customer named.
    #[serde(default)]
    pub promotion: Option<CartPromotion>,
    /// The tip in minor units of the shop's currency.
    pub tip_minor: i64,
}

/// A line with its number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CartLine {
    /// Its number.
    pub line: LineId,
    /// What was chosen.
    pub choice: LineChoice,
}

impl Cart {
    /// What it holds, at any stage but absent.
    pub fn body(&self) -> Option<&CartBody> {
        match self {
            Self::Absent => None,
            Self::Open(body)
            | Self::CheckedOut { body, .. }
            | Self::Claimed { body, .. }
            | Self::Abandoned(body) => Some(body),
        }
    }

    pub(super) fn apply(&mut self, event: &CartEvent) {
        match event {
            CartEvent::Opened {
                customer,
                restaurant,
                channel,
                expires_at,
                at: _,
            } => {
                *self = Self::Open(CartBody {
                    customer: *customer,
                    restaurant: *restaurant,
                    channel: *channel,
                    expires_at: *expires_at,
                    lines: Vec::new(),
                    last_line: 0,
                    fulfilment: None,
                    window: None,
                    promotion: None,
                    tip_minor: 0,
                });
            }
            CartEvent::LineAdded { line, choice } => self.change(|body| {
                body.last_line = line.get();
                body.lines.push(CartLine {
                    line: *line,
                    choice: choice.clone(),
                });
            }),
            CartEvent::LineChanged { line, choice } => self.change(|body| {
                for found in body.lines.iter_mut().filter(|found| found.line == *line) {
                    found.choice = choice.clone();
                }
            }),
            CartEvent::LineRemoved { line } => {
                self.change(|body| body.lines.retain(|found| found.line != *line));
            }
            CartEvent::FulfilmentSet { fulfilment, window } => self.change(|body| {
                body.fulfilment = Some(fulfilment.clone());
                body.window = *window;
            }),
            CartEvent::PromotionSet { promotion } => {
                self.change(|body| body.promotion.clone_from(promotion));
            }
            CartEvent::TipSet { amount_minor } => {
                self.change(|body| body.tip_minor = *amount_minor);
            }
            CartEvent::CheckedOut { order, at: _ } => {
                if let Some(body) = self.body().cloned() {
                    *self = Self::CheckedOut {
                        body,
                        order: *order,
                    };
                }
            }
            CartEvent::Claimed {
                customer,
                cart,
                at: _,
            } => {
                if let Some(body) = self.body().cloned() {
                    *self = Self::Claimed {
                        body,
                        customer: *customer,
                        cart: *cart,
                    };
                }
            }
            CartEvent::Abandoned { at: _ } => {
                if let Some(body) = self.body().cloned() {
                    *self = Self::Abandoned(body);
                }
            }
        }
    }

    fn change(&mut self, by: impl FnOnce(&mut CartBody)) {
        match self {
            Self::Open(body)
            | Self::CheckedOut { body, .. }
            | Self::Claimed { body, .. }
            | Self::Abandoned(body) => by(body),
            Self::Absent => {}
        }
    }
}

impl CartBody {
    /// Whether its customer comes for it.
    pub fn is_fetched(&self) -> bool {
        self.fulfilment == Some(Fulfilment::Pickup)
    }

    /// The line with this number.
    pub fn line(&self, line: LineId) -> Option<&CartLine> {
        self.lines.iter().find(|found| found.line == line)
    }
}
