//! What can happen to a book of promotions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};

use crate::decider::Event;
use crate::kernel::ids::PromotionId;
use crate::kernel::sample;

/// A fact about a book.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, VariantNames, IntoStaticStr,
)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PromotionBookEvent {
    /// A promotion holds without a code from now on.
    Listed {
        /// Which.
        promotion: PromotionId,
    },
    /// It was taken out.
    Delisted {
        /// Which.
        promotion: PromotionId,
    },
}

impl Event for PromotionBookEvent {
    fn name(&self) -> &'static str {
        self.into()
    }

    fn samples() -> Vec<Self> {
        let promotion = sample::id(8);
        vec![Self::Listed { promotion }, Self::Delisted { promotion }]
    }
}
