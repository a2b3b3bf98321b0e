//! What a menu document must keep to. Every fault is found, each with its JSON pointer into the document.

use std::collections::{HashMap, HashSet};

use super::event::{GroupLink, Item, MenuDocument, MenuOption, OptionGroup, RamenFacts};
use crate::kernel::bowl::{Combined, Packaging};
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::key::Key;
use crate::kernel::quantity::IngredientAmount;
use crate::kernel::text::{Language, LocalizedText};

/// Limits of a document, so that reading a menu stays a matter of microseconds and its event far below 3 MiB.
const SECTIONS_MAX: usize = 100;
const ITEMS_MAX: usize = 500;
const GROUPS_MAX: usize = 400;
const OPTIONS_PER_GROUP_MAX: usize = 100;
const INGREDIENTS_MAX: usize = 1000;
const RECIPE_LINES_MAX: usize = 50;
const GROUPS_PER_ITEM_MAX: usize = 20;
/// The most options of one group on one item.
const CHOICES_MAX: u32 = 99;

/// Checks a document whole.
///
/// # Errors
/// Every fault, in the order of the document.
pub fn check_document(document: &MenuDocument) -> Result<(), Faults> {
    let mut check = Check {
        faults: Faults::default(),
        language: &document.default_language,
        ingredients: document
            .ingredients
            .iter()
            .map(|ingredient| &ingredient.key)
            .collect(),
        groups: document
            .option_groups
            .iter()
            .map(|group| (&group.key, group))
            .collect(),
    };
    check.document(document);
    check.faults.or(())
}

struct Check<'a> {
    faults: Faults,
    language: &'a Language,
    ingredients: HashSet<&'a Key>,
    groups: HashMap<&'a Key, &'a OptionGroup>,
}

impl<'a> Check<'a> {
    fn document(&mut self, document: &'a MenuDocument) {
        let root = Pointer::root();
        let (ingredients, groups) = (root.at("ingredients"), root.at("option_groups"));
        let sections = root.at("sections");
        self.count(document.ingredients.len(), 0, INGREDIENTS_MAX, &ingredients);
        self.unique(
            document
                .ingredients
                .iter()
                .map(|ingredient| &ingredient.key),
            &ingredients,
        );
        for (index, ingredient) in document.ingredients.iter().enumerate() {
            self.named(&ingredient.name, &ingredients.at(index));
        }
        self.count(document.option_groups.len(), 0, GROUPS_MAX, &groups);
        self.unique(
            document.option_groups.iter().map(|group| &group.key),
            &groups,
        );
        for (index, group) in document.option_groups.iter().enumerate() {
            self.group(group, &groups.at(index));
        }
        self.count(document.sections.len(), 1, SECTIONS_MAX, &sections);
        self.unique(
            document.sections.iter().map(|section| &section.key),
            &sections,
        );
        self.sections(document, &sections);
    }

    fn sections(&mut self, document: &'a MenuDocument, at: &Pointer) {
        let mut seen = HashSet::new();
        for (index, section) in document.sections.iter().enumerate() {
            let at = at.at(index);
            self.named(&section.name, &at);
            let at = at.at("items");
            self.count(section.items.len(), 1, ITEMS_MAX, &at);
            for (index, item) in section.items.iter().enumerate() {
                let at = at.at(index);
                if !seen.insert(&item.key) {
                    self.repeated(&item.key, &at.at("key"));
                }
                self.item(item, &at);
            }
        }
        let items: usize = document
            .sections
            .iter()
            .map(|section| section.items.len())
            .sum();
        if document.sections.len() > 1 {
            self.count(items, 0, ITEMS_MAX, at);
        }
    }

    fn group(&mut self, group: &'a OptionGroup, at: &Pointer) {
        self.named(&group.name, at);
        let at = at.at("options");
        self.count(group.options.len(), 1, OPTIONS_PER_GROUP_MAX, &at);
        self.unique(group.options.iter().map(|option| &option.key), &at);
        for (index, option) in group.options.iter().enumerate() {
            self.option(option, &at.at(index));
        }
    }

    fn option(&mut self, option: &'a MenuOption, at: &Pointer) {
        self.named(&option.name, at);
        self.recipe(&option.recipe, 0, &at.at("recipe"));
        if option.firmness.is_some() && option.cook_seconds.is_none_or(|seconds| seconds.get() == 0)
        {
            self.faults.add(
                "cook_seconds_missing",
                &at.at("cook_seconds"),
                "a firmness needs its cook seconds",
            );
        }
    }

