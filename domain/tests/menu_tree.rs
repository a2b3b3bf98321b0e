//! Random trees of option groups: circles, depth, limits, prices and the rules between options.
#![expect(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "helpers of tests fail as tests do, and take JSON as it is written"
)]

mod hostile;

use std::sync::Arc;

use domain::decider::Decider;
use domain::kernel::collect::collect;
use domain::kernel::fault::{Fault, Pointer};
use domain::kernel::key::Key;
use domain::restaurant::dish::Choice;
use domain::restaurant::menu::{
    GroupLink, Menu, MenuCommand, MenuDocument, PublishedMenu, check_document,
};
use domain::testing::{Given, context};
use hostile::{any_json, leads_into, places};
use proptest::prelude::*;
use serde_json::{Value, json};

fn name(text: &str) -> Value {
    json!({ "en": text })
}

fn menu(groups: Vec<Value>, rules: Value, links: Value, price: i64) -> Value {
    json!({
        "currency": "EUR", "default_language": "en",
        "ingredients": [{"key": "salt", "name": name("Salt"), "unit": "g", "allergens": {}}],
        "option_groups": groups, "rules": rules,
        "sections": [{"key": "all", "name": name("All"), "items": [
            {"key": "bowl", "name": name("Bowl"), "price_minor": price, "tax_class": "food",
             "recipe": [{"ingredient": "salt", "amount": 1}], "groups": links}]}],
    })
}

fn link(group: &str, min: u32, max: u32) -> Value {
    json!({"group": group, "min": min, "max": max, "max_per_option": 1})
}

fn option(key: &str, price: i64, groups: Value) -> Value {
    json!({"key": key, "name": name(key), "price_minor": price, "groups": groups,
           "recipe": [{"ingredient": "salt", "amount": 2}]})
}

/// One option, `a`, of each group, which leads to the group that `leads` names.
fn chain(leads: &[(&str, &str)]) -> Vec<Value> {
    let group = |(key, to): &(&str, &str)| {
        let links = if to.is_empty() {
            json!([])
        } else {
            json!([link(to, 0, 1)])
        };
        json!({"key": key, "name": name(key), "options": [option("a", 1, links)]})
    };
    leads.iter().map(group).collect()
}

fn faults(document: &Value) -> Vec<Fault> {
    let read = collect::<MenuDocument>(document).and_then(|read| check_document(&read));
    read.err().map(|faults| faults.0).unwrap_or_default()
}

fn codes(document: &Value) -> Vec<String> {
    let faults = faults(document).into_iter();
    faults
        .map(|fault| format!("{} {}", fault.code, fault.pointer))
        .collect()
}

#[test]
fn a_circle_is_refused_at_the_link_that_closes_it_with_the_way_round() {
    let groups = chain(&[("set", "side"), ("side", "sauce"), ("sauce", "side")]);
    let found = faults(&menu(groups, json!([]), json!([link("set", 0, 1)]), 10));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].code, "group_circle");
    assert_eq!(
        found[0].pointer,
        "/option_groups/2/options/0/groups/0/group"
    );
    assert_eq!(found[0].detail, "side > sauce leads back to side");
    let itself = chain(&[("set", "set")]);
    assert_eq!(
        codes(&menu(itself, json!([]), json!([]), 10)),
        ["group_circle /option_groups/0/options/0/groups/0/group"]
    );
}

#[test]
fn five_groups_hang_below_each_other_and_no_more() {
    let chained = |last| {
        chain(&[
            ("a", "b"),
            ("b", "c"),
            ("c", "d"),
            ("d", "e"),
            ("e", last),
            ("f", ""),
        ])
    };
    let linked = json!([link("a", 0, 1)]);
    assert!(codes(&menu(chained(""), json!([]), linked.clone(), 10)).is_empty());
    assert_eq!(
        codes(&menu(chained("f"), json!([]), linked.clone(), 10)),
        ["groups_too_deep /sections/0/items/0/groups/0/group"]
    );
    assert_eq!(
        codes(&menu(chained("nowhere"), json!([]), linked, 10)),
        ["group_unknown /option_groups/4/options/0/groups/0/group"]
    );
}

