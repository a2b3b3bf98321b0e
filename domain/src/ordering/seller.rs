//! Who sells an order, as its receipt names them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::sample;
use crate::kernel::text::{Name, Wording};

/// The seller besides its name, as the shop had it at checkout: a receipt does not change with the shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SellerDetails {
    /// The seller's tax number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_id: Option<Name>,
    /// The shop's address as people write it.
    pub address: Wording,
}

impl SellerDetails {
    /// For samples of events.
    pub(crate) fn sample() -> Self {
        Self {
            tax_id: Some(sample::name("T1234567890123")),
            address: Wording::parse("1-2-3 Dogenzaka, Shibuya").expect("a constant text"),
        }
    }
}
