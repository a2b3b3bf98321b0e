//! The ways to order an item of which rules forbid, require or bring along options, wherever in the dish these
//! are chosen: each is put together as a cart would do it, and what cannot be ordered is no way.

use std::collections::BTreeSet;

use domain::kernel::fault::Pointer;
use domain::kernel::key::Key;
use domain::kernel::quantity::IngredientAmount;
use domain::restaurant::dish::{Choice, Dish};
use domain::restaurant::menu::{GroupLink, Item, OptionRef, OptionRule, PublishedMenu, RuleKind};
use infra::availability::Unavailable;
use infra::search_schema::Obstacles;

use super::choices::obstacles_of;

/// More selections are not told apart: what is found then is less than could be ordered, never more.
const SELECTIONS_MAX: usize = 256;
/// Dishes put together for one item.
const DISHES_MAX: usize = 512;
/// Options that rules of one item name: a bit each.
const NAMED_MAX: usize = 64;
/// Groups below one another; published menus have fewer.
const DEPTH_MAX: usize = 6;

/// There are more ways than are looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct TooMany;

/// An item with the rules that it has to keep.
pub(super) struct Combined<'a> {
    menu: &'a PublishedMenu,
    item: &'a Item,
    gone: &'a Unavailable,
    rules: Vec<&'a OptionRule>,
    named: Vec<&'a OptionRef>,
}

/// Options chosen together.
#[derive(Clone, Debug, Default)]
struct Selection<'a> {
    choices: Vec<Choice<'a>>,
    obstacles: Obstacles,
    /// Which of the options that rules name are among them, by bit.
    named: u64,
}

impl Selection<'_> {
    fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.choices.extend(other.choices.iter().cloned());
        both.obstacles = both.obstacles.with(other.obstacles);
        both.named |= other.named;
        both
    }

    /// Whether it is as good as another in every way in which a dish could be made of it.
    fn is_as_good_as(&self, other: &Self) -> bool {
        self.named == other.named && self.obstacles.is_within(other.obstacles)
    }
}

impl<'a> Combined<'a> {
    /// The item, when any rule is for it.
    pub(super) fn of(
        menu: &'a PublishedMenu,
        item: &'a Item,
        gone: &'a Unavailable,
    ) -> Option<Self> {
        let rules = menu.document().rules.iter();
        let rules: Vec<&OptionRule> = rules.filter(|rule| rule.is_for(&item.key)).collect();
        let named: BTreeSet<&OptionRef> = rules
            .iter()
            .flat_map(|rule| rule.then.iter().chain([&rule.when]))
            .collect();
        (!rules.is_empty()).then(|| Self {
            menu,
            item,
            gone,
            rules,
            named: named.into_iter().collect(),
        })
    }

