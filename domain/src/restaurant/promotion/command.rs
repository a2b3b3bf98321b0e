//! What can be asked of a promotion.

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::event::{Limits, PromotionTerms};
use crate::kernel::ids::{CustomerId, OrderId, RestaurantId};
use crate::kernel::money::Money;

/// A request to a promotion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum_discriminants(
    name(PromotionCommandKind),
    doc = "The commands of a promotion without their fields.",
    derive(Hash, VariantArray, IntoStaticStr, Serialize, Deserialize),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum PromotionCommand {
    /// Gives it out.
    Create {
        /// What it is.
        terms: Box<PromotionTerms>,
    },
    /// Changes how often it may be redeemed.
    SetLimits {
        /// Both limits.
        limits: Limits,
    },
    /// Ends it; what was redeemed stays.
    End,
    /// Uses it for an order; only `joint::checkout` sends it.
    Redeem {
        /// The order.
        order: OrderId,
        /// Whose.
        customer: CustomerId,
        /// At which shop.
        restaurant: RestaurantId,
        /// What it takes off.
        discount: Money,
    },
    /// Gives a use back whose order died unpaid.
    ReleaseRedemption {
        /// The order.
        order: OrderId,
    },
}
