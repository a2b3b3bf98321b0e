//! Why a menu can refuse a command.

use super::command::MenuCommandKind;
use super::state::MenuStage;
use crate::decider::{Class, Fault, Rejection};
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::key::Key;
use crate::kernel::refusal::NotAllowed;
use crate::restaurant::menu_document::OptionRef;

/// The state that forbids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MenuRejection {
    /// The document makes no sense; all that is wrong with it.
    #[error("the menu is refused: {0}")]
    DocumentRefused(Faults),
    /// The menu has no such item.
    #[error("there is no item {item}")]
    ItemUnknown {
        /// The key that was asked for.
        item: Key,
    },
    /// The menu has no such option.
    #[error("there is no option {option}")]
    OptionUnknown {
        /// What was asked for.
        option: OptionRef,
    },
    /// With that price, an option would bring a dish below zero or beyond counting.
    #[error("with that price a dish could not be sold: {0}")]
    OptionPriceRefused(Faults),
    /// Options take more off than the item would cost.
    #[error("options of {item} take off more than that")]
    PriceBelowOptions {
        /// Which.
        item: Key,
    },
    /// Nothing has been published.
    #[error("{0}")]
    NotAllowed(NotAllowed<MenuStage, MenuCommandKind>),
}

impl Rejection for MenuRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::DocumentRefused(_) => "menu_refused",
            Self::ItemUnknown { .. } => "item_unknown",
            Self::OptionUnknown { .. } => "option_unknown",
            Self::PriceBelowOptions { .. } => "price_below_zero",
            Self::OptionPriceRefused(_) => "option_price_refused",
            Self::NotAllowed(_) => "not_allowed",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::DocumentRefused(_)
            | Self::PriceBelowOptions { .. }
            | Self::OptionPriceRefused(_) => Class::Unprocessable,
            Self::ItemUnknown { .. } | Self::OptionUnknown { .. } => Class::NotFound,
            Self::NotAllowed(_) => Class::Conflict,
        }
    }

    fn faults(&self) -> Vec<Fault> {
        match self {
            Self::DocumentRefused(faults) => faults.0.clone(),
            Self::PriceBelowOptions { .. } | Self::OptionPriceRefused(_) => {
                let at = Pointer::root().at("price_minor");
                vec![Fault::new(self.code(), &at, self.to_string())]
            }
            Self::ItemUnknown { .. } | Self::OptionUnknown { .. } | Self::NotAllowed(_) => {
                Vec::new()
            }
        }
    }
}
