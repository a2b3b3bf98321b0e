//! What an item of a published menu can become, for the sides that read: the allergens that are in it whatever is chosen
//! and those that a choice can bring, and the diets that it can be ordered for. The menu answer and the search index must
//! say the same.
//!
//! It works on the JSON of `views.menus`. What a chosen dish contains, the domain says.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::kernel::allergen::{Allergen, Declared, Diet, Presence, mixture, shared_diets};
use serde::Deserialize;

/// The parts of a menu document that say what is in a dish; everything else is skipped.
#[derive(Clone, Debug, Deserialize)]
pub struct MenuFacts {
    #[serde(default)]
    cross_contact: Vec<Allergen>,
    #[serde(default)]
    ingredients: Vec<Ingredient>,
    #[serde(default)]
    option_groups: Vec<OptionGroup>,
    #[serde(default)]
    sections: Vec<Section>,
}

#[derive(Clone, Debug, Deserialize)]
struct Ingredient {
    key: String,
    #[serde(default)]
    allergens: Declared,
    #[serde(default)]
    diets: Vec<Diet>,
}

#[derive(Clone, Debug, Deserialize)]
struct OptionGroup {
    key: String,
    options: Vec<MenuOption>,
}

#[derive(Clone, Debug, Deserialize)]
struct MenuOption {
    #[serde(default)]
    recipe: Vec<RecipeLine>,
    #[serde(default)]
    groups: Vec<GroupLink>,
}

#[derive(Clone, Debug, Deserialize)]
struct Section {
    items: Vec<Item>,
}

#[derive(Clone, Debug, Deserialize)]
struct Item {
    key: String,
    #[serde(default)]
    recipe: Vec<RecipeLine>,
    #[serde(default)]
    groups: Vec<GroupLink>,
}

#[derive(Clone, Debug, Deserialize)]
struct RecipeLine {
    ingredient: String,
}

#[derive(Clone, Debug, Deserialize)]
struct GroupLink {
    group: String,
    min: u32,
    max_per_option: u32,
    #[serde(default)]
    max_distinct: Option<u32>,
}

impl GroupLink {
    /// How many can be chosen of so many different options.
    fn reach(&self, options: usize) -> u32 {
        let options = u32::try_from(options).unwrap_or(u32::MAX);
        options
            .min(self.max_distinct.unwrap_or(u32::MAX))
            .saturating_mul(self.max_per_option)
    }
}

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

/// The same of a recipe or an option, without cross-contact.
#[derive(Debug, Clone)]
struct Range {
    least: Declared,
    most: Declared,
    always: BTreeSet<Diet>,
    possible: BTreeSet<Diet>,
}

impl MenuFacts {
    /// What each item can become, by its key.
    pub fn ranges(&self) -> BTreeMap<String, DishRange> {
        let mut ranges = Ranges {
            menu: self,
            ingredients: self
                .ingredients
                .iter()
                .map(|found| (found.key.as_str(), found))
                .collect(),
            groups: self
                .option_groups
                .iter()
                .map(|found| (found.key.as_str(), found))
                .collect(),
            of_groups: HashMap::new(),
        };
        let items = self.sections.iter().flat_map(|section| &section.items);
        items
            .map(|item| (item.key.clone(), ranges.item(item)))
            .collect()
    }
}

/// What the items of one menu share, worked out once.
struct Ranges<'a> {
    menu: &'a MenuFacts,
    ingredients: HashMap<&'a str, &'a Ingredient>,
    groups: HashMap<&'a str, &'a OptionGroup>,
    of_groups: HashMap<&'a str, Vec<Range>>,
}

impl<'a> Ranges<'a> {
    fn item(&mut self, item: &'a Item) -> DishRange {
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
        for allergen in &self.menu.cross_contact {
            let presence = declared.entry(*allergen).or_insert(Presence::Unknown);
            *presence = (*presence).max(Presence::MayContain);
        }
        declared
    }

    fn recipe(&self, recipe: &[RecipeLine]) -> Range {
        let unknown = Declared::new();
        let found: Vec<Option<&&Ingredient>> = recipe
            .iter()
            .map(|line| self.ingredients.get(line.ingredient.as_str()))
            .collect();
        let declared = found
            .iter()
            .map(|found| found.map_or(&unknown, |found| &found.allergens));
        let worst = mixture(declared);
        let claims = found
            .iter()
            .map(|found| found.map_or(&[][..], |found| &found.diets));
        let diets = shared_diets(claims);
        Range {
            least: worst.clone(),
            most: worst,
            always: diets.clone(),
            possible: diets,
        }
    }

    fn with_groups(&mut self, recipe: &[RecipeLine], links: &'a [GroupLink]) -> Range {
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
    fn group(&mut self, key: &'a str) -> &[Range] {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_dish_is_what_cannot_be_chosen_away_and_may_be_what_can_be_chosen() {
        let link = |group: &str, min: u32| json!([{"group": group, "min": min, "max": 1, "max_per_option": 1}]);
        let made_of = |ingredient: &str| json!([{"ingredient": ingredient}]);
        let all = |contains: &str| {
            let presence = |allergen: &Allergen| {
                let name = serde_json::to_value(allergen).unwrap();
                let presence = if name == contains { "contains" } else { "free" };
                (name.as_str().unwrap().to_owned(), json!(presence))
            };
            serde_json::Value::Object(mixture([]).keys().map(presence).collect())
        };
        let menu: MenuFacts = serde_json::from_value(json!({
            "cross_contact": ["buckwheat"],
            "ingredients": [
                {"key": "noodles", "allergens": all("gluten"), "diets": ["vegan"]},
                {"key": "pork", "allergens": all("soy"), "diets": []},
                {"key": "kelp", "allergens": all(""), "diets": ["vegan"]},
                {"key": "egg", "allergens": all("egg"), "diets": ["vegetarian"]}],
            "option_groups": [
                {"key": "broth", "options": [{"recipe": made_of("pork")}, {"recipe": made_of("kelp"), "groups": link("top", 0)}]},
                {"key": "top", "options": [{"recipe": made_of("egg")}]}],
            "sections": [{"items": [
                {"key": "bowl", "recipe": made_of("noodles"), "groups": link("broth", 1)},
                {"key": "egg-bowl", "recipe": made_of("noodles"), "groups": link("top", 1)},
                {"key": "mystery", "recipe": made_of("nobody-knows")}]}],
        }))
        .unwrap();
        let ranges = menu.ranges();
        let bowl = &ranges["bowl"];
        assert_eq!(bowl.plain[&Allergen::Soy], Presence::Free);
        assert_eq!(
            (bowl.least[&Allergen::Soy], bowl.most[&Allergen::Soy]),
            (Presence::Free, Presence::Contains)
        );
        assert_eq!(bowl.least[&Allergen::Gluten], Presence::Contains);
        assert_eq!(bowl.least[&Allergen::Buckwheat], Presence::MayContain);
        assert_eq!(bowl.most[&Allergen::Egg], Presence::Contains);
        assert!(bowl.always.is_empty() && bowl.possible.contains(&Diet::Vegan));
        let with_egg = &ranges["egg-bowl"];
        assert_eq!(with_egg.least[&Allergen::Egg], Presence::Contains);
        assert!(
            with_egg.always.contains(&Diet::Vegetarian)
                && !with_egg.possible.contains(&Diet::Vegan)
        );
        let mystery = &ranges["mystery"];
        assert_eq!(mystery.least[&Allergen::Fish], Presence::Unknown);
        assert!(mystery.possible.is_empty());
    }
}
