//! What a shop sells: one versioned document of sections, items, option groups and recipes, with prices and availability
//! that change between publications. Its id is the shop's. Not what is in stock: that is the inventory's.

mod command;
mod decide;
mod event;
mod rejection;
mod rules;
mod state;
mod transitions;

pub use super::menu_document::{
    Broth, GroupLink, Ingredient, Item, MenuDocument, MenuOption, OptionGroup, OptionRef,
    OptionRule, PriceBy, RamenFacts, RuleKind, Section,
};
pub use crate::kernel::tax::TaxClass;
pub use command::{MenuCommand, MenuCommandKind};
pub use event::MenuEvent;
pub use rejection::MenuRejection;
pub use rules::check_document;
pub use state::{Menu, MenuStage, PublishedMenu};
pub use transitions::TRANSITIONS;

#[cfg(test)]
mod tests;
