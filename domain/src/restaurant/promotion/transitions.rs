//! Which command is possible at which stage of a promotion, and where it leads.

use super::command::PromotionCommandKind::{
    self, Create, End, Redeem, ReleaseRedemption, SetLimits,
};
use super::state::PromotionStage;

/// From, command, to. What is not here is refused.
pub const TRANSITIONS: &[(PromotionStage, PromotionCommandKind, PromotionStage)] = &[
    (PromotionStage::Absent, Create, PromotionStage::Active),
    (PromotionStage::Active, SetLimits, PromotionStage::Active),
    (PromotionStage::Active, End, PromotionStage::Ended),
    (PromotionStage::Active, Redeem, PromotionStage::Active),
    (
        PromotionStage::Active,
        ReleaseRedemption,
        PromotionStage::Active,
    ),
    (
        PromotionStage::Ended,
        ReleaseRedemption,
        PromotionStage::Ended,
    ),
];
