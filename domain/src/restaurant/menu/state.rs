//! What is true of a menu, with an index derived from the document so that decisions need not search it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::event::MenuEvent;
use crate::kernel::key::Key;
use crate::kernel::money::{Price, PriceDelta};
use crate::restaurant::menu_document::{
    Ingredient, Item, MenuDocument, MenuOption, OptionGroup, OptionRef, Section,
};

/// A menu at its stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(tag = "stage", rename_all = "snake_case")]
#[strum_discriminants(name(MenuStage), doc = "The stages of a menu's life.")]
#[strum_discriminants(
    derive(Hash, IntoStaticStr, VariantArray),
    strum(serialize_all = "snake_case")
)]
pub enum Menu {
    /// The shop has none yet.
    #[default]
    Unpublished,
    /// The shop has one.
    Published {
        /// What it is now.
        menu: PublishedMenu,
    },
}

/// The menu in force: the last document, with the prices set since. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct PublishedMenu {
    document: Arc<MenuDocument>,
    version: u32,
    unavailable: BTreeSet<Key>,
    options_off: BTreeSet<OptionRef>,
    index: Arc<Index>,
}

/// What a snapshot keeps; the index is made anew.
#[derive(Serialize, Deserialize)]
struct Stored {
    document: Arc<MenuDocument>,
    version: u32,
    unavailable: BTreeSet<Key>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    options_off: BTreeSet<OptionRef>,
}

/// Where things are in the document.
#[derive(Debug, Default, PartialEq)]
struct Index {
    items: HashMap<Key, (usize, usize)>,
    groups: HashMap<Key, (usize, HashMap<Key, usize>)>,
    ingredients: HashMap<Key, usize>,
}

impl Index {
    fn of(document: &MenuDocument) -> Self {
        let positions = |(index, key): (usize, &Key)| (key.clone(), index);
        let items = document
            .sections
            .iter()
            .enumerate()
            .flat_map(|(section, of)| {
                of.items
                    .iter()
                    .enumerate()
                    .map(move |(item, of)| (of.key.clone(), (section, item)))
            });
        let groups = document
            .option_groups
            .iter()
            .enumerate()
            .map(|(index, group)| {
                let options = group
                    .options
                    .iter()
                    .map(|option| &option.key)
                    .enumerate()
                    .map(positions)
                    .collect();
                (group.key.clone(), (index, options))
            });
        let ingredients = document
            .ingredients
            .iter()
            .map(|ingredient| &ingredient.key)
            .enumerate()
            .map(positions);
        Self {
            items: items.collect(),
            groups: groups.collect(),
            ingredients: ingredients.collect(),
        }
    }
}

impl Index {
    fn has_option(&self, option: &OptionRef) -> bool {
        let group = self.groups.get(&option.group);
        group.is_some_and(|(_, options)| options.contains_key(&option.option))
    }
}

impl Menu {
    /// The menu in force, if there is one.
    pub fn published(&self) -> Option<&PublishedMenu> {
        match self {
            Self::Unpublished => None,
            Self::Published { menu } => Some(menu),
        }
    }

    /// What is true after an event.
    pub(super) fn apply(&mut self, event: &MenuEvent) {
        match event {
            MenuEvent::Published { document, version } => {
                let (mut unavailable, mut options_off) = match std::mem::take(self) {
                    Self::Unpublished => (BTreeSet::new(), BTreeSet::new()),
                    Self::Published { menu } => (menu.unavailable, menu.options_off),
                };
                let index = Arc::new(Index::of(document));
                unavailable.retain(|key| index.items.contains_key(key));
                options_off.retain(|option| index.has_option(option));
                let menu = PublishedMenu {
                    document: Arc::clone(document),
                    version: *version,
                    unavailable,
                    options_off,
                    index,
                };
                *self = Self::Published { menu };
            }
            MenuEvent::PriceSet { item, price_minor } => {
                if let Self::Published { menu } = self {
                    menu.set_price(item, *price_minor);
                }
            }
            MenuEvent::AvailabilitySet { item, available } => {
                if let Self::Published { menu } = self {
                    menu.set_available(item, *available);
                }
            }
            MenuEvent::OptionPriceSet {
                option,
                price_minor,
            } => {
                if let Self::Published { menu } = self {
                    menu.set_option_price(option, *price_minor);
                }
            }
            MenuEvent::OptionAvailabilitySet { option, available } => {
                if let Self::Published { menu } = self {
                    menu.set_option_available(option, *available);
                }
            }
        }
    }
}

