//! What the search filters by (I7): the facts of a shop by which open, delivers and promise are answered,
//! and what somebody may have against a dish. Worked out again from the views' JSON.

use std::collections::BTreeMap;

use serde_json::Value;

use super::list;
use crate::check::report::{Invariant, Report};

/// The bits of allergens, from the least.
const ALLERGENS: [&str; 15] = [
    "gluten",
    "crustacean",
    "egg",
    "fish",
    "peanut",
    "soy",
    "milk",
    "nuts",
    "celery",
    "mustard",
    "sesame",
    "sulphite",
    "lupin",
    "mollusc",
    "buckwheat",
];
/// The bits of broken diets, from 2^32, each with the claims that fit it.
const DIETS: [(&str, &[&str]); 5] = [
    ("vegan", &["vegan"]),
    ("vegetarian", &["vegan", "vegetarian"]),
    ("pescatarian", &["vegan", "vegetarian", "pescatarian"]),
    ("halal", &["halal"]),
    ("kosher", &["kosher"]),
];
const DIET_BIT: usize = 32;

/// What a dish's document is filtered by.
#[derive(Debug, Default)]
pub(super) struct Filters {
    /// The sets of obstacles that it can be ordered with.
    pub(super) ways: Vec<u64>,
    /// All that it may come with.
    pub(super) most: u64,
}

/// A shop's facts say what its row says.
pub(super) fn check_facts(id: uuid::Uuid, facts: &Value, row: &Value, report: &mut Report) {
    let pause = |shop: &Value| shop["pause"]["until"].as_str().and_then(instant);
    let shown = [
        ("time zone", facts["time_zone"] == row["time_zone"]),
        (
            "week",
            same_list(&facts["hours"]["days"], &row["hours"]["days"]),
        ),
        (
            "exceptions",
            same_list(&facts["hours"]["exceptions"], &row["hours"]["exceptions"]),
        ),
        (
            "last order",
            facts["hours"]["last_order"] == row["hours"]["last_order"],
        ),
        (
            "pause",
            facts["pause"].is_null() == row["pause"].is_null() && pause(facts) == pause(row),
        ),
        ("zones", same_zones(&facts["zones"], &row["zones"])),
    ];
    for (what, same) in shown {
        report.expect(Invariant::I7, same, || {
            format!("shop {id} is searched with another {what} than its row has")
        });
    }
}

fn instant(text: &str) -> Option<chrono::DateTime<chrono::Utc>> {
    text.parse().ok()
}

fn same_list(one: &Value, other: &Value) -> bool {
    list(one).eq(list(other))
}

fn same_zones(one: &Value, other: &Value) -> bool {
    let shown = |zone: &Value| {
        let limits: Vec<Value> = list(&zone["style_limits"]).cloned().collect();
        (zone["polygon"].clone(), zone["minutes"].clone(), limits)
    };
    list(one).map(shown).eq(list(other).map(shown))
}

/// A dish is not shown as fitter than it is: each way to order it comes at least with what is in its recipe
/// and in the kitchen, and of each group from which one must be chosen with some option of it.
pub(super) fn check_filters(
    id: uuid::Uuid,
    key: &str,
    item: &Value,
    menu: &Value,
    filters: &Filters,
    report: &mut Report,
) {
    let larder = Larder::of(menu);
    let plain = larder.recipe(&item["recipe"]) | larder.cross_contact;
    for way in &filters.ways {
        report.expect(Invariant::I7, plain & !way == 0, || {
            format!("dish {key} of shop {id} is found without what is in its recipe")
        });
        report.expect(Invariant::I7, way & !filters.most == 0, || {
            format!("dish {key} of shop {id} is found with more than it may come with")
        });
        for link in list(&item["groups"]).filter(|link| link["min"].as_u64().unwrap_or(0) > 0) {
            let mut groups = list(&menu["option_groups"]);
            let group = groups.find(|group| group["key"] == link["group"]);
            let options = group.into_iter().flat_map(|group| list(&group["options"]));
            let comes = options.map(|option| larder.recipe(&option["recipe"]));
            report.expect(
                Invariant::I7,
                comes.into_iter().any(|option| option & !way == 0),
                || {
                    format!(
                        "dish {key} of shop {id} is found without any option of {}",
                        link["group"]
                    )
                },
            );
        }
    }
}

