//! A dish as somebody puts it together: an item, its options, and the options of options. Whether it may be put together
//! so, what it costs, what goes into it. What an item *can*
//! become, the sides that read work out (`infra::dish_range`).

use std::collections::{BTreeMap, BTreeSet};

use super::menu::PublishedMenu;
use super::menu_document::{
    GroupLink, Ingredient, Item, MenuOption, OptionRef, OptionRule, RuleKind,
};
use crate::kernel::allergen::{Declared, Diet, Presence, mixture, shared_diets};
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::key::Key;
use crate::kernel::quantity::{Amount, IngredientAmount};

/// An option that was chosen, with what was chosen of its own groups.
#[derive(Debug, Clone)]
pub struct Choice<'a> {
    /// The group.
    pub group: &'a Key,
    /// The option in it.
    pub option: &'a Key,
    /// How many, for each piece of the item or of the option that holds it.
    pub quantity: u32,
    /// What was chosen of the option's own groups.
    pub options: Vec<Choice<'a>>,
}

/// An item with options that go together.
#[derive(Debug, Clone)]
pub struct Dish<'a> {
    pub(super) menu: &'a PublishedMenu,
    /// The item.
    pub item: &'a Item,
    /// Its options: those chosen in their order, then those that rules brought along.
    pub parts: Vec<Part<'a>>,
    /// Price of one with its options, in minor units; never below zero.
    pub unit_minor: i64,
}

/// An option in a dish.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// The group.
    pub group: &'a Key,
    /// The option in it.
    pub option: &'a MenuOption,
    /// How many, for each piece of what holds it.
    pub quantity: u32,
    /// How many of them cost nothing.
    pub free: u32,
    /// Price of one, in minor units; negative for what is taken off.
    pub price_minor: i64,
    /// The rule that brought it along, when nobody chose it.
    pub implied_by: Option<&'a OptionRule>,
    /// The options of the option.
    pub parts: Vec<Part<'a>>,
    at: Pointer,
}

impl PublishedMenu {
    /// Puts a dish together; `at` is where its choices stand. Options that rules imply are added.
    ///
    /// # Errors
    /// Every option that is not offered, limit that is not kept and rule that is broken, each with its place.
    pub fn compose<'a>(
        &'a self,
        item: &'a Item,
        choices: &[Choice<'_>],
        at: &Pointer,
    ) -> Result<Dish<'a>, Faults> {
        let mut composer = Composer {
            menu: self,
            item,
            faults: Faults::default(),
        };
        let mut parts = composer.resolve(&item.groups, choices, at);
        composer.imply(&mut parts);
        composer.check_limits(&item.groups, &parts, at);
        composer.check_rules(&parts);
        let sizes: BTreeMap<&Key, &Key> = parts
            .iter()
            .map(|part| (part.group, &part.option.key))
            .collect();
        price(&item.groups, &mut parts, &sizes);
        let unit_minor =
            options_minor(&parts).and_then(|options| options.checked_add(item.price_minor.minor()));
        match unit_minor {
            None => {
                composer
                    .faults
                    .add("amount_overflow", at, "this costs more than can be counted");
            }
            Some(..0) => composer.faults.add(
                "price_below_zero",
                at,
                "these options take off more than the dish costs",
            ),
            Some(0..) => {}
        }
        composer.faults.or(Dish {
            menu: self,
            item,
            parts,
            unit_minor: unit_minor.unwrap_or_default(),
        })
    }
}

struct Composer<'a> {
    menu: &'a PublishedMenu,
    item: &'a Item,
    faults: Faults,
}

impl<'a> Composer<'a> {
    fn resolve(
        &mut self,
        links: &'a [GroupLink],
        choices: &[Choice<'_>],
        at: &Pointer,
    ) -> Vec<Part<'a>> {
        let choices = choices.iter().enumerate();
        choices
            .filter_map(|(index, choice)| self.part(links, choice, at.at(index)))
            .collect()
    }

