//! How the groups of a menu hang together: no circle, not too deep, and no way to order a dish that costs less than nothing
//! or more than can be counted.

use std::collections::HashMap;

use super::options::{GroupLink, MenuOption, OptionGroup};
use super::{Item, MenuDocument};
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::key::Key;

/// How many groups may hang below each other under an item: size, set, its side, the side's sauce, the sauce's heat.
const DEPTH_MAX: u32 = 5;
/// The most that one dish may cost with all its options, in minor units: 99 of it on each of 50 lines are still far from
/// what 64 bits count.
const DISH_MINOR_MAX: i128 = 1_000_000_000_000_000;

/// What the options of a group can do to a dish.
#[derive(Debug, Clone, Default)]
struct Reach {
    /// Groups below each other, this one included.
    depth: u32,
    /// What one of each option can come to.
    options: Vec<Comes>,
}

/// What one of an option can come to, with what must or may hang below it.
#[derive(Debug, Clone, Copy)]
struct Comes {
    low: i128,
    high: i128,
    /// The least when its own price is free, if it has one.
    free: Option<i128>,
}

enum State {
    /// Its options are being followed: meeting it again closes a circle.
    Open,
    Done(Reach),
}

struct Tree<'a> {
    groups: HashMap<&'a Key, (usize, &'a OptionGroup)>,
    states: HashMap<&'a Key, State>,
    path: Vec<&'a Key>,
}

/// Checks the groups and what the items make of them. Unknown groups are left out: they have their own fault.
pub(in crate::restaurant) fn check_tree(document: &MenuDocument, faults: &mut Faults) {
    let mut tree = Tree::of(document);
    for group in &document.option_groups {
        tree.follow(&group.key, faults);
    }
    for (section, of) in document.sections.iter().enumerate() {
        let at = Pointer::root().at("sections").at(section).at("items");
        for (index, item) in of.items.iter().enumerate() {
            tree.check_item(item, &at.at(index), faults);
        }
    }
}

/// The most that options can take off an item's price, in minor units: zero or less, unless options that must be chosen
/// cost something.
pub(in crate::restaurant) fn lowest_options(document: &MenuDocument, item: &Item) -> i128 {
    let mut tree = Tree::of(document);
    let mut faults = Faults::default();
    for link in &item.groups {
        tree.follow_known(&link.group, &mut faults);
    }
    let links = item.groups.iter();
    links.fold(0, |sum, link| sum.saturating_add(tree.bounds(link).0))
}

impl<'a> Tree<'a> {
    fn of(document: &'a MenuDocument) -> Self {
        let mut groups = HashMap::new();
        for (index, group) in document.option_groups.iter().enumerate() {
            groups.entry(&group.key).or_insert((index, group));
        }
        Self {
            groups,
            states: HashMap::new(),
            path: Vec::new(),
        }
    }

    fn follow_known(&mut self, key: &Key, faults: &mut Faults) {
        if let Some((_, group)) = self.groups.get(key) {
            self.follow(&group.key, faults);
        }
    }

    /// Follows a group down, once.
    fn follow(&mut self, key: &'a Key, faults: &mut Faults) {
        let Some((index, group)) = self.groups.get(key).copied() else {
            return;
        };
        if self.states.contains_key(key) {
            return;
        }
        self.states.insert(key, State::Open);
        self.path.push(key);
        let mut reach = Reach::default();
        let at = Pointer::root().at("option_groups").at(index).at("options");
        for (index, option) in group.options.iter().enumerate() {
            for (number, link) in option.groups.iter().enumerate() {
                let at = at.at(index).at("groups").at(number).at("group");
                self.follow_link(link, &at, faults);
                reach.depth = reach.depth.max(self.depth(&link.group));
            }
            reach.options.push(self.option(option));
        }
        reach.depth = reach.depth.saturating_add(1);
        self.path.pop();
        self.states.insert(key, State::Done(reach));
    }

    fn follow_link(&mut self, link: &'a GroupLink, at: &Pointer, faults: &mut Faults) {
        if !matches!(self.states.get(&link.group), Some(State::Open)) {
            self.follow(&link.group, faults);
            return;
        }
        let from = self.path.iter().position(|key| **key == link.group);
        let circle = self.path.get(from.unwrap_or(0)..).unwrap_or_default();
        let names: Vec<&str> = circle.iter().map(|key| key.as_str()).collect();
        let detail = format!("{} leads back to {}", names.join(" > "), link.group);
        faults.add("group_circle", at, detail);
    }