/// The ingredients of a menu by what somebody may have against them.
struct Larder<'a> {
    ingredients: BTreeMap<&'a str, u64>,
    cross_contact: u64,
}

impl<'a> Larder<'a> {
    fn of(menu: &'a Value) -> Self {
        let ingredients = list(&menu["ingredients"]);
        let ingredients =
            ingredients.filter_map(|found| Some((found["key"].as_str()?, against(found))));
        let cross = ALLERGENS.iter().enumerate();
        let cross =
            cross.filter(|(_, name)| list(&menu["cross_contact"]).any(|known| known == *name));
        Self {
            ingredients: ingredients.collect(),
            cross_contact: cross.fold(0, |all, (bit, _)| all | 1 << bit),
        }
    }

    fn recipe(&self, recipe: &Value) -> u64 {
        let lines = list(recipe).filter_map(|line| line["ingredient"].as_str());
        lines.fold(0, |all, key| {
            // Of what the menu does not know nothing is known.
            all | self
                .ingredients
                .get(key)
                .copied()
                .unwrap_or_else(|| against(&Value::Null))
        })
    }
}

/// Allergens that are not declared free, and diets that nothing is claimed for.
fn against(ingredient: &Value) -> u64 {
    let allergens = ALLERGENS.iter().enumerate();
    let risky = allergens.filter(|(_, name)| ingredient["allergens"][**name] != "free");
    let bits = risky.fold(0, |all, (bit, _)| all | 1 << bit);
    let fits = |claims: &[&str]| {
        list(&ingredient["diets"]).any(|claim| claims.iter().any(|fits| claim == fits))
    };
    let broken = DIETS
        .iter()
        .enumerate()
        .filter(|(_, (_, claims))| !fits(claims));
    broken.fold(bits, |all, (bit, _)| all | 1 << (DIET_BIT + bit))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_dish_that_looks_fitter_than_it_is_is_told() {
        let free = |but: &str| -> Value {
            let all = ALLERGENS.iter().map(|name| {
                let presence = if *name == but { "contains" } else { "free" };
                ((*name).to_owned(), presence.into())
            });
            Value::Object(all.collect())
        };
        let menu = json!({
            "cross_contact": ["mustard"],
            "ingredients": [
                {"key": "broth", "allergens": free("fish"), "diets": ["pescatarian"]},
                {"key": "wheat", "allergens": free("gluten"), "diets": ["vegan"]}],
            "option_groups": [{"key": "noodles", "options": [{"recipe": [{"ingredient": "wheat"}]}]}],
        });
        let item = json!({"recipe": [{"ingredient": "broth"}], "groups": [{"group": "noodles", "min": 1}]});
        let bit = |name: &str| 1 << ALLERGENS.iter().position(|known| *known == name).unwrap();
        let diet =
            |name: &str| 1 << (DIET_BIT + DIETS.iter().position(|known| known.0 == name).unwrap());
        let meat = diet("vegan") | diet("vegetarian") | diet("halal") | diet("kosher");
        let whole = bit("fish") | bit("gluten") | bit("mustard") | meat;
        let told = |way: u64| {
            let mut report = Report::default();
            let filters = Filters {
                ways: vec![way],
                most: whole,
            };
            check_filters(
                uuid::Uuid::nil(),
                "bowl",
                &item,
                &menu,
                &filters,
                &mut report,
            );
            !report.close().is_clean()
        };
        assert!(!told(whole));
        for left_out in [
            bit("fish"),
            bit("gluten"),
            bit("mustard"),
            diet("vegan"),
            diet("halal"),
        ] {
            assert!(told(whole & !left_out), "{left_out:x}");
        }
        assert!(told(whole | bit("egg")), "more than it may come with");
    }
}
