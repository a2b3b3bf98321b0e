//! What can be asked of a book of promotions.

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use crate::kernel::ids::PromotionId;

/// A request to a book.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum_discriminants(
    name(PromotionBookCommandKind),
    doc = "The commands of a book without their fields.",
    derive(Hash, VariantArray, IntoStaticStr, Serialize, Deserialize),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum PromotionBookCommand {
    /// Enters a promotion.
    List {
        /// Which.
        promotion: PromotionId,
    },
    /// Takes one out.
    Delist {
        /// Which.
        promotion: PromotionId,
    },
}
