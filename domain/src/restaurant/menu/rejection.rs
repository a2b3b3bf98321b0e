//! Why a menu can refuse a command.

use super::command::MenuCommandKind;
use super::state::MenuStage;
use crate::decider::{Class, Fault, Rejection};
use crate::kernel::fault::Faults;
use crate::kernel::key::Key;
use crate::kernel::refusal::NotAllowed;

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
    /// Nothing has been published.
    #[error("{0}")]
    NotAllowed(NotAllowed<MenuStage, MenuCommandKind>),
}

impl Rejection for MenuRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::DocumentRefused(_) => "menu_refused",
            Self::ItemUnknown { .. } => "item_unknown",
            Self::NotAllowed(_) => "not_allowed",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::DocumentRefused(_) => Class::Unprocessable,
            Self::ItemUnknown { .. } => Class::NotFound,
            Self::NotAllowed(_) => Class::Conflict,
        }
    }

    fn faults(&self) -> Vec<Fault> {
        match self {
            Self::DocumentRefused(faults) => faults.0.clone(),
            Self::ItemUnknown { .. } | Self::NotAllowed(_) => Vec::new(),
        }
    }
}