    fn part(
        &mut self,
        links: &'a [GroupLink],
        choice: &Choice<'_>,
        at: Pointer,
    ) -> Option<Part<'a>> {
        let link = links.iter().find(|link| link.group == *choice.group);
        let option = self.menu.option(choice.group, choice.option);
        let (Some(link), Some(option)) = (link, option) else {
            let (item, group, option) = (&self.item.key, choice.group, choice.option);
            let detail = format!("{item} offers no {option} of {group} here");
            self.faults.add("option_unknown", &at, detail);
            return None;
        };
        self.check_available(&link.group, option, &at);
        Some(Part {
            group: &link.group,
            option,
            quantity: choice.quantity,
            free: 0,
            price_minor: 0,
            implied_by: None,
            parts: self.resolve(&option.groups, &choice.options, &at.at("options")),
            at,
        })
    }

    fn check_available(&mut self, group: &Key, option: &MenuOption, at: &Pointer) {
        let named = OptionRef {
            group: group.clone(),
            option: option.key.clone(),
        };
        if !self.menu.is_option_available(&named) {
            let detail = format!("{named} is off the menu now");
            self.faults.add("option_unavailable", at, detail);
        }
    }

    /// The rules that this item has to keep.
    fn rules(&self) -> impl Iterator<Item = &'a OptionRule> + use<'a> {
        let item = self.item;
        let rules = self.menu.document().rules.iter();
        rules.filter(|rule| rule.is_for(&item.key))
    }

    /// Adds what rules bring along, and what that brings along in turn.
    fn imply(&mut self, parts: &mut Vec<Part<'a>>) {
        while let Some(part) = self.next_implied(parts) {
            self.check_available(part.group, part.option, &part.at);
            parts.push(part);
        }
    }

    fn next_implied(&self, parts: &[Part<'a>]) -> Option<Part<'a>> {
        let implying = self.rules().filter(|rule| rule.kind == RuleKind::Implies);
        implying
            .filter_map(|rule| Some((rule, find(parts, &rule.when)?)))
            .flat_map(|(rule, by)| rule.then.iter().map(move |other| (rule, by, other)))
            .filter(|(_, _, other)| find(parts, other).is_none())
            .find_map(|(rule, by, other)| {
                let mut links = self.item.groups.iter();
                Some(Part {
                    group: &links.find(|link| link.group == other.group)?.group,
                    option: self.menu.option(&other.group, &other.option)?,
                    quantity: 1,
                    free: 0,
                    price_minor: 0,
                    implied_by: Some(rule),
                    parts: Vec::new(),
                    at: by.at.clone(),
                })
            })
    }

    fn check_limits(&mut self, links: &[GroupLink], parts: &[Part<'a>], at: &Pointer) {
        for link in links {
            let of_group: Vec<&Part<'a>> = parts
                .iter()
                .filter(|part| *part.group == link.group)
                .collect();
            self.check_link(link, &of_group, at);
        }
        for part in parts {
            let at = part.at.at("options");
            self.check_limits(&part.option.groups, &part.parts, &at);
        }
    }

    fn check_link(&mut self, link: &GroupLink, parts: &[&Part<'a>], at: &Pointer) {
        let mut of_each: BTreeMap<&Key, u32> = BTreeMap::new();
        for part in parts {
            let sum = of_each.entry(&part.option.key).or_default();
            let already_above = *sum > link.max_per_option;
            *sum = sum.saturating_add(part.quantity);
            if *sum > link.max_per_option && !already_above {
                let detail = format!("at most {} of the same", link.max_per_option);
                self.faults
                    .add("option_above_max", &part.at.at("quantity"), detail);
            }
        }
        let count = of_each
            .values()
            .fold(0_u32, |sum, n| sum.saturating_add(*n));
        let distinct = u32::try_from(of_each.len()).unwrap_or(u32::MAX);
        if count < link.min {
            let detail = format!("choose at least {} of {}", link.min, link.group);
            self.faults.add("group_below_min", at, detail);
        }
        let many_kinds = link.max_distinct.is_some_and(|max| distinct > max);
        if count <= link.max && !many_kinds {
            return;
        }
        // What nobody chose is no limit's fault but its rule's.
        let implied = parts.iter().find_map(|part| Some((part, part.implied_by?)));
        if let Some((part, rule)) = implied {
            self.broken(rule, &part.at);
        } else if count > link.max {
            let detail = format!("choose at most {} of {}", link.max, link.group);
            self.faults.add("group_above_max", at, detail);
        } else {
            let kinds = link.max_distinct.unwrap_or(distinct);
            let detail = format!("choose at most {kinds} different of {}", link.group);
            self.faults.add("group_too_many_kinds", at, detail);
        }
    }

    fn check_rules(&mut self, parts: &[Part<'a>]) {
        for rule in self.rules() {
            let Some(when) = find(parts, &rule.when) else {
                continue;
            };
            let mut others = rule.then.iter().filter_map(|other| find(parts, other));
            match rule.kind {
                RuleKind::Requires if others.next().is_none() => self.broken(rule, &when.at),
                RuleKind::Excludes => others.for_each(|other| self.broken(rule, &other.at)),
                RuleKind::Requires | RuleKind::Implies => {}
            }
        }
    }

    /// People are told why in the shop's own words.
    fn broken(&mut self, rule: &OptionRule, at: &Pointer) {
        let code = match rule.kind {
            RuleKind::Requires => "rule_requires",
            RuleKind::Excludes => "rule_excludes",
            RuleKind::Implies => "rule_implies",
        };
        let language = &self.menu.document().default_language;
        self.faults
            .add(code, at, rule.reason.text(language.as_str()));
    }
}

/// The first of this option, wherever in the dish it is.
fn find<'p, 'a>(parts: &'p [Part<'a>], wanted: &OptionRef) -> Option<&'p Part<'a>> {
    parts.iter().find_map(|part| {
        let is_it = *part.group == wanted.group && part.option.key == wanted.option;
        if is_it {
            Some(part)
        } else {
            find(&part.parts, wanted)
        }
    })
}

/// Gives each part its price. Of a group that includes some, the dearest cost nothing: then the order in which somebody
/// chose does not matter, and nobody pays more than with another order.
fn price<'a>(links: &[GroupLink], parts: &mut [Part<'a>], sizes: &BTreeMap<&'a Key, &'a Key>) {
    for part in parts.iter_mut() {
        part.price_minor = part.option.price(|group| sizes.get(group).copied());
        price(&part.option.groups, &mut part.parts, sizes);
    }
    for link in links.iter().filter(|link| link.included_free > 0) {
        let mut dearest: Vec<&mut Part<'a>> = parts
            .iter_mut()
            .filter(|part| *part.group == link.group && part.price_minor > 0)
            .collect();
        dearest.sort_by_key(|part| std::cmp::Reverse(part.price_minor));
        let mut left = link.included_free;
        for part in dearest {
            part.free = part.quantity.min(left);
            left = left.saturating_sub(part.free);
        }
    }
}

/// What options add to the price of what holds them; nothing when that overflows.
fn options_minor(parts: &[Part<'_>]) -> Option<i64> {
    parts.iter().try_fold(0_i64, |sum, part| {
        let own = part
            .price_minor
            .checked_mul(i64::from(part.quantity.checked_sub(part.free)?))?;
        let below = options_minor(&part.parts)?.checked_mul(i64::from(part.quantity))?;
        sum.checked_add(own)?.checked_add(below)
    })
}

impl<'a> Dish<'a> {
    /// All options, those of options after the one that holds them.
    pub fn all_parts(&self) -> Vec<&Part<'a>> {
        fn collect<'p, 'a>(parts: &'p [Part<'a>], all: &mut Vec<&'p Part<'a>>) {
            for part in parts {
                all.push(part);
                collect(&part.parts, all);
            }
        }
        let mut all = Vec::new();
        collect(&self.parts, &mut all);
        all
    }

    /// What `pieces` of it take from stock, by ingredient. Nothing when an amount overflows.
    pub fn needs(&self, pieces: u32) -> Option<BTreeMap<Key, Amount>> {
        let mut needs = BTreeMap::new();
        take(&mut needs, &self.item.recipe, pieces)?;
        take_parts(&mut needs, &self.parts, pieces)?;
        Some(needs)
    }

    /// Its allergens, every allergen in the answer: the worst of all its ingredients, and at least *may contain* for
    /// what the kitchen states as cross-contact.
    pub fn allergens(&self) -> Declared {
        let unknown = Declared::new();
        let declared = |found: Option<&'a Ingredient>| found.map(|found| &found.allergens);
        let mut worst = mixture(
            self.ingredients()
                .map(|found| declared(found).unwrap_or(&unknown)),
        );
        for allergen in &self.menu.document().cross_contact {
            let presence = worst.entry(*allergen).or_insert(Presence::Unknown);
            *presence = (*presence).max(Presence::MayContain);
        }
        worst
    }

    /// The diets that all its ingredients fit.
    pub fn diets(&self) -> BTreeSet<Diet> {
        shared_diets(
            self.ingredients()
                .map(|found| found.map_or(&[][..], |found| &found.diets)),
        )
    }

    /// How old its buyer must be, in years, when that matters: the highest age of its parts.
    pub fn minimum_age(&self) -> Option<u8> {
        let options = self.all_parts();
        let of_options = options.iter().filter_map(|part| part.option.minimum_age);
        of_options.chain(self.item.minimum_age).max()
    }

    /// What goes in, once for each line of a recipe; none for one that the menu does not know.
    fn ingredients(&self) -> impl Iterator<Item = Option<&'a Ingredient>> {
        let (menu, item) = (self.menu, self.item);
        let options = self.all_parts().into_iter().map(|part| &part.option.recipe);
        let recipes: Vec<&'a [IngredientAmount]> = std::iter::once(&item.recipe)
            .chain(options)
            .map(Vec::as_slice)
            .collect();
        let lines = recipes.into_iter().flatten();
        lines.map(move |line| menu.ingredient(&line.ingredient))
    }
}

fn take_parts(needs: &mut BTreeMap<Key, Amount>, parts: &[Part<'_>], pieces: u32) -> Option<()> {
    for part in parts {
        let units = pieces.checked_mul(part.quantity)?;
        take(needs, &part.option.recipe, units)?;
        take_parts(needs, &part.parts, units)?;
    }
    Some(())
}

fn take(needs: &mut BTreeMap<Key, Amount>, recipe: &[IngredientAmount], times: u32) -> Option<()> {
    for line in recipe {
        let so_far = needs.entry(line.ingredient.clone()).or_default();
        *so_far = so_far.checked_add(line.amount.checked_mul(times)?)?;
    }
    Some(())
}
