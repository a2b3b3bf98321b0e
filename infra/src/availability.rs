//! Which dishes and options of a published menu the stock can serve now, for the sides that read:
//! the menu answer and the search index must say the same.
//!
//! It works on the JSON of `views.menus` and `views.stock`. It decides nothing: a checkout asks the
//! aggregates.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// The parts of a menu document that stock bears on; everything else is skipped.
#[derive(Clone, Debug, Deserialize)]
pub struct MenuNeeds {
    #[serde(default)]
    option_groups: Vec<GroupNeeds>,
    #[serde(default)]
    sections: Vec<SectionNeeds>,
}

#[derive(Clone, Debug, Deserialize)]
struct GroupNeeds {
    key: String,
    options: Vec<OptionNeeds>,
}

#[derive(Clone, Debug, Deserialize)]
struct OptionNeeds {
    key: String,
    #[serde(default)]
    recipe: Vec<Need>,
    #[serde(default)]
    groups: Vec<GroupLink>,
}

#[derive(Clone, Debug, Deserialize)]
struct SectionNeeds {
    items: Vec<ItemNeeds>,
}

#[derive(Clone, Debug, Deserialize)]
struct ItemNeeds {
    key: String,
    #[serde(default)]
    recipe: Vec<Need>,
    #[serde(default)]
    groups: Vec<GroupLink>,
}

#[derive(Clone, Debug, Deserialize)]
struct GroupLink {
    group: String,
    min: u32,
    max_per_option: u32,
    #[serde(default)]
    max_distinct: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
struct Need {
    ingredient: String,
    amount: i64,
}

/// What a shop has of each ingredient. An ingredient without an entry is not tracked: always there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    free: BTreeMap<String, i64>,
}

/// An ingredient in `views.stock`, every number in its unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, Deserialize)]
pub struct StockLevel {
    /// Whether it was ever received or counted; until then it is always servable.
    pub tracked: bool,
    /// What can still be promised; never below zero.
    pub free: i64,
    /// Held for orders that are not fired.
    pub held: i64,
    /// Received in all.
    pub received: i64,
    /// What counting added or took away.
    pub adjusted: i64,
    /// Cooked.
    pub used: i64,
    /// Thrown away.
    pub wasted: i64,
    /// Switched off by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eighty_six: Option<EightySix>,
}

/// An ingredient that the shop has run out of and said so.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, Deserialize)]
pub struct EightySix {
    /// When it is expected back by itself; none means that somebody must say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

impl Levels {
    /// What can be used at `now` of the ingredients in a row of `views.stock`.
    pub fn at(stock: &BTreeMap<String, StockLevel>, now: DateTime<Utc>) -> Self {
        let free = stock.iter().filter_map(|(ingredient, level)| {
            let gone = level
                .eighty_six
                .as_ref()
                .is_some_and(|eighty_six| eighty_six.until.is_none_or(|until| until > now));
            match (gone, level.tracked) {
                // Out by word of the shop: not even for a recipe that takes none of it.
                (true, _) => Some((ingredient.clone(), i64::MIN)),
                (false, true) => Some((ingredient.clone(), level.free)),
                (false, false) => None,
            }
        });
        Self {
            free: free.collect(),
        }
    }

    fn serve(&self, recipe: &[Need]) -> bool {
        // An ingredient may stand in a recipe twice: its amounts are counted together.
        let mut needed: BTreeMap<&str, i64> = BTreeMap::new();
        for need in recipe {
            let sum = needed.entry(&need.ingredient).or_default();
            *sum = sum.saturating_add(need.amount);
        }
        needed.iter().all(|(ingredient, amount)| {
            self.free.get(*ingredient).is_none_or(|free| free >= amount)
        })
    }
}

/// What cannot be had now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Unavailable {
    /// Items, by key.
    pub items: BTreeSet<String>,
    /// Options, by group and key.
    pub options: BTreeSet<(String, String)>,
}

