//! Chooses from a menu as a guest would: an item, the options it asks for, now and then a topping.
//! Reads the menu as `GET …/menu` gives it, which is also how it is published.

use serde_json::{Value, json};

use crate::client::Line;

/// A way to decide: gives a number below its argument, which is at least 1.
pub(crate) type Pick<'random> = dyn FnMut(usize) -> usize + 'random;

/// The always-first choice, for a demo that is the same every time.
pub(crate) fn first(_: usize) -> usize {
    0
}

/// One line of the section `section`; nothing when the menu has no such section or items.
pub(crate) fn line(
    menu: &Value,
    section: &str,
    quantity: u32,
    pick: &mut Pick<'_>,
) -> Option<Line> {
    let items: Vec<&Value> = list(menu, "sections")
        .iter()
        .filter(|found| found["key"] == section)
        .flat_map(|found| list(found, "items"))
        .filter(|item| is_for_now(item))
        .collect();
    let item = items.get(pick(items.len().max(1)))?;
    Some(Line {
        item: item["key"].as_str()?.to_owned(),
        quantity,
        options: options(menu, item, pick),
        is_bowl: item["ramen"].is_object(),
    })
}

/// Available, and to be eaten today: kits have another clock.
fn is_for_now(item: &Value) -> bool {
    item["available"] != json!(false) && item["ramen"]["style"] != "kit"
}

/// What each linked group asks for at least, and of optional groups at most one, half of the time. A
/// guest whose choice breaks a rule of the menu takes the first of what must be chosen, and nothing else.
fn options(menu: &Value, item: &Value, pick: &mut Pick<'_>) -> Value {
    let chosen = of_links(menu, list(item, "groups"), pick);
    if keeps_rules(menu, item, &chosen) {
        Value::Array(chosen)
    } else {
        Value::Array(of_links(menu, list(item, "groups"), &mut first))
    }
}

/// The choices for links, with those that the chosen options ask for in turn.
pub(super) fn of_links(menu: &Value, links: &[Value], pick: &mut Pick<'_>) -> Vec<Value> {
    let mut chosen = Vec::new();
    for link in links {
        let group = list(menu, "option_groups")
            .iter()
            .find(|group| group["key"] == link["group"]);
        let options: Vec<&Value> = group
            .map_or(&[][..], |group| list(group, "options"))
            .iter()
            .filter(|option| option["available"] != json!(false))
            .collect();
        let least = usize::try_from(link["min"].as_u64().unwrap_or(0)).unwrap_or(0);
        let wanted = if least == 0 { pick(2) } else { least };
        if options.is_empty() {
            continue;
        }
        // Neighbours in the list are different options, so a group is never asked twice for one.
        let start = pick(options.len());
        for step in 0..wanted.min(options.len()) {
            let option = options[(start + step) % options.len()];
            chosen.push(choice(menu, &link["group"], option, pick));
        }
    }
    chosen
}

/// One of an option, with what it asks for itself.
pub(super) fn choice(menu: &Value, group: &Value, option: &Value, pick: &mut Pick<'_>) -> Value {
    let mut choice = json!({ "group": group, "option": option["key"], "quantity": 1 });
    let inner = of_links(menu, list(option, "groups"), pick);
    if !inner.is_empty() {
        choice["options"] = Value::Array(inner);
    }
    choice
}

/// Whether choices keep the menu's rules. What a rule brings along is the shop's to add.
fn keeps_rules(menu: &Value, item: &Value, chosen: &[Value]) -> bool {
    let mut all = Vec::new();
    flatten(chosen, &mut all);
    let has = |named: &Value| all.contains(&(&named["group"], &named["option"]));
    list(menu, "rules")
        .iter()
        .filter(|rule| is_for(rule, item) && has(&rule["when"]))
        .all(|rule| match rule["kind"].as_str() {
            Some("requires") => list(rule, "then").iter().any(has),
            Some("excludes") => !list(rule, "then").iter().any(has),
            Some(_) | None => true,
        })
}

fn is_for(rule: &Value, item: &Value) -> bool {
    list(rule, "items").is_empty() || list(rule, "items").contains(&item["key"])
}

