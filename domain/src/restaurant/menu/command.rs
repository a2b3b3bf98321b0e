//! What can be asked of a menu.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use crate::kernel::key::Key;
use crate::kernel::money::{Price, PriceDelta};
use crate::restaurant::menu_document::{MenuDocument, OptionRef};

/// A command to a menu.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[strum_discriminants(name(MenuCommandKind), doc = "The commands without their fields.")]
#[strum_discriminants(
    derive(Hash, IntoStaticStr, VariantArray),
    strum(serialize_all = "snake_case")
)]
pub enum MenuCommand {
    /// Replace the menu by this document, or refuse it whole.
    Publish {
        /// All of it.
        document: Arc<MenuDocument>,
    },
    /// Change an item's price.
    SetPrice {
        /// Which.
        item: Key,
        /// The new price.
        price_minor: Price,
    },
    /// Take an item off, or put it on again.
    SetAvailable {
        /// Which.
        item: Key,
        /// Whether it can be ordered.
        available: bool,
    },
    /// Change what an option adds to a price.
    SetOptionPrice {
        /// Which.
        option: OptionRef,
        /// What it adds now, or takes off; prices by another group stay.
        price_minor: PriceDelta,
    },
    /// Take an option off, or put it on again, wherever it is offered.
    SetOptionAvailable {
        /// Which.
        option: OptionRef,
        /// Whether it can be chosen.
        available: bool,
    },
}
