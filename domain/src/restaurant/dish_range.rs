//! What an item can become: the allergens that are in it whatever is chosen and those that a choice can bring, and the diets
//! that it can be ordered for. Pages and search show it; what a chosen dish contains is in `dish`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use strum::VariantArray;

use super::menu_document::{Ingredient, Item, MenuDocument};
use super::menu_options::{GroupLink, MenuOption, OptionGroup};
use crate::kernel::allergen::{Allergen, Declared, Diet, Presence, mixture};
use crate::kernel::key::Key;
use crate::kernel::quantity::IngredientAmount;

/// What an item can become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DishRange {
    /// Its allergens without options, every allergen in the answer.
    pub plain: Declared,
    /// The least of each allergen that it can be ordered with, each taken for itself: what a guest cannot choose away.
    pub least: Declared,
    /// The most of each allergen that a choice can bring.
    pub most: Declared,
    /// The diets that every way to order it fits.
    pub always: BTreeSet<Diet>,
    /// The diets that some way to order it fits.
    pub possible: BTreeSet<Diet>,
}

/// The ranges of the items of one document, with what they share worked out once.
pub struct DishRanges<'a> {
    ingredients: HashMap<&'a Key, &'a Ingredient>,
    groups: HashMap<&'a Key, &'a OptionGroup>,
    cross_contact: &'a [Allergen],
    of_groups: HashMap<&'a Key, Vec<Range>>,
}

/// The same of a recipe or an option, without cross-contact.
#[derive(Debug, Clone)]
struct Range {
    least: Declared,
    most: Declared,
    always: BTreeSet<Diet>,
    possible: BTreeSet<Diet>,
}

impl<'a> DishRanges<'a> {
    /// Gets ready for the items of a document.
    pub fn of(document: &'a MenuDocument) -> Self {
        let ingredients = document.ingredients.iter();
        let groups = document.option_groups.iter();
        Self {
            ingredients: ingredients.map(|found| (&found.key, found)).collect(),
            groups: groups.map(|found| (&found.key, found)).collect(),
            cross_contact: &document.cross_contact,
            of_groups: HashMap::new(),
        }
    }

    /// What an item of the document can become.
    pub fn item(&mut self, item: &'a Item) -> DishRange {
        let plain = self.kitchen(self.recipe(&item.recipe).least);
        let whole = self.with_groups(&item.recipe, &item.groups);
        DishRange {
            plain,
            least: self.kitchen(whole.least),
            most: self.kitchen(whole.most),
            always: whole.always,
            possible: whole.possible,
        }
    }

    /// With what the kitchen cannot keep apart.
    fn kitchen(&self, mut declared: Declared) -> Declared {
        for allergen in self.cross_contact {
            let presence = declared.entry(*allergen).or_insert(Presence::Unknown);
            *presence = (*presence).max(Presence::MayContain);
        }
        declared
    }

    fn recipe(&self, recipe: &[IngredientAmount]) -> Range {
        let unknown = Declared::new();
        let found: Vec<Option<&&Ingredient>> = recipe
            .iter()
            .map(|line| self.ingredients.get(&line.ingredient))
            .collect();
        let declared = found
            .iter()
            .map(|found| found.map_or(&unknown, |found| &found.allergens));
        let worst = mixture(declared);
        let fits = |diet: &&Diet| {
            let mut all = found.iter();
            all.all(|found| found.is_some_and(|found| diet.fits(&found.diets)))
        };
        let diets: BTreeSet<Diet> = Diet::VARIANTS.iter().filter(fits).copied().collect();
        Range {
            least: worst.clone(),
            most: worst,
            always: diets.clone(),
            possible: diets,
        }
    }

    fn with_groups(&mut self, recipe: &[IngredientAmount], links: &'a [GroupLink]) -> Range {
        let mut range = self.recipe(recipe);
        for link in links {
            let options = self.group(&link.group);
            for (allergen, presence) in &mut range.least {
                *presence = (*presence).max(least_of(link, options, *allergen));
            }
            for (allergen, presence) in &mut range.most {
                let most = options
                    .iter()
                    .filter_map(|option| option.most.get(allergen));
                *presence = (*presence).max(most.copied().max().unwrap_or(Presence::Free));
            }
            range
                .always
                .retain(|diet| options.iter().all(|option| option.always.contains(diet)));
            range.possible.retain(|diet| {
                let fitting = options
                    .iter()
                    .filter(|option| option.possible.contains(diet));
                link.reach(fitting.count()) >= link.min
            });
        }
        range
    }

    /// The ranges of a group's options. A group that is being worked out already has none yet, so that even a menu with
    /// a circle, which is never published, comes to an end.
    fn group(&mut self, key: &'a Key) -> &[Range] {
        if !self.of_groups.contains_key(key) {
            self.of_groups.insert(key, Vec::new());
            let options: &'a [MenuOption] =
                self.groups.get(key).map_or(&[], |group| &group.options);
            let ranges = options
                .iter()
                .map(|option| self.with_groups(&option.recipe, &option.groups))
                .collect();
            self.of_groups.insert(key, ranges);
        }
        self.of_groups.get(key).map_or(&[], Vec::as_slice)
    }
}

/// The least of an allergen that the options required by a link can bring: the best of them, until there are enough.
fn least_of(link: &GroupLink, options: &[Range], allergen: Allergen) -> Presence {
    let mut by_presence: BTreeMap<Presence, usize> = BTreeMap::new();
    for option in options {
        let presence = option.least.get(&allergen).copied();
        *by_presence
            .entry(presence.unwrap_or(Presence::Unknown))
            .or_default() += 1;
    }
    if link.min == 0 {
        return Presence::Free;
    }
    let mut count = 0;
    for (presence, options) in by_presence {
        count += options;
        if link.reach(count) >= link.min {
            return presence;
        }
    }
    Presence::Unknown
}
