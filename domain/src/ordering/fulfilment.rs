//! How an order reaches its customer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::address::Address;
use crate::kernel::sample;
use crate::kernel::sealed::Sealed;

/// Brought to the door or fetched from the shop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Fulfilment {
    /// Brought to this address, which only the vault can open.
    Delivery {
        /// Where to, sealed for the customer.
        address: Sealed<Address>,
    },
    /// Fetched at the shop's counter.
    Pickup,
}

impl Fulfilment {
    /// For samples of events.
    pub(crate) fn sample() -> Self {
        Self::Delivery {
            address: sample::sealed("ordering.cart", "address"),
        }
    }

    /// Whether a courier is needed.
    pub fn is_delivery(&self) -> bool {
        match self {
            Self::Delivery { .. } => true,
            Self::Pickup => false,
        }
    }
}
