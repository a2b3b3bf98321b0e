//! Why a promotion says no.

use super::command::PromotionCommandKind;
use super::rules::Inapplicable;
use super::state::PromotionStage;
use crate::decider::{Class, Rejection};
use crate::kernel::fault::{Fault, Faults, Pointer};
use crate::kernel::refusal::NotAllowed;

/// A refusal of a promotion.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PromotionRejection {
    /// There is no such promotion.
    #[error("the promotion does not exist")]
    PromotionUnknown,
    /// The code is or was another promotion's; a code is never given out again.
    #[error("the code was given out before")]
    CodeTaken,
    /// The terms make no sense.
    #[error("the terms are refused: {0}")]
    TermsRefused(Faults),
    /// More was redeemed than the new limit allows.
    #[error("{redeemed} redemptions are more than the limit allows")]
    LimitBelowRedeemed {
        /// So many, in all or of one customer.
        redeemed: u32,
        /// The limit's name.
        limit: &'static str,
    },
    /// It may not be redeemed.
    #[error(transparent)]
    Inapplicable(Inapplicable),
    /// The table does not have it.
    #[error("{0}")]
    NotAllowed(NotAllowed<PromotionStage, PromotionCommandKind>),
}

impl Rejection for PromotionRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::PromotionUnknown => "promotion_unknown",
            Self::CodeTaken => "code_taken",
            Self::TermsRefused(_) => "terms_refused",
            Self::LimitBelowRedeemed { .. } => "limit_below_redeemed",
            Self::Inapplicable(why) => why.code(),
            Self::NotAllowed(_) => "not_allowed",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::PromotionUnknown => Class::NotFound,
            Self::CodeTaken | Self::Inapplicable(_) | Self::NotAllowed(_) => Class::Conflict,
            Self::TermsRefused(_) | Self::LimitBelowRedeemed { .. } => Class::Unprocessable,
        }
    }

    fn faults(&self) -> Vec<Fault> {
        match self {
            Self::TermsRefused(faults) => faults.0.clone(),
            Self::LimitBelowRedeemed { limit, .. } => {
                let at = Pointer::root().at("limits").at(limit);
                vec![Fault::new(self.code(), &at, self.to_string())]
            }
            Self::PromotionUnknown
            | Self::CodeTaken
            | Self::Inapplicable(_)
            | Self::NotAllowed(_) => Vec::new(),
        }
    }
}
