//! What somebody may have against a dish, by how it can be ordered: for each way of choosing what must be
//! chosen, down the tree of options, the allergens and broken diets that it comes with.
//!
//! `DishRange` answers for one allergen at a time; a search may leave out several at once, and that each can
//! be chosen away does not mean that all can. Where rules ask something of options, dishes are put together
//! as a cart would do it (`combined`).

use std::collections::HashMap;

use domain::kernel::key::Key;
use domain::kernel::quantity::IngredientAmount;
use domain::restaurant::menu::{GroupLink, Item, MenuOption, OptionGroup, PublishedMenu};
use infra::availability::Unavailable;
use infra::search_schema::{Alternatives, Obstacles};

use super::combined::Combined;

/// More different options are never required of one group: further ones change nothing.
const DISTINCT_MAX: usize = 20;

/// The choices of one menu, those of a group worked out once.
pub(super) struct Choices<'a> {
    menu: &'a PublishedMenu,
    gone: &'a Unavailable,
    groups: HashMap<&'a Key, Vec<(&'a Key, Ways)>>,
}

/// The ways to order something.
#[derive(Clone, Debug)]
pub(super) struct Ways {
    /// The least that each way comes with.
    pub(super) least: Alternatives,
    /// What it comes with when nobody takes care.
    pub(super) most: Obstacles,
}

impl Ways {
    fn only(obstacles: Obstacles) -> Self {
        Self {
            least: Alternatives::only(obstacles),
            most: obstacles,
        }
    }

    fn and(self, other: &Self) -> Self {
        Self {
            least: self.least.and(&other.least),
            most: self.most.with(other.most),
        }
    }
}

impl<'a> Choices<'a> {
    pub(super) fn of(menu: &'a PublishedMenu, gone: &'a Unavailable) -> Self {
        Self {
            menu,
            gone,
            groups: HashMap::new(),
        }
    }

    /// The ways to order an item.
    pub(super) fn item(&mut self, item: &'a Item) -> Ways {
        let is_told = !item.recipe.is_empty() || item.groups.iter().any(|link| link.min > 0);
        if !is_told {
            // It says nothing of itself: everything may be in it.
            return Ways::only(Obstacles::everything());
        }
        let free = self.without_rules(item);
        match Combined::of(self.menu, item, self.gone) {
            Some(combined) => self.with_rules(item, &combined, free.most),
            None => free,
        }
    }

    /// The ways, if no rule asked for anything.
    fn without_rules(&mut self, item: &'a Item) -> Ways {
        let cross_contact = Obstacles::any_of(self.menu.document().cross_contact.iter().copied());
        let base = Ways::only(obstacles_of(self.menu, &item.recipe).with(cross_contact));
        let required = item.groups.iter().filter(|link| link.min > 0);
        required.fold(base, |ways, link| {
            let options: Vec<Ways> = self
                .group(&link.group)
                .iter()
                .map(|(_, ways)| ways.clone())
                .collect();
            ways.and(&chosen(&options, link))
        })
    }

    /// The ways that keep the rules. When these are too many, those without any option that a rule names:
    /// of such a dish no rule asks anything.
    fn with_rules(&self, item: &'a Item, combined: &Combined<'a>, most: Obstacles) -> Ways {
        let least = if let Ok(ways) = combined.ways() {
            ways.into_iter()
                .map(Alternatives::only)
                .fold(Alternatives::none(), Alternatives::or)
        } else {
            let mut gone = self.gone.clone();
            let named = combined.named();
            let named = named.map(|one| (one.group.to_string(), one.option.to_string()));
            gone.options.extend(named);
            Choices::of(self.menu, &gone).without_rules(item).least
        };
        let most = least.sets().iter().fold(most, |all, way| all.with(*way));
        Ways { least, most }
    }

    /// The names of all options of an item, down the tree, that can be had.
    pub(super) fn options(&self, item: &'a Item) -> Vec<&'a MenuOption> {
        let mut links: Vec<&'a GroupLink> = item.groups.iter().collect();
        let mut seen: Vec<&Key> = Vec::new();
        let mut found = Vec::new();
        while let Some(link) = links.pop() {
            if seen.contains(&&link.group) {
                continue;
            }
            seen.push(&link.group);
            let Some(group) = self.menu.group(&link.group) else {
                continue;
            };
            for option in self.to_be_had(group) {
                links.extend(&option.groups);
                found.push(option);
            }
        }
        found
    }

    /// The options of a group that can be had. A group that is being worked out already has none yet, so
    /// that even a menu with a circle, which is never published, comes to an end.
    fn group(&mut self, key: &'a Key) -> &[(&'a Key, Ways)] {
        if !self.groups.contains_key(key) {
            self.groups.insert(key, Vec::new());
            let options: Vec<&'a MenuOption> = self
                .menu
                .group(key)
                .map(|group| self.to_be_had(group))
                .unwrap_or_default();
            let ways = options
                .into_iter()
                .map(|option| (&option.key, self.ways_of(option)));
            let ways = ways.collect();
            self.groups.insert(key, ways);
        }
        self.groups.get(key).map_or(&[], Vec::as_slice)
    }

    fn ways_of(&mut self, option: &'a MenuOption) -> Ways {
        let base = Ways::only(obstacles_of(self.menu, &option.recipe));
        let required = option.groups.iter().filter(|link| link.min > 0);
        required.fold(base, |ways, link| {
            let options: Vec<Ways> = self
                .group(&link.group)
                .iter()
                .map(|(_, ways)| ways.clone())
                .collect();
            ways.and(&chosen(&options, link))
        })
    }

    fn to_be_had(&self, group: &'a OptionGroup) -> Vec<&'a MenuOption> {
        let is_gone = |option: &MenuOption| {
            let key = (group.key.to_string(), option.key.to_string());
            self.gone.options.contains(&key)
        };
        group
            .options
            .iter()
            .filter(|option| !is_gone(option))
            .collect()
    }
}

/// The ways of choosing what a link requires.
fn chosen(options: &[Ways], link: &GroupLink) -> Ways {
    let count = link.min.div_ceil(link.max_per_option.max(1));
    let count = usize::try_from(count)
        .unwrap_or(usize::MAX)
        .min(DISTINCT_MAX);
    // By how many were chosen so far, so that each option is taken once at most.
    let mut ways = vec![Alternatives::none(); count + 1];
    ways[0] = Alternatives::only(Obstacles::default());
    for option in options {
        for so_far in (1..=count).rev() {
            let with_it = ways[so_far - 1].and(&option.least);
            ways[so_far] = std::mem::replace(&mut ways[so_far], Alternatives::none()).or(with_it);
        }
    }
    let most = options.iter().map(|option| option.most);
    Ways {
        least: ways.pop().unwrap_or_else(Alternatives::none),
        most: most.fold(Obstacles::default(), Obstacles::with),
    }
}

/// What a recipe comes with: of what the menu does not know nothing is known.
pub(super) fn obstacles_of(menu: &PublishedMenu, recipe: &[IngredientAmount]) -> Obstacles {
    recipe.iter().fold(Obstacles::default(), |all, line| {
        let ingredient = menu.ingredient(&line.ingredient);
        let of_it = ingredient.map(|found| Obstacles::of(&found.allergens, &found.diets));
        all.with(of_it.unwrap_or_else(Obstacles::everything))
    })
}

#[cfg(test)]
mod tests;
