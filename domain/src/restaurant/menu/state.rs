//! What is true of a menu, with an index derived from the document so that decisions need not search it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::event::{Ingredient, Item, MenuDocument, MenuEvent, MenuOption, OptionGroup};
use crate::kernel::allergen::{Allergen, Declared, Presence, mixture};
use crate::kernel::key::Key;
use crate::kernel::money::Price;
use crate::kernel::quantity::{Amount, IngredientAmount};

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
    index: Arc<Index>,
}

/// An option that was chosen for an item, and how many of it for each piece of the item.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// The group.
    pub group: &'a Key,
    /// The option in it.
    pub option: &'a Key,
    /// How many.
    pub quantity: u32,
}

/// What a snapshot keeps; the index is made anew.
#[derive(Serialize, Deserialize)]
struct Stored {
    document: Arc<MenuDocument>,
    version: u32,
    unavailable: BTreeSet<Key>,
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
                let before = match std::mem::take(self) {
                    Self::Unpublished => BTreeSet::new(),
                    Self::Published { menu } => menu.unavailable,
                };
                let index = Arc::new(Index::of(document));
                let unavailable = before
                    .into_iter()
                    .filter(|key| index.items.contains_key(key))
                    .collect();
                let menu = PublishedMenu {
                    document: Arc::clone(document),
                    version: *version,
                    unavailable,
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

    /// The allergens of an item with the chosen options, every allergen in the answer: the worst of all its ingredients, and
    /// at least *may contain* for what the kitchen states as cross-contact. Nothing when the item or an option is unknown.
    pub fn allergens<'a>(
        &self,
        item: &Key,
        choices: impl IntoIterator<Item = Choice<'a>>,
    ) -> Option<Declared> {
        let mut recipes = vec![self.item(item)?.recipe.as_slice()];
        for choice in choices {
            recipes.push(&self.option(choice.group, choice.option)?.recipe);
        }
        let unknown = Declared::new();
        let declared = |line: &IngredientAmount| {
            self.ingredient(&line.ingredient)
                .map_or(&unknown, |ingredient| &ingredient.allergens)
        };
        let mut found = mixture(recipes.into_iter().flatten().map(declared));
        for allergen in &self.document.cross_contact {
            raise(&mut found, *allergen);
        }
        Some(found)
    }

    /// What `pieces` of an item with the chosen options take from stock, by ingredient. Nothing when the item or an option
    /// is unknown or an amount overflows.
    pub fn needs<'a>(
        &self,
        item: &Key,
        pieces: u32,
        choices: impl IntoIterator<Item = Choice<'a>>,
    ) -> Option<BTreeMap<Key, Amount>> {
        let mut parts = vec![(self.item(item)?.recipe.as_slice(), pieces)];
        for choice in choices {
            let option = self.option(choice.group, choice.option)?;
            parts.push((&option.recipe, pieces.checked_mul(choice.quantity)?));
        }
        let mut needs: BTreeMap<Key, Amount> = BTreeMap::new();
        for (recipe, times) in parts {
            for line in recipe {
                let so_far = needs.entry(line.ingredient.clone()).or_default();
                *so_far = so_far.checked_add(line.amount.checked_mul(times)?)?;
            }
        }
        Some(needs)
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

fn raise(declared: &mut Declared, allergen: Allergen) {
    let presence = declared.entry(allergen).or_insert(Presence::Unknown);
    *presence = (*presence).max(Presence::MayContain);
}

impl From<Stored> for PublishedMenu {
    fn from(stored: Stored) -> Self {
        let Stored {
            document,
            version,
            unavailable,
        } = stored;
        let index = Arc::new(Index::of(&document));
        Self {
            document,
            version,
            unavailable,
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
            index: _,
        } = menu;
        Self {
            document,
            version,
            unavailable,
        }
    }
}