impl PublishedMenu {
    /// The document in force, with the prices set since its publication.
    pub fn document(&self) -> &MenuDocument {
        &self.document
    }

    /// The number of its publication, from 1.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The item of this key.
    pub fn item(&self, item: &Key) -> Option<&Item> {
        let (section, position) = self.index.items.get(item)?;
        self.document.sections.get(*section)?.items.get(*position)
    }

    /// The section of an item.
    pub fn section_of(&self, item: &Key) -> Option<&Section> {
        self.document.sections.get(self.index.items.get(item)?.0)
    }

    /// The option group of this key.
    pub fn group(&self, group: &Key) -> Option<&OptionGroup> {
        self.document
            .option_groups
            .get(self.index.groups.get(group)?.0)
    }

    /// The option of this key in a group.
    pub fn option(&self, group: &Key, option: &Key) -> Option<&MenuOption> {
        let (position, options) = self.index.groups.get(group)?;
        self.document
            .option_groups
            .get(*position)?
            .options
            .get(*options.get(option)?)
    }

    /// The ingredient of this key.
    pub fn ingredient(&self, ingredient: &Key) -> Option<&Ingredient> {
        self.document
            .ingredients
            .get(*self.index.ingredients.get(ingredient)?)
    }

    /// Whether the shop has the item on. Whether its recipe can be served, the inventory knows.
    pub fn is_available(&self, item: &Key) -> bool {
        self.index.items.contains_key(item) && !self.unavailable.contains(item)
    }

    /// Whether the shop has the option on. Whether its recipe can be served, the inventory knows.
    pub fn is_option_available(&self, option: &OptionRef) -> bool {
        self.index.has_option(option) && !self.options_off.contains(option)
    }

    pub(super) fn set_option_price(&mut self, option: &OptionRef, price: PriceDelta) {
        let Some((group, options)) = self.index.groups.get(&option.group) else {
            return;
        };
        let Some(position) = options.get(&option.option) else {
            return;
        };
        let document = Arc::make_mut(&mut self.document);
        if let Some(option) = document
            .option_groups
            .get_mut(*group)
            .and_then(|group| group.options.get_mut(*position))
        {
            option.price_minor = price;
        }
    }

    fn set_option_available(&mut self, option: &OptionRef, available: bool) {
        if available {
            self.options_off.remove(option);
        } else {
            self.options_off.insert(option.clone());
        }
    }

    fn set_price(&mut self, item: &Key, price: Price) {
        let Some((section, position)) = self.index.items.get(item).copied() else {
            return;
        };
        let document = Arc::make_mut(&mut self.document);
        if let Some(item) = document
            .sections
            .get_mut(section)
            .and_then(|section| section.items.get_mut(position))
        {
            item.price_minor = price;
        }
    }

    fn set_available(&mut self, item: &Key, available: bool) {
        if available {
            self.unavailable.remove(item);
        } else {
            self.unavailable.insert(item.clone());
        }
    }
}

impl From<Stored> for PublishedMenu {
    fn from(stored: Stored) -> Self {
        let Stored {
            document,
            version,
            unavailable,
            options_off,
        } = stored;
        let index = Arc::new(Index::of(&document));
        Self {
            document,
            version,
            unavailable,
            options_off,
            index,
        }
    }
}

impl From<PublishedMenu> for Stored {
    fn from(menu: PublishedMenu) -> Self {
        let PublishedMenu {
            document,
            version,
            unavailable,
            options_off,
            index: _,
        } = menu;
        Self {
            document,
            version,
            unavailable,
            options_off,
        }
    }
}