    fn reach(&self, group: &Key) -> Option<&Reach> {
        match self.states.get(group) {
            Some(State::Done(reach)) => Some(reach),
            Some(State::Open) | None => None,
        }
    }

    fn depth(&self, group: &Key) -> u32 {
        self.reach(group).map_or(0, |reach| reach.depth)
    }

    /// What one of an option can come to.
    fn option(&self, option: &MenuOption) -> Comes {
        let by = option.price_by.iter().flat_map(|by| by.prices.values());
        let prices = || by.clone().chain([&option.price_minor]);
        let low = prices().map(|price| price.minor()).min().unwrap_or(0);
        let high = prices().map(|price| price.minor()).max().unwrap_or(0);
        let (low, high) = (i128::from(low), i128::from(high));
        let below = option.groups.iter().fold((0_i128, 0_i128), |sum, link| {
            let (low, high) = self.bounds(link);
            (sum.0.saturating_add(low), sum.1.saturating_add(high))
        });
        Comes {
            low: low.saturating_add(below.0),
            high: high.saturating_add(below.1),
            // What hangs below an option that is free is not free.
            free: (high > 0).then_some(below.0),
        }
    }

    /// The lowest and the highest that a link's options can come to.
    fn bounds(&self, link: &GroupLink) -> (i128, i128) {
        let Some(reach) = self.reach(&link.group) else {
            return (0, 0);
        };
        let highs = reach
            .options
            .iter()
            .map(|comes| comes.high.saturating_neg());
        let highest = cheapest(link, highs.collect()).saturating_neg();
        (lowest(link, &reach.options), highest)
    }

    fn check_item(&self, item: &Item, at: &Pointer, faults: &mut Faults) {
        let (mut low, mut high) = (i128::from(item.price_minor.minor()), 0_i128);
        high = high.saturating_add(low);
        for (index, link) in item.groups.iter().enumerate() {
            let at = at.at("groups").at(index);
            if self.depth(&link.group) > DEPTH_MAX {
                let detail = format!("at most {DEPTH_MAX} groups hang below each other");
                faults.add("groups_too_deep", &at.at("group"), detail);
            }
            let (least, most) = self.bounds(link);
            let fitted = high <= DISH_MINOR_MAX;
            (low, high) = (low.saturating_add(least), high.saturating_add(most));
            if fitted && high > DISH_MINOR_MAX {
                let detail = format!("a dish costs at most {DISH_MINOR_MAX} minor units");
                faults.add("price_overflow", &at, detail);
            }
        }
        if low < 0 {
            let detail = format!("options can bring it down to {low} minor units");
            faults.add("price_below_zero", &at.at("price_minor"), detail);
        }
    }
}

/// The least that a choice within the limits comes to, whichever of its options are free.
fn lowest(link: &GroupLink, options: &[Comes]) -> i128 {
    let lows: Vec<i128> = options.iter().map(|comes| comes.low).collect();
    let mut free: Vec<i128> = options.iter().filter_map(|comes| comes.free).collect();
    free.sort_unstable();
    let each = usize::try_from(link.max_per_option).unwrap_or(usize::MAX);
    let units = free
        .into_iter()
        .flat_map(|low| std::iter::repeat_n(low, each));
    let most = link.included_free.min(link.max);
    let mut least = cheapest(link, lows.clone());
    let mut sum = 0_i128;
    for (count, low) in (1..=most).zip(units) {
        sum = sum.saturating_add(low);
        let paid = GroupLink {
            min: link.min.saturating_sub(count),
            max: link.max.saturating_sub(count),
            ..link.clone()
        };
        least = least.min(sum.saturating_add(cheapest(&paid, lows.clone())));
    }
    least
}

/// The least that a choice within the limits comes to: all that lower it, and as many more as must be chosen.
fn cheapest(link: &GroupLink, mut each: Vec<i128>) -> i128 {
    each.sort_unstable();
    let kinds = link.max_distinct.map_or(usize::MAX, |kinds| {
        usize::try_from(kinds).unwrap_or(usize::MAX)
    });
    let (mut sum, mut count) = (0_i128, 0_u32);
    for price in each.into_iter().take(kinds) {
        let wanted = if price < 0 { link.max } else { link.min };
        let units = wanted.saturating_sub(count).min(link.max_per_option);
        sum = sum.saturating_add(price.saturating_mul(i128::from(units)));
        count = count.saturating_add(units);
    }
    sum
}