#[test]
fn prices_that_fall_below_zero_or_overflow_when_multiplied_are_refused_at_their_place() {
    let group = |price| {
        let inner =
            json!({"key": "in", "name": name("In"), "options": [option("a", price, json!([]))]});
        let outer = option(
            "a",
            0,
            json!([{"group": "in", "min": 0, "max": 99, "max_per_option": 99}]),
        );
        vec![
            inner,
            json!({"key": "out", "name": name("Out"), "options": [outer]}),
        ]
    };
    let links = json!([{"group": "out", "min": 0, "max": 99, "max_per_option": 99}]);
    let priced = |price, base| codes(&menu(group(price), json!([]), links.clone(), base));
    // 99 × 99 = 9,801 of the inner option on one bowl.
    assert!(priced(-1, 9_801).is_empty());
    assert_eq!(
        priced(-1, 9_800),
        ["price_below_zero /sections/0/items/0/price_minor"]
    );
    assert_eq!(
        priced(1_000_000_000_000, 0),
        ["price_overflow /sections/0/items/0/groups/0"]
    );
}

#[test]
fn a_price_goes_by_a_group_of_which_one_is_chosen() {
    let mut sized = option("egg", 100, json!([]));
    sized["price_by"] = json!({"group": "size", "prices": {"large": 150, "huge": 200}});
    let size = |max| json!([link("size", 1, max), link("top", 0, 1)]);
    let groups = vec![
        json!({"key": "size", "name": name("Size"), "options": [option("small", 0, json!([])), option("large", 5, json!([]))]}),
        json!({"key": "top", "name": name("Top"), "options": [sized]}),
    ];
    assert_eq!(
        codes(&menu(groups, json!([]), size(2), 10)),
        [
            "option_unknown /option_groups/1/options/0/price_by/prices/huge",
            "price_by_several /sections/0/items/0/groups/0/max"
        ]
    );
}

fn rule(kind: &str, when: &str, then: &[&str]) -> Value {
    let named = |text: &str| {
        let (group, option) = text.split_once('/').unwrap();
        json!({"group": group, "option": option})
    };
    let then: Vec<Value> = then.iter().map(|text| named(text)).collect();
    json!({"key": format!("{kind}-{}", when.replace('/', "-")), "kind": kind, "when": named(when), "then": then,
           "reason": name("because")})
}

/// Two groups with three options each; the item offers the first, and takes two of the second.
fn ruled(rules: &[Value]) -> Value {
    let group = |key: &str| {
        let options = ["a", "b", "c"].map(|key| option(key, 1, json!([])));
        json!({"key": key, "name": name(key), "options": options})
    };
    let links = json!([link("x", 0, 1), link("y", 0, 2)]);
    menu(
        vec![group("x"), group("y"), group("z")],
        json!(rules),
        links,
        10,
    )
}

#[test]
fn rules_that_nobody_could_keep_are_refused() {
    let against = |rules: &[Value]| codes(&ruled(rules));
    assert!(
        against(&[
            rule("excludes", "x/a", &["y/a"]),
            rule("requires", "x/a", &["y/a", "y/b"])
        ])
        .is_empty()
    );
    for rules in [
        // Both at once; by way of another; more than the group takes; an alternative that is excluded.
        vec![
            rule("requires", "x/a", &["y/a"]),
            rule("excludes", "x/a", &["y/a"]),
        ],
        vec![
            rule("implies", "x/a", &["y/a"]),
            rule("excludes", "y/a", &["x/a"]),
        ],
        vec![
            rule("implies", "y/a", &["x/a"]),
            rule("implies", "x/a", &["x/b"]),
        ],
        vec![rule("implies", "x/a", &["y/a", "y/b", "y/c"])],
        vec![
            rule("requires", "x/a", &["y/a", "y/b"]),
            rule("excludes", "x/a", &["y/a", "y/b"]),
        ],
        // An item that does not offer it.
        vec![rule("requires", "x/a", &["z/a"])],
    ] {
        let found = against(&rules);
        assert!(
            !found.is_empty()
                && found
                    .iter()
                    .all(|fault| fault.starts_with("rules_contradict /rules/")),
            "{rules:?} {found:?}"
        );
    }
    assert_eq!(
        against(&[rule("implies", "x/a", &["z/a"])]),
        ["implied_not_offered /rules/0"]
    );
}

