//! What is true of a book of promotions.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::event::PromotionBookEvent;
use crate::kernel::ids::PromotionId;

/// The only stage of a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum PromotionBookStage {
    /// Promotions are kept.
    Kept,
}

/// The automatic promotions of a shop, or of the platform.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PromotionBook {
    promotions: Vec<PromotionId>,
}

impl PromotionBook {
    /// Those that are in it, oldest first.
    pub fn promotions(&self) -> &[PromotionId] {
        &self.promotions
    }

    pub(super) fn apply(&mut self, event: &PromotionBookEvent) {
        match event {
            PromotionBookEvent::Listed { promotion } => self.promotions.push(*promotion),
            PromotionBookEvent::Delisted { promotion } => {
                self.promotions.retain(|listed| listed != promotion);
            }
        }
    }
}