    /// The options that rules name.
    pub(super) fn named(&self) -> impl Iterator<Item = &'a OptionRef> + use<'a, '_> {
        self.named.iter().copied()
    }

    /// What each way to order the item comes with, cross-contact and all.
    ///
    /// # Errors
    /// [`TooMany`] when they cannot be told apart.
    pub(super) fn ways(&self) -> Result<Vec<Obstacles>, TooMany> {
        if self.named.len() > NAMED_MAX {
            return Err(TooMany);
        }
        let mut waiting = self.required(&self.item.groups, DEPTH_MAX)?;
        let mut found = Vec::new();
        let mut made = 0;
        while let Some(selection) = waiting.pop() {
            made += 1;
            if made > DISHES_MAX {
                return Err(TooMany);
            }
            match self
                .menu
                .compose(self.item, &selection.choices, &Pointer::root())
            {
                Ok(dish) => found.extend(self.obstacles(&dish)),
                Err(_) => waiting.extend(self.with_what_is_required(&selection)?),
            }
        }
        Ok(found)
    }

    /// What a dish comes with; none when a rule brings along what is sold out.
    fn obstacles(&self, dish: &Dish<'_>) -> Option<Obstacles> {
        let parts = dish.all_parts();
        let mut implied = parts.iter().filter(|part| part.implied_by.is_some());
        let is_gone = implied.any(|part| self.is_gone(part.group, &part.option.key));
        let diets: Vec<_> = dish.diets().into_iter().collect();
        (!is_gone).then(|| Obstacles::of(&dish.allergens(), &diets))
    }

    /// Selections with one of the options more that a rule asks for, when it asks for any that can be had at
    /// the item itself; an option below another comes with that.
    fn with_what_is_required(
        &self,
        selection: &Selection<'a>,
    ) -> Result<Vec<Selection<'a>>, TooMany> {
        let there = self.with_what_comes_along(selection.named);
        let unmet = self.rules.iter().find(|rule| {
            let mut then = rule.then.iter();
            rule.kind == RuleKind::Requires
                && self.has(there, &rule.when)
                && !then.any(|other| self.has(there, other))
        });
        let mut more = Vec::new();
        for other in unmet.into_iter().flat_map(|rule| &rule.then) {
            let mut links = self.item.groups.iter();
            let link = links.find(|link| link.group == other.group);
            for option in link
                .into_iter()
                .flat_map(|link| self.picks(link, 1, DEPTH_MAX))
            {
                let of_it = option?.into_iter();
                let of_it = of_it.filter(|option| self.has(option.named, other));
                more.extend(of_it.map(|option| selection.and(&option)));
            }
        }
        Ok(more)
    }

    /// Options that rules name, by bit, with those that rules bring along.
    fn with_what_comes_along(&self, chosen: u64) -> u64 {
        let implies = |rule: &&&OptionRule| rule.kind == RuleKind::Implies;
        let mut named = chosen;
        loop {
            let rules = self.rules.iter().filter(implies);
            let kept = rules.filter(|rule| self.has(named, &rule.when));
            let then = kept.flat_map(|rule| &rule.then);
            let more = then.fold(named, |all, one| all | self.bit(&one.group, &one.option));
            if more == named {
                return named;
            }
            named = more;
        }
    }

    fn has(&self, named: u64, wanted: &OptionRef) -> bool {
        named & self.bit(&wanted.group, &wanted.option) != 0
    }

    fn bit(&self, group: &Key, option: &Key) -> u64 {
        let mut named = self.named.iter();
        let at = named.position(|named| named.group == *group && named.option == *option);
        at.map_or(0, |at| 1 << at)
    }

    fn is_gone(&self, group: &Key, option: &Key) -> bool {
        let key = (group.to_string(), option.to_string());
        self.gone.options.contains(&key)
    }

    /// The ways to choose what links require.
    fn required(
        &self,
        links: &'a [GroupLink],
        depth: usize,
    ) -> Result<Vec<Selection<'a>>, TooMany> {
        let mut all = vec![Selection::default()];
        for link in links.iter().filter(|link| link.min > 0) {
            let chosen = self.chosen(link, depth)?;
            let both = all
                .iter()
                .flat_map(|one| chosen.iter().map(|two| one.and(two)));
            all = least(both.collect())?;
        }
        Ok(all)
    }

    /// The ways to choose what one link requires: as few different options as do.
    fn chosen(&self, link: &'a GroupLink, depth: usize) -> Result<Vec<Selection<'a>>, TooMany> {
        let each = link.max_per_option.max(1);
        let mut quantities = Vec::new();
        let mut left = link.min;
        while left > 0 {
            quantities.push(left.min(each));
            left = left.saturating_sub(each);
            if quantities.len() > NAMED_MAX {
                return Err(TooMany);
            }
        }
        // By how many were chosen so far, so that each option is taken once at most.
        let mut ways = vec![Vec::new(); quantities.len() + 1];
        ways[0].push(Selection::default());
        let mut picks: Vec<_> = quantities
            .iter()
            .map(|quantity| self.picks(link, *quantity, depth))
            .collect();
        loop {
            let option: Vec<Vec<Selection<'a>>> = (picks.iter_mut())
                .map_while(Iterator::next)
                .collect::<Result<_, _>>()?;
            if option.is_empty() {
                break;
            }
            for so_far in (1..=quantities.len()).rev() {
                let with_it = ways[so_far - 1].iter().flat_map(|one: &Selection<'a>| {
                    option[so_far - 1].iter().map(|two| one.and(two))
                });
                let mut either: Vec<Selection<'a>> = with_it.collect();
                either.append(&mut ways[so_far]);
                ways[so_far] = least(either)?;
            }
        }
        Ok(ways.pop().unwrap_or_default())
    }

    /// For each option of a group that can be had, the ways to choose so many of it.
    fn picks(
        &self,
        link: &'a GroupLink,
        quantity: u32,
        depth: usize,
    ) -> impl Iterator<Item = Result<Vec<Selection<'a>>, TooMany>> + use<'a, '_> {
        let group = self.menu.group(&link.group).filter(|_| depth > 0);
        let options = group.into_iter().flat_map(|group| &group.options);
        options
            .filter(|option| !self.is_gone(&link.group, &option.key))
            .map(move |option| {
                let below = self.required(&option.groups, depth - 1)?;
                let own = self.recipe(&option.recipe);
                let of_it = below.into_iter().map(|below| Selection {
                    obstacles: own.with(below.obstacles),
                    named: below.named | self.bit(&link.group, &option.key),
                    choices: vec![Choice {
                        group: &link.group,
                        option: &option.key,
                        quantity,
                        options: below.choices,
                    }],
                });
                Ok(of_it.collect())
            })
    }

    fn recipe(&self, recipe: &[IngredientAmount]) -> Obstacles {
        obstacles_of(self.menu, recipe)
    }
}

/// Of selections that rules look at alike, those with least in them.
fn least(selections: Vec<Selection<'_>>) -> Result<Vec<Selection<'_>>, TooMany> {
    let mut kept: Vec<Selection<'_>> = Vec::new();
    for selection in selections {
        if kept.iter().any(|known| known.is_as_good_as(&selection)) {
            continue;
        }
        kept.retain(|known| !selection.is_as_good_as(known));
        kept.push(selection);
    }
    if kept.len() > SELECTIONS_MAX {
        return Err(TooMany);
    }
    Ok(kept)
}