#[test]
fn rules_name_what_is_on_the_menu() {
    let mut wrong = rule("requires", "x/q", &["q/a", "x/a", "x/a"]);
    wrong["items"] = json!(["bowl", "plate"]);
    wrong["reason"] = json!({"ja": "なぜなら"});
    let itself = rule("excludes", "x/a", &["x/a"]);
    assert_eq!(
        codes(&ruled(&[wrong.clone(), itself, wrong])),
        [
            "option_unknown /rules/0/when/option",
            "group_unknown /rules/0/then/0/group",
            "key_repeated /rules/0/then/2",
            "default_language_missing /rules/0/reason",
            "item_unknown /rules/0/items/1",
            "rule_names_itself /rules/1/then/0",
            "key_repeated /rules/2/key",
            "option_unknown /rules/2/when/option",
            "group_unknown /rules/2/then/0/group",
            "key_repeated /rules/2/then/2",
            "default_language_missing /rules/2/reason",
            "item_unknown /rules/2/items/1",
        ]
    );
}

/// A tree without circles: options of a group lead to later groups only.
fn any_tree() -> impl Strategy<Value = Value> {
    let limits = (0..3_u32, 1..4_u32, 1..3_u32, 0..3_u32, 0..4_u32);
    let option = (-40..200_i64, prop::option::of((1..3_usize, limits.clone())));
    let group = prop::collection::vec(option, 1..4);
    (prop::collection::vec(group, 1..6), prop::collection::vec(limits, 6), 0..600_i64).prop_map(
        |(groups, limits, price)| {
            let count = groups.len();
            let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
            let link = |to: usize, (min, max, per, free, kinds): (u32, u32, u32, u32, u32)| {
                let kinds = usize::try_from(kinds).unwrap().min(sizes[to]);
                let reach = if kinds == 0 { sizes[to] } else { kinds };
                let max = max.min(u32::try_from(reach).unwrap() * per);
                let mut link = json!({"group": format!("g{to}"), "min": min.min(max), "max": max,
                    "max_per_option": per.min(max), "included_free": free.min(max)});
                if kinds > 0 {
                    link["max_distinct"] = json!(kinds);
                }
                link
            };
            let written = groups.iter().enumerate().map(|(number, options)| {
                let options = options.iter().enumerate().map(|(index, (price, leads))| {
                    let leads = leads.iter().filter(|(step, _)| number + step < count);
                    let links: Vec<Value> = leads.map(|(step, limits)| link(number + step, *limits)).collect();
                    option_of(index, *price, &links)
                });
                json!({"key": format!("g{number}"), "name": name("Group"), "options": options.collect::<Vec<_>>()})
            });
            let links: Vec<Value> = (0..count.min(2)).map(|to| link(to, limits[to])).collect();
            menu(written.collect(), json!([]), json!(links), price)
        },
    )
}

fn option_of(index: usize, price: i64, links: &[Value]) -> Value {
    option(&format!("o{index}"), price, json!(links))
}

/// Some choice of what links offer, by a stream of numbers; often within the limits.
fn choose<'a>(
    menu: &'a PublishedMenu,
    links: &'a [GroupLink],
    picks: &mut dyn FnMut(u32) -> u32,
) -> Vec<Choice<'a>> {
    let mut chosen = Vec::new();
    for link in links {
        let group = menu.group(&link.group).unwrap();
        let mut left = picks(link.max + 1).max(link.min);
        for option in &group.options {
            let quantity = picks(link.max_per_option + 1)
                .max(1)
                .min(left)
                .min(link.max_per_option);
            if quantity == 0 || (picks(3) == 0 && left <= link.min) {
                continue;
            }
            left -= quantity;
            chosen.push(Choice {
                group: &link.group,
                option: &option.key,
                quantity,
                options: choose(menu, &option.groups, picks),
            });
        }
    }
    chosen
}

