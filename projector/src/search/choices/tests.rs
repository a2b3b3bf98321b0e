//! What can be left out of a dish, by its options and its rules.

use std::collections::BTreeSet;

use domain::kernel::allergen::{Allergen, Diet};
use domain::kernel::fault::Pointer;
use domain::kernel::key::Key;
use domain::restaurant::dish::Choice;
use domain::restaurant::menu::{GroupLink, Menu, PublishedMenu};
use proptest::prelude::*;
use strum::VariantArray as _;

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
            item("both", serde_json::json!([link("noodles", 2)])), item("set", serde_json::json!([link("sets", 1)])),
            item("duo", serde_json::json!([link("noodles", 1), link("sauce", 1)])),
            item("combo", serde_json::json!([link("noodles", 1), link("sets", 1)]))]}],
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

fn rule(kind: &str, when: (&str, &str), then: (&str, &str)) -> serde_json::Value {
    let option =
        |(group, option): (&str, &str)| serde_json::json!({"group": group, "option": option});
    serde_json::json!({"key": "r", "kind": kind, "when": option(when), "then": [option(then)],
                       "reason": {"en": "So it is."}})
}

#[test]
fn options_that_exclude_one_another_are_not_taken_together() {
    use Allergen::{Gluten, Milk};
    let excludes = rule("excludes", ("noodles", "rice"), ("sauce", "vinegar"));
    let menu = menu(&serde_json::json!([excludes]));
    let duo = ways(&menu, "duo", &[]);
    assert!(can_avoid(&duo, &[Gluten], &[]) && can_avoid(&duo, &[Milk], &[]));
    assert!(
        !can_avoid(&duo, &[Gluten, Milk], &[]),
        "rice comes with mayo"
    );
}

#[test]
fn rules_that_begin_below_an_option_count() {
    use Allergen::{Gluten, Milk, Soy};
    for (rule, avoidable) in [
        (
            rule("excludes", ("sauce", "vinegar"), ("noodles", "rice")),
            false,
        ),
        (
            rule("requires", ("sauce", "vinegar"), ("noodles", "wheat")),
            false,
        ),
        (
            rule("requires", ("sauce", "vinegar"), ("noodles", "rice")),
            true,
        ),
    ] {
        let menu = menu(&serde_json::json!([rule]));
        let combo = ways(&menu, "combo", &[]);
        assert_eq!(can_avoid(&combo, &[Gluten, Milk], &[]), avoidable, "{rule}");
        assert!(can_avoid(&combo, &[Soy], &[]), "{rule}: wheat with mayo");
    }
}

/// One option more than is required, when a rule asks for it; none that is sold out.
#[test]
fn what_a_rule_asks_for_is_taken_or_the_way_is_none() {
    use Allergen::{Gluten, Milk};
    let requires = rule("requires", ("noodles", "rice"), ("sauce", "vinegar"));
    let menu = menu(&serde_json::json!([requires]));
    assert!(can_avoid(&ways(&menu, "bowl", &[]), &[Gluten, Milk], &[]));
    let sold_out = ways(&menu, "bowl", &[("sauce", "vinegar")]);
    assert!(!can_avoid(&sold_out, &[Gluten], &[]) && can_avoid(&sold_out, &[Milk], &[]));
    let implies = rule("implies", ("noodles", "rice"), ("sauce", "vinegar"));
    let menu = self::menu(&serde_json::json!([implies]));
    let sold_out = ways(&menu, "bowl", &[("sauce", "vinegar")]);
    assert!(!can_avoid(&sold_out, &[Gluten], &[]));
}

/// Every choice of as many different options as each group allows, down the tree, put together by the domain.
fn by_hand(menu: &Menu, key: &str) -> Vec<Obstacles> {
    let menu = menu.published().unwrap();
    let item = menu.item(&key.parse().unwrap()).unwrap();
    let dishes = selections(menu, &item.groups).into_iter();
    let composed = dishes.filter_map(|dish| menu.compose(item, &dish, &Pointer::root()).ok());
    composed
        .map(|dish| {
            Obstacles::of(
                &dish.allergens(),
                &dish.diets().into_iter().collect::<Vec<_>>(),
            )
        })
        .collect()
}

/// Every choice for these groups together.
fn selections<'a>(menu: &'a PublishedMenu, links: &'a [GroupLink]) -> Vec<Vec<Choice<'a>>> {
    links.iter().fold(vec![Vec::new()], |before, link| {
        let here = of_group(menu, link);
        let both = |first: &Vec<Choice<'a>>, more: &Vec<Choice<'a>>| {
            first.iter().chain(more).cloned().collect()
        };
        let before = before.iter();
        before
            .flat_map(|first| here.iter().map(move |more| both(first, more)))
            .collect()
    })
}

/// Every set of options of one group that is neither too small nor too large.
fn of_group<'a>(menu: &'a PublishedMenu, link: &'a GroupLink) -> Vec<Vec<Choice<'a>>> {
    let mut sets = vec![Vec::new()];
    for option in &menu.group(&link.group).unwrap().options {
        let below = selections(menu, &option.groups);
        let with_it = |set: &Vec<Choice<'a>>, below: &Vec<Choice<'a>>| {
            let mut set = set.clone();
            set.push(choice(&link.group, &option.key, below.clone()));
            set
        };
        let more: Vec<_> = sets
            .iter()
            .flat_map(|set| below.iter().map(move |below| with_it(set, below)))
            .collect();
        sets.extend(more);
    }
    let (least, most) = (link.min as usize, link.max as usize);
    sets.retain(|set| (least..=most).contains(&set.len()));
    sets
}

fn choice<'a>(group: &'a Key, option: &'a Key, options: Vec<Choice<'a>>) -> Choice<'a> {
    Choice {
        group,
        option,
        quantity: 1,
        options,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_found_can_be_ordered_and_what_can_be_ordered_is_found(
        rules in prop::collection::vec((0..3_usize, 0..4_usize, 0..4_usize), 0..4),
        item in 0..3_usize,
        avoid in prop::collection::vec(0..Allergen::VARIANTS.len(), 0..4),
    ) {
        const OPTIONS: [(&str, &str); 4] =
            [("noodles", "wheat"), ("noodles", "rice"), ("sauce", "mayo"), ("sauce", "vinegar")];
        let rules = rules.into_iter().map(|(kind, when, then)| {
            rule(["requires", "excludes", "implies"][kind], OPTIONS[when], OPTIONS[then])
        });
        let menu = menu(&serde_json::Value::Array(rules.collect()));
        let key = ["bowl", "duo", "combo"][item];
        let avoid: Vec<Allergen> = avoid.into_iter().map(|at| Allergen::VARIANTS[at]).collect();
        let ordered = by_hand(&menu, key);
        let all = Obstacles::any_of(avoid.iter().copied());
        let can_be_ordered = ordered.iter().any(|dish| dish.spare(all));
        prop_assert_eq!(can_avoid(&ways(&menu, key, &[]), &avoid, &[]), can_be_ordered);
    }
}