    fn item(&mut self, item: &'a Item, at: &Pointer) {
        self.named(&item.name, at);
        self.recipe(&item.recipe, 1, &at.at("recipe"));
        if let Some(ramen) = &item.ramen {
            self.ramen(ramen, &at.at("ramen"));
        }
        let at = at.at("groups");
        self.count(item.groups.len(), 0, GROUPS_PER_ITEM_MAX, &at);
        let mut seen = HashSet::new();
        for (index, link) in item.groups.iter().enumerate() {
            let at = at.at(index);
            if !seen.insert(&link.group) {
                self.repeated(&link.group, &at.at("group"));
            }
            self.link(link, &at);
        }
    }

    fn link(&mut self, link: &'a GroupLink, at: &Pointer) {
        if link.min > link.max {
            self.faults.add(
                "min_above_max",
                &at.at("min"),
                format!("{} must be but only {} may be", link.min, link.max),
            );
        }
        if link.max == 0 || link.max > CHOICES_MAX {
            self.faults.add(
                "max_out_of_range",
                &at.at("max"),
                format!("1 to {CHOICES_MAX} may be chosen"),
            );
        }
        if link.max_per_option == 0 || link.max_per_option > link.max {
            self.faults.add(
                "max_per_option_out_of_range",
                &at.at("max_per_option"),
                "1 to max of one option",
            );
        }
        let Some(group) = self.groups.get(&link.group) else {
            self.faults.add(
                "group_unknown",
                &at.at("group"),
                format!("there is no option group {}", link.group),
            );
            return;
        };
        let options = u32::try_from(group.options.len()).unwrap_or(u32::MAX);
        let reachable = options.saturating_mul(link.max_per_option);
        if link.max > reachable {
            let detail = format!("the group's options come to {reachable} at most");
            self.faults.add("max_above_sum", &at.at("max"), detail);
        }
    }

    fn recipe(&mut self, recipe: &'a [IngredientAmount], lines_min: usize, at: &Pointer) {
        self.count(recipe.len(), lines_min, RECIPE_LINES_MAX, at);
        let mut seen = HashSet::new();
        for (index, line) in recipe.iter().enumerate() {
            let at = at.at(index);
            if !self.ingredients.contains(&line.ingredient) {
                let detail = format!("there is no ingredient {}", line.ingredient);
                self.faults
                    .add("ingredient_unknown", &at.at("ingredient"), detail);
            }
            if !seen.insert(&line.ingredient) {
                self.repeated(&line.ingredient, &at.at("ingredient"));
            }
            if line.amount.is_zero() {
                self.faults.add(
                    "amount_zero",
                    &at.at("amount"),
                    "a recipe takes more than nothing",
                );
            }
        }
    }

    fn ramen(&mut self, ramen: &RamenFacts, at: &Pointer) {
        if !(5..=80).contains(&ramen.noodle_tenths_mm) {
            self.faults.add(
                "noodle_out_of_range",
                &at.at("noodle_tenths_mm"),
                "noodles are 5 to 80 tenths of a mm",
            );
        }
        if ramen
            .broth
            .is_some_and(|broth| !(1..=5).contains(&broth.richness))
        {
            self.faults.add(
                "richness_out_of_range",
                &at.at("broth").at("richness"),
                "richness is 1 to 5",
            );
        }
        for (name, seconds) in [
            ("cook_seconds", ramen.cook_seconds),
            ("pack_seconds", ramen.pack_seconds),
        ] {
            if seconds.get() > 3600 {
                self.faults
                    .add("seconds_out_of_range", &at.at(name), "at most an hour");
            }
        }
        let never = ramen
            .style
            .sla()
            .is_some_and(|row| row.combined == Combined::Never);
        if never && ramen.packaging == Packaging::Combined {
            self.faults.add(
                "packaging_refused",
                &at.at("packaging"),
                "this style never travels in its broth",
            );
        }
        if !ramen.style.is_bowl() {
            self.faults.add(
                "style_refused",
                &at.at("style"),
                "sides and drinks have no ramen facts",
            );
        }
    }

    fn count(&mut self, count: usize, min: usize, max: usize, at: &Pointer) {
        if count < min {
            self.faults
                .add("empty", at, format!("at least {min} is needed"));
        } else if count > max {
            self.faults.add(
                "too_many",
                at,
                format!("{count} where at most {max} are possible"),
            );
        }
    }

    fn unique(&mut self, keys: impl Iterator<Item = &'a Key>, at: &Pointer) {
        let mut seen = HashSet::new();
        for (index, key) in keys.enumerate() {
            if !seen.insert(key) {
                self.repeated(key, &at.at(index).at("key"));
            }
        }
    }

    fn repeated(&mut self, key: &Key, at: &Pointer) {
        self.faults
            .add("key_repeated", at, format!("{key} stands there already"));
    }

    fn named(&mut self, name: &LocalizedText, at: &Pointer) {
        if !name.iter().any(|(language, _)| language == self.language) {
            let detail = format!("the default language {} is missing", self.language);
            self.faults
                .add("default_language_missing", &at.at("name"), detail);
        }
    }
}