/// What choices cost, unit by unit: the slow way.
fn slowly(menu: &PublishedMenu, links: &[GroupLink], choices: &[Choice<'_>]) -> i64 {
    let mut sum = 0;
    for link in links {
        let mut units: Vec<i64> = Vec::new();
        for choice in choices.iter().filter(|choice| *choice.group == link.group) {
            let option = menu.option(choice.group, choice.option).unwrap();
            for _ in 0..choice.quantity {
                units.push(option.price_minor.minor());
                sum += slowly(menu, &option.groups, &choice.options);
            }
        }
        units.sort_unstable_by_key(|price| std::cmp::Reverse(*price));
        let free = usize::try_from(link.included_free).unwrap();
        sum += units
            .iter()
            .enumerate()
            .filter(|(index, price)| *index >= free || **price < 0)
            .map(|(_, price)| price)
            .sum::<i64>();
    }
    sum
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_dish_costs_the_same_in_any_order_and_never_less_than_nothing(
        value in any_tree(), picks in prop::collection::vec(any::<u32>(), 60)
    ) {
        let document = collect::<MenuDocument>(&value).unwrap();
        if let Err(refused) = check_document(&document) {
            // Nothing else can be wrong with these trees.
            prop_assert!(refused.0.iter().all(|fault| fault.code == "price_below_zero"), "{refused}");
            return Ok(());
        }
        let given = Given::<Menu>::nothing().done([MenuCommand::Publish { document: Arc::new(document) }]);
        let menu = given.state().published().unwrap();
        let item = menu.item(&Key::parse("bowl").unwrap()).unwrap();
        let mut next = picks.into_iter().cycle();
        let mut pick = |below: u32| next.next().unwrap() % below;
        let mut choices = choose(menu, &item.groups, &mut pick);
        match menu.compose(item, &choices, &Pointer::root()) {
            Ok(dish) => {
                prop_assert!(dish.unit_minor >= 0);
                prop_assert_eq!(dish.unit_minor, item.price_minor.minor() + slowly(menu, &item.groups, &choices));
                choices.reverse();
                let again = menu.compose(item, &choices, &Pointer::root()).unwrap();
                prop_assert_eq!(again.unit_minor, dish.unit_minor);
                prop_assert_eq!(again.needs(3), dish.needs(3));
                prop_assert_eq!(again.allergens(), dish.allergens());
            }
            Err(faults) => {
                let limit = ["group_below_min", "group_above_max", "group_too_many_kinds", "option_above_max"];
                let (limits, others): (Vec<_>, Vec<_>) = (faults.0.iter())
                    .partition(|fault| limit.contains(&fault.code.as_str()));
                // More of what takes something off than is allowed may take off more than the dish costs.
                prop_assert!(!limits.is_empty(), "{others:?}");
                prop_assert!(others.iter().all(|fault| fault.code == "price_below_zero"), "{others:?}");
            }
        }
    }

    #[test]
    fn any_json_in_any_place_is_refused_whole_with_pointers_that_lead_into_it(
        value in any_tree(), place in any::<prop::sample::Index>(), hostile in any_json()
    ) {
        let mut all = Vec::new();
        places(&value, String::new(), &mut all);
        let mut broken = value.clone();
        *broken.pointer_mut(&all[place.index(all.len())]).unwrap() = hostile;
        let found = faults(&broken);
        for fault in &found {
            prop_assert!(leads_into(&broken, &fault.pointer), "{fault:?}");
        }
        // Read by serde, as a stored document is, deciding never panics and changes nothing when it refuses.
        if let Ok(document) = serde_json::from_value::<MenuDocument>(broken) {
            let before = Given::<Menu>::nothing();
            let decided = before.state().decide(MenuCommand::Publish { document: Arc::new(document) }, &context());
            prop_assert_eq!(decided.is_err(), !found.is_empty());
        }
    }
}
