//! How an order reaches its customer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::address::Address;
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
    /// Whether a courier is needed.
    pub fn is_delivery(&self) -> bool {
        match self {
            Self::Delivery { .. } => true,
            Self::Pickup => false,
        }
    }
}