/// The options of a menu while those that cannot be had are taken away.
#[derive(Default)]
struct Left<'m> {
    of_group: HashMap<&'m str, usize>,
    gone: BTreeSet<(&'m str, &'m str)>,
}

impl<'m> Left<'m> {
    fn of(groups: &'m [GroupNeeds]) -> Self {
        let counts = groups
            .iter()
            .map(|group| (group.key.as_str(), group.options.len()));
        Self {
            of_group: counts.collect(),
            gone: BTreeSet::new(),
        }
    }

    fn take(&mut self, group: &'m str, option: &'m str) {
        if self.gone.insert((group, option)) {
            let left = self.of_group.entry(group).or_default();
            *left = left.saturating_sub(1);
        }
    }

    fn has(&self, group: &str, option: &str) -> bool {
        !self.gone.contains(&(group, option))
    }

    /// Whether too few options are left for what the link requires.
    fn exhausts(&self, link: &GroupLink) -> bool {
        let left = self.of_group.get(link.group.as_str()).copied().unwrap_or(0);
        let kinds = link.max_distinct.map_or(u64::MAX, u64::from);
        let reach = u64::try_from(left)
            .unwrap_or(u64::MAX)
            .min(kinds)
            .saturating_mul(link.max_per_option.into());
        reach < u64::from(link.min)
    }
}

impl MenuNeeds {
    /// What of this menu cannot be had: items and options switched off or without stock, and those of
    /// which a required group has too little left to choose from.
    pub fn unavailable(&self, levels: &Levels, switched_off: &BTreeSet<String>) -> Unavailable {
        let left = self.left(levels, switched_off);
        let is_gone = |item: &&ItemNeeds| {
            switched_off.contains(&item.key)
                || !levels.serve(&item.recipe)
                || item.groups.iter().any(|link| left.exhausts(link))
        };
        let items = self.sections.iter().flat_map(|section| &section.items);
        let items = items.filter(is_gone).map(|item| item.key.clone()).collect();
        let named = |(group, option): (&str, &str)| (group.to_owned(), option.to_owned());
        let options = left.gone.into_iter().map(named).collect();
        Unavailable { items, options }
    }

