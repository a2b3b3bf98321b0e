//! Random menus: what is accepted is whole, what is broken is refused at the broken place, and the index tells the truth.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::sync::Arc;

use domain::decider::{Decider, Event, Rejection};
use domain::kernel::collect::collect;
use domain::kernel::fault::{Fault, Pointer};
use domain::restaurant::dish::Choice;
use domain::restaurant::menu::{
    GroupLink, Menu, MenuCommand, MenuDocument, MenuEvent, PublishedMenu, check_document,
};
use domain::testing::{Given, context};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A menu of this shape, every part with a name and a recipe.
fn menu(ingredients: usize, groups: &[usize], sections: &[usize], seed: usize) -> Value {
    let name = |text: String| json!({"en": text});
    let recipe = |from: usize| {
        let line = |number: usize| json!({"ingredient": format!("i{}", number % ingredients), "amount": 1 + number});
        Value::Array(
            (from..from + 1 + from % ingredients.min(3))
                .map(line)
                .collect(),
        )
    };
    let link = |number: usize| {
        let options = groups[number];
        let per_option = 1 + seed % 3;
        let max = 1 + seed % (options * per_option);
        json!({"group": format!("g{number}"), "min": seed % (max + 1), "max": max, "max_per_option": per_option.min(max)})
    };
    let mut items = 0;
    let sections: Vec<_> = sections
        .iter()
        .enumerate()
        .map(|(number, count)| {
            let list: Vec<_> = (0..*count)
                .map(|_| {
                    items += 1;
                    let links: Vec<_> = (0..groups.len().min(items % 4)).map(link).collect();
                    json!({"key": format!("item{items}"), "name": name(format!("Item {items}")), "price_minor": items * 10,
                           "tax_class": "food", "recipe": recipe(items), "groups": links})
                })
                .collect();
            json!({"key": format!("s{number}"), "name": name(format!("Section {number}")), "items": list})
        })
        .collect();
    let groups: Vec<_> = groups
        .iter()
        .enumerate()
        .map(|(number, options)| {
            let options: Vec<_> = (0..*options)
                .map(|option| {
                    json!({"key": format!("o{option}"), "name": name(format!("Option {option}")), "price_minor": option,
                           "recipe": recipe(option)})
                })
                .collect();
            json!({"key": format!("g{number}"), "name": name(format!("Group {number}")), "options": options})
        })
        .collect();
    let ingredients: Vec<_> = (0..ingredients)
        .map(|number| json!({"key": format!("i{number}"), "name": name(format!("I {number}")), "unit": "g", "allergens": {}}))
        .collect();
    json!({"currency": "EUR", "default_language": "en", "ingredients": ingredients, "option_groups": groups, "sections": sections})
}

fn any_menu() -> impl Strategy<Value = Value> {
    let sizes = |max| prop::collection::vec(1..max, 1..5_usize);
    (1..12_usize, sizes(6_usize), sizes(8_usize), 0..1000_usize).prop_map(
        |(ingredients, groups, sections, seed)| menu(ingredients, &groups, &sections, seed),
    )
}