fn flatten<'json>(chosen: &'json [Value], all: &mut Vec<(&'json Value, &'json Value)>) {
    for choice in chosen {
        all.push((&choice["group"], &choice["option"]));
        flatten(list(choice, "options"), all);
    }
}

/// A line that breaks a rule of the menu, with the reason that the menu gives; nothing when no rule can
/// be broken by options that one item offers itself.
pub(super) fn forbidden_line(menu: &Value) -> Option<(Line, String)> {
    let mut rules = list(menu, "rules").iter();
    rules.find_map(|rule| breaking(menu, rule))
}

fn breaking(menu: &Value, rule: &Value) -> Option<(Line, String)> {
    let mut named = vec![&rule["when"]];
    match rule["kind"].as_str()? {
        "requires" => {}
        "excludes" => named.extend(list(rule, "then").first()),
        _ => return None,
    }
    let items = list(menu, "sections")
        .iter()
        .flat_map(|section| list(section, "items"));
    let offers = |item: &Value, named: &Value| {
        list(item, "groups")
            .iter()
            .any(|link| link["group"] == named["group"])
    };
    let item = items
        .filter(|item| is_for_now(item) && is_for(rule, item))
        .find(|item| named.iter().all(|named| offers(item, named)))?;
    let mut options = of_links(menu, list(item, "groups"), &mut first);
    for named in named {
        let groups = list(menu, "option_groups").iter();
        let group = groups
            .clone()
            .find(|group| group["key"] == named["group"])?;
        let option = list(group, "options")
            .iter()
            .find(|option| option["key"] == named["option"])?;
        options.retain(|chosen| chosen["group"] != named["group"]);
        options.push(choice(menu, &named["group"], option, &mut first));
    }
    let reason = &rule["reason"];
    let text = reason.as_str().or_else(|| reason["en"].as_str());
    let line = Line {
        item: item["key"].as_str()?.to_owned(),
        quantity: 1,
        options: Value::Array(options),
        is_bowl: item["ramen"].is_object(),
    };
    Some((line, text?.to_owned()))
}

fn list<'json>(value: &'json Value, field: &str) -> &'json [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::market::TAIWAN;
    use super::super::menus::houses;
    use super::*;

    #[test]
    fn the_first_choice_is_the_first_bowl_with_what_it_asks_for() {
        let menu = houses()[0].document(&TAIWAN);
        let line = line(&menu, "ramen", 1, &mut first).expect("a bowl");
        assert_eq!(line.item, "tonkotsu_white");
        assert!(line.is_bowl);
        assert_eq!(
            line.options,
            json!([{ "group": "firmness_thin", "option": "barikata", "quantity": 1 }])
        );
    }

    #[test]
    fn every_menu_has_a_choice_that_its_rules_forbid() {
        for house in houses() {
            let menu = house.document(&TAIWAN);
            let (line, reason) = forbidden_line(&menu).expect("a rule that can be broken");
            let item = json!({ "key": line.item });
            let chosen = line.options.as_array().expect("a list");
            assert!(!keeps_rules(&menu, &item, chosen) && !reason.is_empty());
        }
    }

    proptest! {
        #[test]
        fn any_choice_keeps_the_limits(house in 0_usize..10, picks in prop::collection::vec(any::<usize>(), 40)) {
            let menu = houses()[house].document(&TAIWAN);
            let mut next = picks.into_iter().cycle();
            let mut pick = |below: usize| next.next().unwrap_or(0) % below;
            for section in ["ramen", "sides", "drinks"] {
                let line = line(&menu, section, 1, &mut pick).expect("every house has all sections");
                prop_assert_eq!(line.is_bowl, section == "ramen");
                let item = list(&menu, "sections").iter().flat_map(|found| list(found, "items"))
                    .find(|item| item["key"] == *line.item).expect("it is on the menu");
                for link in list(item, "groups") {
                    let chosen = line.options.as_array().expect("a list").iter()
                        .filter(|option| option["group"] == link["group"]).count() as u64;
                    prop_assert!(chosen >= link["min"].as_u64().unwrap_or(0));
                    prop_assert!(chosen <= link["max"].as_u64().unwrap_or(0));
                }
            }
        }
    }
}
