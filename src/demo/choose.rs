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

/// What each linked group asks for at least, and of optional groups at most one, half of the time.
fn options(menu: &Value, item: &Value, pick: &mut Pick<'_>) -> Value {
    let mut chosen = Vec::new();
    for link in list(item, "groups") {
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
            chosen.push(json!({
                "group": link["group"],
                "option": option["key"],
                "quantity": 1,
            }));
        }
    }
    Value::Array(chosen)
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