/// Every pointer within a document.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(name, value)| pointers(value, &format!("{at}/{name}"), found));
        }
        Value::Array(elements) => {
            elements
                .iter()
                .enumerate()
                .for_each(|(index, value)| pointers(value, &format!("{at}/{index}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn required<'a>(menu: &'a PublishedMenu, link: &'a GroupLink) -> Vec<Choice<'a>> {
    let options = menu.group(&link.group).unwrap().options.iter();
    let mut left = link.min;
    let chosen = options.map_while(|option| {
        let quantity = left.min(link.max_per_option);
        left -= quantity;
        (quantity > 0).then_some(Choice {
            group: &link.group,
            option: &option.key,
            quantity,
            options: Vec::new(),
        })
    });
    chosen.collect()
}

fn faults(value: &Value) -> Vec<Fault> {
    match collect::<MenuDocument>(value) {
        Ok(document) => check_document(&document)
            .err()
            .map(|faults| faults.0)
            .unwrap_or_default(),
        Err(faults) => faults.0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_whole_menu_is_published_and_found_by_key(value in any_menu()) {
        prop_assert_eq!(faults(&value), vec![]);
        let document: MenuDocument = serde_json::from_value(value).unwrap();
        let given = Given::<Menu>::nothing().done([MenuCommand::Publish { document: Arc::new(document.clone()) }]);
        let menu = given.state().published().unwrap();
        for item in document.sections.iter().flat_map(|section| &section.items) {
            prop_assert_eq!(menu.item(&item.key), Some(item));
            prop_assert!(menu.is_available(&item.key));
            // What must be chosen, and nothing else: the first options until there are enough.
            let choices: Vec<Choice<'_>> = item.groups.iter().flat_map(|link| required(menu, link)).collect();
            let dish = menu.compose(item, &choices, &Pointer::root());
            prop_assert!(dish.is_ok(), "{:?}", dish.err());
            let needs = dish.unwrap().needs(2).unwrap();
            for line in &item.recipe {
                prop_assert!(needs[&line.ingredient].get() >= 2 * line.amount.get());
            }
        }
        for group in &document.option_groups {
            for option in &group.options {
                prop_assert_eq!(menu.option(&group.key, &option.key), Some(option));
            }
        }
        let snapshot = serde_json::to_string(given.state()).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Menu>(&snapshot).unwrap(), given.state());
    }

    #[test]
    fn a_hostile_value_anywhere_is_refused_there_or_harmless(value in any_menu(), place in any::<prop::sample::Index>(), hostile in 0..9_usize) {
        let mut all = Vec::new();
        pointers(&value, "", &mut all);
        let at = &all[place.index(all.len())];
        let hostile = [
            Value::Null, json!(-1), json!(1e300), json!(u64::MAX), json!("\u{202e}"), json!([]), json!({}), json!(true), json!({"x": [[[]]]}),
        ][hostile].clone();
        let mut broken = value.clone();
        *broken.pointer_mut(at).unwrap() = hostile;
        let found = faults(&broken);
        // What serde refuses, the collecting pass explains; what it takes, both take alike.
        prop_assert_eq!(serde_json::from_value::<MenuDocument>(broken.clone()).is_err(), collect::<MenuDocument>(&broken).is_err());
        if collect::<MenuDocument>(&broken).is_err() {
            prop_assert!(!found.is_empty());
            prop_assert!(found.iter().all(|fault| fault.pointer.starts_with(at.as_str())), "{} {:?}", at, found);
        }
        // Whatever it is, deciding never panics and refuses exactly what has faults.
        if let Ok(document) = serde_json::from_value::<MenuDocument>(broken) {
            let decided = Menu::default().decide(MenuCommand::Publish { document: Arc::new(document) }, &context());
            match decided {
                Ok(events) => prop_assert!(found.is_empty() && events.len() == 1),
                Err(rejection) => prop_assert_eq!(rejection.faults(), found),
            }
        }
    }

    #[test]
    fn each_renamed_reference_is_reported_where_it_stands(value in any_menu(), place in any::<prop::sample::Index>()) {
        let mut all = Vec::new();
        pointers(&value, "", &mut all);
        let references: Vec<_> = all.iter().filter(|at| at.ends_with("/ingredient") || at.ends_with("/group")).collect();
        let at = references[place.index(references.len())];
        let mut broken = value.clone();
        *broken.pointer_mut(at).unwrap() = json!("nowhere");
        let found = faults(&broken);
        prop_assert_eq!(found.len(), 1, "{:?}", found);
        prop_assert_eq!(&found[0].pointer, at);
    }
}

#[test]
fn a_menu_at_its_limits_is_one_event_far_below_three_mebibytes() {
    let value = menu(1000, &[10; 400], &[100; 5], 7);
    assert_eq!(faults(&value), vec![]);
    let document: MenuDocument = serde_json::from_value(value).unwrap();
    let event = MenuEvent::Published {
        document: Arc::new(document),
        version: 1,
    };
    let size = serde_json::to_string(&event).unwrap().len();
    assert!(size < 3 * 1024 * 1024 / 2, "{size}");
    assert_eq!(event.name(), "published");
    let mut menu = Menu::default();
    menu.evolve(&event);
    let menu = menu.published().unwrap();
    let items = menu.document().sections.iter();
    for item in items.flat_map(|section| &section.items) {
        let choices: Vec<Choice<'_>> = item
            .groups
            .iter()
            .flat_map(|link| required(menu, link))
            .collect();
        let dish = menu.compose(item, &choices, &Pointer::root()).unwrap();
        assert!(dish.needs(99).is_some());
    }
}