    /// Takes away the options that are switched off (`group/option`) or without stock, and those that need one, however
    /// deep. A round finds what the one before took away; menus are five groups deep, so few are needed.
    fn left(&self, levels: &Levels, switched_off: &BTreeSet<String>) -> Left<'_> {
        let mut left = Left::of(&self.option_groups);
        for (group, option) in self.options() {
            let named = format!("{}/{}", group.key, option.key);
            if switched_off.contains(&named) || !levels.serve(&option.recipe) {
                left.take(&group.key, &option.key);
            }
        }
        loop {
            let needs_gone =
                |option: &OptionNeeds| option.groups.iter().any(|link| left.exhausts(link));
            let more: Vec<(&str, &str)> = self
                .options()
                .filter(|(group, option)| left.has(&group.key, &option.key) && needs_gone(option))
                .map(|(group, option)| (group.key.as_str(), option.key.as_str()))
                .collect();
            if more.is_empty() {
                return left;
            }
            for (group, option) in more {
                left.take(group, option);
            }
        }
    }

    fn options(&self) -> impl Iterator<Item = (&GroupNeeds, &OptionNeeds)> {
        let groups = self.option_groups.iter();
        groups.flat_map(|group| group.options.iter().map(move |option| (group, option)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn menu() -> MenuNeeds {
        serde_json::from_value(serde_json::json!({
            "option_groups": [
                {"key": "firmness", "options": [
                    {"key": "kata", "recipe": [{"ingredient": "thin", "amount": 1}]},
                    {"key": "futsu", "recipe": [{"ingredient": "thick", "amount": 1}]}]},
                {"key": "toppings", "options": [
                    {"key": "egg", "recipe": [{"ingredient": "egg", "amount": 1}]}]}
            ],
            "sections": [{"items": [
                {"key": "ramen", "recipe": [{"ingredient": "broth", "amount": 300}],
                 "groups": [{"group": "firmness", "min": 1, "max": 1, "max_per_option": 1},
                            {"group": "toppings", "min": 0, "max": 2, "max_per_option": 1}]},
                {"key": "rice", "recipe": []}
            ]}]
        }))
        .unwrap()
    }

    fn stock(levels: &[(&str, i64)]) -> Levels {
        Levels {
            free: levels
                .iter()
                .map(|(key, free)| ((*key).to_owned(), *free))
                .collect(),
        }
    }

    fn gone(levels: &[(&str, i64)]) -> (Vec<String>, Vec<String>) {
        let found = menu().unavailable(&stock(levels), &BTreeSet::new());
        let options = found
            .options
            .into_iter()
            .map(|(_, option)| option)
            .collect();
        (found.items.into_iter().collect(), options)
    }

    #[test]
    fn what_is_not_tracked_is_there() {
        assert_eq!(gone(&[]), (vec![], vec![]));
    }

    #[test]
    fn an_item_needs_its_whole_recipe() {
        assert_eq!(gone(&[("broth", 299)]).0, ["ramen"]);
        assert_eq!(gone(&[("broth", 300)]).0, Vec::<String>::new());
    }

    #[test]
    fn an_optional_option_hides_and_a_required_group_takes_the_item_down_when_all_of_it_is_gone() {
        assert_eq!(gone(&[("egg", 0)]), (vec![], vec!["egg".to_owned()]));
        assert_eq!(gone(&[("thin", 0)]), (vec![], vec!["kata".to_owned()]));
        assert_eq!(gone(&[("thin", 0), ("thick", 0)]).0, ["ramen"]);
    }

    #[test]
    fn an_option_goes_with_what_it_must_have_and_takes_its_item_along() {
        let link = |group: &str, min: u32| serde_json::json!([{"group": group, "min": min, "max": 1, "max_per_option": 1}]);
        let nested = |min: u32| -> MenuNeeds {
            serde_json::from_value(serde_json::json!({
                "option_groups": [
                    {"key": "set", "options": [{"key": "dumplings", "groups": link("sauce", min)}]},
                    {"key": "sauce", "options": [{"key": "chili", "groups": link("heat", 1)}]},
                    {"key": "heat", "options": [
                        {"key": "hot", "recipe": [{"ingredient": "oil", "amount": 1}]}]}
                ],
                "sections": [{"items": [{"key": "menu", "groups": link("set", 1)}]}]
            }))
            .unwrap()
        };
        let gone = |min: u32| {
            let found = nested(min).unavailable(&stock(&[("oil", 0)]), &BTreeSet::new());
            (found.items.len(), found.options.len())
        };
        // Heat, and the sauce that needs it; with a required sauce the set and the item as well.
        assert_eq!(gone(0), (0, 2));
        assert_eq!(gone(1), (1, 3));
    }

    #[test]
    fn an_eighty_six_ends_at_its_hour() {
        let until: DateTime<Utc> = "2026-11-22T18:00:00Z".parse().unwrap();
        let level = StockLevel {
            eighty_six: Some(EightySix { until: Some(until) }),
            ..StockLevel::default()
        };
        let row = BTreeMap::from([("broth".to_owned(), level)]);
        let before = Levels::at(&row, until - chrono::Duration::seconds(1));
        assert_eq!(menu().unavailable(&before, &BTreeSet::new()).items.len(), 1);
        let after = Levels::at(&row, until);
        assert!(
            menu()
                .unavailable(&after, &BTreeSet::new())
                .items
                .is_empty()
        );
    }

    #[test]
    fn what_is_switched_off_is_gone() {
        let off = BTreeSet::from(["rice".to_owned()]);
        assert!(
            menu()
                .unavailable(&Levels::default(), &off)
                .items
                .contains("rice")
        );
    }
}
