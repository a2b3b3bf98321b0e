//! What a menu document must keep to. Every fault is found, each with its JSON pointer into the document.

use std::collections::{HashMap, HashSet};

use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::key::Key;
use crate::kernel::quantity::IngredientAmount;
use crate::kernel::text::{Language, LocalizedText};
use crate::restaurant::menu_document::items::{
    check_age, check_hours, check_ramen, check_tax_class,
};
use crate::restaurant::menu_document::rules::check_rules;
use crate::restaurant::menu_document::tree::check_tree;
use crate::restaurant::menu_document::{
    GroupLink, Item, MenuDocument, MenuOption, OptionGroup, PriceBy,
};

/// Limits of a document, so that reading a menu stays a matter of microseconds and its event far below 3 MiB.
const SECTIONS_MAX: usize = 100;
const ITEMS_MAX: usize = 500;
const GROUPS_MAX: usize = 400;
const OPTIONS_PER_GROUP_MAX: usize = 100;
const INGREDIENTS_MAX: usize = 1000;
const RECIPE_LINES_MAX: usize = 50;
const GROUPS_PER_ITEM_MAX: usize = 20;
const GROUPS_PER_OPTION_MAX: usize = 10;
/// The most options of one group on one item.
const CHOICES_MAX: u32 = 99;

/// Checks a document whole.
///
/// # Errors
/// Every fault: of each part in the order of the document, then of how the groups hang together and of the rules.
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
        deciding: document
            .option_groups
            .iter()
            .flat_map(|group| &group.options)
            .filter_map(|option| Some(&option.price_by.as_ref()?.group))
            .collect(),
    };
    check.document(document);
    let mut faults = check.faults;
    // Following more groups than there may be would only cost time.
    if document.option_groups.len() <= GROUPS_MAX {
        check_tree(document, &mut faults);
        check_rules(document, &mut faults);
    }
    faults.or(())
}

struct Check<'a> {
    faults: Faults,
    language: &'a Language,
    ingredients: HashSet<&'a Key>,
    groups: HashMap<&'a Key, &'a OptionGroup>,
    /// Groups by which other options have their prices.
    deciding: HashSet<&'a Key>,
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
            check_hours(&section.dayparts, &at.at("dayparts"), &mut self.faults);
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
        check_age(option.minimum_age, at, &mut self.faults);
        if let Some(class) = option.tax_class {
            check_tax_class(class, at, &mut self.faults);
        }
        if let Some(by) = &option.price_by {
            self.price_by(by, &at.at("price_by"));
        }
        self.links(&option.groups, GROUPS_PER_OPTION_MAX, &at.at("groups"));
    }

    fn price_by(&mut self, by: &'a PriceBy, at: &Pointer) {
        let Some(group) = self.groups.get(&by.group).copied() else {
            self.group_unknown(&by.group, &at.at("group"));
            return;
        };
        for key in by.prices.keys() {
            if !group.options.iter().any(|option| option.key == *key) {
                let detail = format!("{} has no option {key}", by.group);
                self.faults
                    .add("option_unknown", &at.at("prices").at(key), detail);
            }
        }
    }

    fn item(&mut self, item: &'a Item, at: &Pointer) {
        self.named(&item.name, at);
        self.recipe(&item.recipe, 1, &at.at("recipe"));
        if let Some(ramen) = &item.ramen {
            check_ramen(ramen, &at.at("ramen"), &mut self.faults);
        }
        check_tax_class(item.tax_class, at, &mut self.faults);
        check_age(item.minimum_age, at, &mut self.faults);
        check_hours(&item.sale_hours, &at.at("sale_hours"), &mut self.faults);
        let at = at.at("groups");
        self.links(&item.groups, GROUPS_PER_ITEM_MAX, &at);
        for (index, link) in item.groups.iter().enumerate() {
            if link.max > 1 && self.deciding.contains(&link.group) {
                let at = at.at(index).at("max");
                let detail = format!("prices go by {}, so one of it is chosen", link.group);
                self.faults.add("price_by_several", &at, detail);
            }
        }
    }

    fn links(&mut self, links: &'a [GroupLink], most: usize, at: &Pointer) {
        self.count(links.len(), 0, most, at);
        let mut seen = HashSet::new();
        for (index, link) in links.iter().enumerate() {
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
        if link.max_distinct == Some(0) {
            let at = at.at("max_distinct");
            self.faults
                .add("max_distinct_out_of_range", &at, "at least one kind");
        }
        if link.included_free > link.max {
            let detail = format!("at most {} can be chosen", link.max);
            let at = at.at("included_free");
            self.faults.add("included_free_above_max", &at, detail);
        }
        let Some(group) = self.groups.get(&link.group) else {
            self.group_unknown(&link.group, &at.at("group"));
            return;
        };
        let reachable = link.reach(group.options.len());
        if link.max > reachable {
            let detail = format!("the group's options come to {reachable} at most");
            self.faults.add("max_above_sum", &at.at("max"), detail);
        }
    }

    fn group_unknown(&mut self, group: &Key, at: &Pointer) {
        let detail = format!("there is no option group {group}");
        self.faults.add("group_unknown", at, detail);
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
