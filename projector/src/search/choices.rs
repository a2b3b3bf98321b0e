//! What somebody may have against a dish, by how it can be ordered: for each way of choosing what must be
//! chosen, down the tree of options, the allergens and broken diets that it comes with.
//!
//! `DishRange` answers for one allergen at a time; a search may leave out several at once, and that each can
//! be chosen away does not mean that all can. Rules that forbid options together are not looked at: the cart
//! refuses such a choice with its reason.

use std::collections::HashMap;

use domain::kernel::key::Key;
use domain::kernel::quantity::IngredientAmount;
use domain::restaurant::menu::{
    GroupLink, Item, MenuOption, OptionGroup, OptionRef, PublishedMenu, RuleKind,
};
use infra::availability::Unavailable;
use infra::search_schema::{Alternatives, Obstacles};

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
        let cross_contact = Obstacles::any_of(self.menu.document().cross_contact.iter().copied());
        let base = Ways::only(self.recipe(&item.recipe).with(cross_contact));
        let required = item.groups.iter().filter(|link| link.min > 0);
        required.fold(base, |ways, link| {
            let options: Vec<Ways> = self
                .group(&link.group)
                .to_vec()
                .into_iter()
                .map(|(option, ways)| ways.and(&self.brought_by(item, &link.group, option)))
                .collect();
            ways.and(&chosen(&options, link))
        })
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

    /// What rules bring along with an option of an item: all that it implies, and one of what it requires.
    fn brought_by(&mut self, item: &Item, group: &Key, option: &Key) -> Ways {
        let nothing = Ways::only(Obstacles::default());
        let rules = self.menu.document().rules.iter();
        let rules = rules.filter(|rule| {
            rule.is_for(&item.key) && rule.when.group == *group && rule.when.option == *option
        });
        let mut all = nothing;
        for rule in rules {
            let others: Vec<Ways> = rule.then.iter().map(|other| self.option(other)).collect();
            all = match rule.kind {
                RuleKind::Implies => others.iter().fold(all, Ways::and),
                RuleKind::Requires if !others.is_empty() => all.and(&one_of(&others)),
                RuleKind::Requires | RuleKind::Excludes => all,
            };
        }
        all
    }

    fn option(&mut self, wanted: &'a OptionRef) -> Ways {
        let options = self.group(&wanted.group).iter();
        let found = options.filter(|(key, _)| **key == wanted.option);
        let ways = found.map(|(_, ways)| ways.clone()).next();
        ways.unwrap_or_else(|| Ways::only(Obstacles::everything()))
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
        let base = Ways::only(self.recipe(&option.recipe));
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

    fn recipe(&self, recipe: &[IngredientAmount]) -> Obstacles {
        recipe.iter().fold(Obstacles::default(), |all, line| {
            let ingredient = self.menu.ingredient(&line.ingredient);
            let of_it = ingredient.map(|found| Obstacles::of(&found.allergens, &found.diets));
            all.with(of_it.unwrap_or_else(Obstacles::everything))
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

fn one_of(options: &[Ways]) -> Ways {
    let least = options.iter().map(|option| option.least.clone());
    let most = options.iter().map(|option| option.most);
    Ways {
        least: least.fold(Alternatives::none(), Alternatives::or),
        most: most.fold(Obstacles::default(), Obstacles::with),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::kernel::allergen::{Allergen, Diet};
    use domain::restaurant::menu::Menu;

    use super::*;
    use crate::search::dishes::published;

    fn menu(rules: &serde_json::Value) -> Menu {
        let free = |but: &[&str]| -> serde_json::Value {
            let all = strum::VariantArray::VARIANTS
                .iter()
                .map(|allergen: &Allergen| {
                    let name = serde_json::to_value(allergen)
                        .unwrap()
                        .as_str()
                        .unwrap()
                        .to_owned();
                    let presence = if but.contains(&name.as_str()) {
                        "contains"
                    } else {
                        "free"
                    };
                    (name, presence.into())
                });
            serde_json::Value::Object(all.collect())
        };
        let ingredient = |key: &str, contains: &[&str], diets: &[&str]| {
            serde_json::json!({"key": key, "name": {"en": key}, "unit": "g",
                               "allergens": free(contains), "diets": diets})
        };
        let option = |key: &str| {
            serde_json::json!({"key": key, "name": {"en": key}, "price_minor": 0,
                               "recipe": [{"ingredient": key, "amount": 1}]})
        };
        let mut set = option("egg");
        set["key"] = "set".into();
        set["groups"] =
            serde_json::json!([{"group": "sauce", "min": 1, "max": 1, "max_per_option": 1}]);
        let link = |group: &str, min: u32| serde_json::json!({"group": group, "min": min, "max": 2, "max_per_option": 1});
        let item = |key: &str, groups: serde_json::Value| {
            serde_json::json!({"key": key, "name": {"en": key}, "price_minor": 900, "tax_class": "food",
                               "recipe": [{"ingredient": "broth", "amount": 1}], "groups": groups})
        };
        let document = serde_json::json!({
            "currency": "JPY", "default_language": "en", "cross_contact": ["mustard"],
            "ingredients": [
                ingredient("broth", &[], &["vegan", "halal"]), ingredient("wheat", &["gluten"], &["vegan"]),
                ingredient("rice", &["soy"], &["vegan", "halal"]), ingredient("egg", &["egg"], &["vegetarian"]),
                ingredient("mayo", &["egg", "milk"], &["vegetarian"]), ingredient("vinegar", &["sulphite"], &["vegan"])],
            "option_groups": [
                {"key": "noodles", "name": {"en": "Noodles"}, "options": [option("wheat"), option("rice")]},
                {"key": "sauce", "name": {"en": "Sauce"}, "options": [option("mayo"), option("vinegar")]},
                {"key": "sets", "name": {"en": "Sets"}, "options": [set]}],
            "rules": rules,
            "sections": [{"key": "all", "name": {"en": "All"}, "items": [
                item("plain", serde_json::json!([])), item("bowl", serde_json::json!([link("noodles", 1), link("sauce", 0)])),
                item("both", serde_json::json!([link("noodles", 2)])), item("set", serde_json::json!([link("sets", 1)]))]}],
        });
        published(&document.to_string()).unwrap()
    }

    fn ways(menu: &Menu, key: &str, gone: &[(&str, &str)]) -> Ways {
        let gone = Unavailable {
            items: BTreeSet::new(),
            options: gone
                .iter()
                .map(|(group, option)| ((*group).to_owned(), (*option).to_owned()))
                .collect(),
        };
        let menu = menu.published().unwrap();
        let item = menu.item(&key.parse().unwrap()).unwrap();
        Choices::of(menu, &gone).item(item)
    }

    fn can_avoid(ways: &Ways, allergens: &[Allergen], diets: &[Diet]) -> bool {
        let avoid = Obstacles::any_of(allergens.iter().copied())
            .with(Obstacles::against(diets.iter().copied()));
        ways.least.sets().iter().any(|set| set.spare(avoid))
    }

    #[test]
    fn each_may_be_chosen_away_and_yet_not_both() {
        use Allergen::{Egg, Gluten, Mustard, Soy};
        let menu = menu(&serde_json::json!([]));
        let bowl = ways(&menu, "bowl", &[]);
        assert!(can_avoid(&bowl, &[Gluten], &[Diet::Vegan]) && can_avoid(&bowl, &[Soy], &[]));
        assert!(!can_avoid(&bowl, &[Gluten, Soy], &[]));
        assert!(
            !can_avoid(&bowl, &[Mustard], &[]),
            "the kitchen cannot keep it apart"
        );
        assert!(can_avoid(&bowl, &[], &[Diet::Halal]) && !can_avoid(&bowl, &[Soy], &[Diet::Halal]));
        assert!(!bowl.most.spare(Obstacles::any_of([Gluten])));
        assert!(
            bowl.most.spare(Obstacles::any_of([Egg])),
            "sauce need not be taken"
        );
        let without_rice = ways(&menu, "bowl", &[("noodles", "rice")]);
        assert!(!can_avoid(&without_rice, &[Gluten], &[]));
        assert!(
            !can_avoid(&ways(&menu, "both", &[]), &[Gluten], &[]),
            "two different ones"
        );
    }

    #[test]
    fn what_options_require_below_them_counts() {
        use Allergen::{Egg, Milk, Sulphite};
        let menu = menu(&serde_json::json!([]));
        let set = ways(&menu, "set", &[]);
        assert!(!can_avoid(&set, &[Egg], &[]));
        assert!(can_avoid(&set, &[Milk], &[]) && can_avoid(&set, &[Sulphite], &[]));
        assert!(!can_avoid(&set, &[Milk, Sulphite], &[]));
    }

    #[test]
    fn what_rules_bring_along_counts() {
        let rule = |kind: &str| {
            serde_json::json!([{"key": "r", "kind": kind, "when": {"group": "noodles", "option": "rice"},
                "then": [{"group": "sauce", "option": "mayo"}], "reason": {"en": "It is dry."}}])
        };
        for (kind, avoidable) in [("implies", false), ("requires", false), ("excludes", true)] {
            let menu = menu(&rule(kind));
            let bowl = ways(&menu, "bowl", &[]);
            assert_eq!(
                can_avoid(&bowl, &[Allergen::Gluten, Allergen::Milk], &[]),
                avoidable,
                "{kind}"
            );
            assert!(
                can_avoid(&bowl, &[Allergen::Milk], &[]),
                "{kind}: with wheat"
            );
        }
    }
}
