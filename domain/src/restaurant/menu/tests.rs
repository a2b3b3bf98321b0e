//! What a menu answers to its commands, each row of the table and each refusal.

use std::sync::Arc;

use super::command::MenuCommand;
use super::event::MenuEvent;
use super::rejection::MenuRejection;
use super::state::Menu;
use super::{MenuDocument, OptionRef, PublishedMenu};
use crate::decider::{Event as _, Rejection as _};
use crate::kernel::allergen::{Allergen, Presence};
use crate::kernel::collect::collect;
use crate::kernel::fault::Pointer;
use crate::kernel::key::Key;
use crate::kernel::money::{Price, PriceDelta};
use crate::restaurant::dish::{Choice, Dish};
use crate::testing::Given;

fn document() -> MenuDocument {
    let Some(MenuEvent::Published { document, .. }) = MenuEvent::samples().into_iter().next()
    else {
        unreachable!()
    };
    document.as_ref().clone()
}

fn publish(document: MenuDocument) -> MenuCommand {
    MenuCommand::Publish {
        document: Arc::new(document),
    }
}

fn published() -> Given<Menu> {
    Given::nothing().done([publish(document())])
}

fn menu(given: &Given<Menu>) -> &PublishedMenu {
    given.state().published().unwrap()
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

fn price(minor: i64) -> Price {
    Price::try_from(minor).unwrap()
}

/// The faults of the sample after a change to its JSON.
fn faults(change: impl FnOnce(&mut serde_json::Value)) -> Vec<String> {
    let mut value = serde_json::to_value(document()).unwrap();
    change(&mut value);
    let found = match collect::<MenuDocument>(&value) {
        Ok(document) => Given::<Menu>::nothing()
            .when(publish(document))
            .rejection()
            .faults(),
        Err(faults) => faults.0,
    };
    found
        .into_iter()
        .map(|fault| format!("{} {}", fault.code, fault.pointer))
        .collect()
}

#[test]
fn a_publication_is_numbered_and_the_same_again_changes_nothing() {
    let first = Given::<Menu>::nothing().when(publish(document()));
    let first = first.then([MenuEvent::Published {
        document: Arc::new(document()),
        version: 1,
    }]);
    let mut other = document();
    other.sections[0].items[0].popularity = None;
    first.clone().when(publish(document())).then_nothing();
    first
        .when(publish(other.clone()))
        .then([MenuEvent::Published {
            document: Arc::new(other),
            version: 2,
        }]);
}

#[test]
fn a_price_holds_until_the_next_publication() {
    let set = MenuCommand::SetPrice {
        item: key("miso"),
        price_minor: price(1200),
    };
    let changed = published().when(set.clone()).then([MenuEvent::PriceSet {
        item: key("miso"),
        price_minor: price(1200),
    }]);
    assert_eq!(
        menu(&changed).item(&key("miso")).unwrap().price_minor,
        price(1200)
    );
    changed.clone().when(set).then_nothing();
    let again = changed.done([publish(document())]);
    assert_eq!(
        menu(&again).item(&key("miso")).unwrap().price_minor,
        price(1050)
    );
    assert_eq!(menu(&again).version(), 2);
}

#[test]
fn an_item_that_is_off_stays_off_over_publications() {
    let off = MenuCommand::SetAvailable {
        item: key("miso"),
        available: false,
    };
    let on = MenuCommand::SetAvailable {
        item: key("miso"),
        available: true,
    };
    let changed = published().done([off.clone()]);
    assert!(!menu(&changed).is_available(&key("miso")));
    changed.clone().when(off).then_nothing();
    let mut other = document();
    other.sections[0].items[0].popularity = None;
    let again = changed.done([publish(other)]);
    assert!(!menu(&again).is_available(&key("miso")));
    assert!(menu(&again.done([on])).is_available(&key("miso")));
}

#[test]
fn unknown_items_and_unpublished_menus_are_refused() {
    let set = MenuCommand::SetPrice {
        item: key("pizza"),
        price_minor: price(1),
    };
    published()
        .when(set.clone())
        .then_refused(MenuRejection::ItemUnknown { item: key("pizza") });
    let off = MenuCommand::SetAvailable {
        item: key("pizza"),
        available: false,
    };
    published()
        .when(off)
        .then_refused(MenuRejection::ItemUnknown { item: key("pizza") });
    assert!(matches!(
        Given::<Menu>::nothing().when(set).rejection(),
        MenuRejection::NotAllowed(_)
    ));
    assert!(!menu(&published()).is_available(&key("pizza")));
}

#[test]
fn all_faults_of_a_document_are_named_at_once() {
    let found = faults(|menu| {
        menu["ingredients"][1]["key"] = "noodles".into();
        menu["option_groups"][0]["options"][0]["recipe"][0]["ingredient"] = "gold".into();
        menu["option_groups"][1]["options"][0]["cook_seconds"] = serde_json::Value::Null;
        menu["sections"][0]["name"] = serde_json::json!({"en": "Ramen"});
        let item = &mut menu["sections"][0]["items"][0];
        item["recipe"][0]["amount"] = 0.into();
        item["ramen"]["broth"]["richness"] = 6.into();
        item["ramen"]["noodle_tenths_mm"] = 4.into();
        item["groups"][0]["max"] = 3.into();
        item["groups"][1]["group"] = "toppings".into();
        item["groups"][1]["min"] = 2.into();
    });
    assert_eq!(
        found,
        [
            "key_repeated /ingredients/1/key",
            "ingredient_unknown /option_groups/0/options/0/recipe/0/ingredient",
            "cook_seconds_missing /option_groups/1/options/0/cook_seconds",
            "default_language_missing /sections/0/name",
            "amount_zero /sections/0/items/0/recipe/0/amount",
            "ingredient_unknown /sections/0/items/0/recipe/1/ingredient",
            "noodle_out_of_range /sections/0/items/0/ramen/noodle_tenths_mm",
            "richness_out_of_range /sections/0/items/0/ramen/broth/richness",
            "max_above_sum /sections/0/items/0/groups/0/max",
            "key_repeated /sections/0/items/0/groups/1/group",
            "min_above_max /sections/0/items/0/groups/1/min",
        ]
    );
}

#[test]
fn broken_links_and_empty_parts_are_refused() {
    let link = |change: fn(&mut serde_json::Value)| {
        faults(move |menu| change(&mut menu["sections"][0]["items"][0]["groups"][0]))
    };
    let at = "/sections/0/items/0/groups/0";
    assert_eq!(
        link(|link| link["group"] = "x".into()),
        [format!("group_unknown {at}/group")]
    );
    assert_eq!(
        link(|link| link["max"] = 0.into()),
        [
            format!("max_out_of_range {at}/max"),
            format!("max_per_option_out_of_range {at}/max_per_option"),
            format!("included_free_above_max {at}/included_free")
        ]
    );
    assert_eq!(
        link(|link| link["max_per_option"] = 0.into()),
        [
            format!("max_per_option_out_of_range {at}/max_per_option"),
            format!("max_above_sum {at}/max")
        ]
    );
    assert_eq!(
        faults(|menu| {
            menu["sections"] = serde_json::json!([]);
            menu["rules"] = serde_json::json!([]);
        }),
        ["empty /sections"]
    );
    assert_eq!(
        faults(|menu| {
            menu["sections"][0]["items"] = serde_json::json!([]);
            menu["rules"] = serde_json::json!([]);
        }),
        ["empty /sections/0/items"]
    );
    assert_eq!(
        faults(|menu| menu["sections"][0]["items"][0]["recipe"] = serde_json::json!([])),
        ["empty /sections/0/items/0/recipe"]
    );
}

#[test]
fn a_document_above_its_limits_is_refused() {
    let found = faults(|menu| {
        menu["rules"] = serde_json::json!([]);
        let item = menu["sections"][0]["items"][0].clone();
        let many = (0..501).map(|number| {
            let mut item = item.clone();
            item["key"] = format!("item-{number}").into();
            item
        });
        menu["sections"][0]["items"] = many.collect();
    });
    assert_eq!(found, ["too_many /sections/0/items"]);
}

#[test]
fn every_malformed_value_is_named_with_its_place() {
    let found = faults(|menu| {
        menu["currency"] = "YEN".into();
        menu["sections"][0]["items"][0]["price_minor"] = (-1).into();
        menu["sections"][0]["items"][0]["name"] = serde_json::json!({"ja": "a\u{202e}b", "x": "y"});
        menu["sections"][0]["items"][0]["vegan"] = true.into();
        menu["ingredients"][0]["allergens"]["gluten"] = "maybe".into();
        menu["option_groups"][0]
            .as_object_mut()
            .unwrap()
            .remove("key");
    });
    assert_eq!(
        found,
        [
            "currency_unknown /currency",
            "presence_unknown /ingredients/0/allergens/gluten",
            "missing /option_groups/0/key",
            "unknown_member /sections/0/items/0/vegan",
            "text_refused /sections/0/items/0/name/ja",
            "language_malformed /sections/0/items/0/name/x",
            "price_out_of_range /sections/0/items/0/price_minor",
        ]
    );
}

#[test]
fn thin_noodles_never_travel_in_their_broth() {
    let found = faults(|menu| {
        menu["sections"][0]["items"][0]["ramen"]["style"] = "hakata_tonkotsu".into();
        menu["sections"][0]["items"][0]["ramen"]["packaging"] = "combined".into();
    });
    assert_eq!(
        found,
        ["packaging_refused /sections/0/items/0/ramen/packaging"]
    );
}

fn chosen<'a>(group: &'a Key, option: &'a Key, quantity: u32) -> Choice<'a> {
    Choice {
        group,
        option,
        quantity,
        options: Vec::new(),
    }
}

/// The sample's bowl, its firmness and whatever else.
fn bowl<'a>(menu: &'a PublishedMenu, more: &[Choice<'_>]) -> Dish<'a> {
    let (group, kata) = (key("firmness"), key("kata"));
    let mut choices = vec![chosen(&group, &kata, 1)];
    choices.extend_from_slice(more);
    let item = menu.item(&key("miso")).unwrap();
    menu.compose(item, &choices, &Pointer::root()).unwrap()
}

#[test]
fn allergens_are_those_of_the_dish_with_its_options_and_the_kitchen() {
    let given = published();
    let (toppings, egg) = (key("toppings"), key("egg"));
    let plain = bowl(menu(&given), &[]).allergens();
    assert_eq!(plain[&Allergen::Gluten], Presence::Contains);
    assert_eq!(plain[&Allergen::Egg], Presence::Unknown);
    assert_eq!(plain[&Allergen::Buckwheat], Presence::Unknown);
    let with_egg = bowl(menu(&given), &[chosen(&toppings, &egg, 1)]).allergens();
    assert_eq!(with_egg[&Allergen::Egg], Presence::Contains);
}

#[test]
fn cross_contact_makes_a_free_dish_possibly_contain() {
    let mut all_free = document();
    for ingredient in &mut all_free.ingredients {
        ingredient.allergens = crate::kernel::allergen::mixture([]);
    }
    let given = Given::<Menu>::nothing().done([publish(all_free)]);
    let found = bowl(menu(&given), &[]).allergens();
    assert_eq!(found[&Allergen::Buckwheat], Presence::MayContain);
    assert_eq!(found[&Allergen::Egg], Presence::Free);
}

#[test]
fn needs_count_pieces_and_options_together() {
    let given = published();
    let (toppings, egg) = (key("toppings"), key("egg"));
    let dish = bowl(menu(&given), &[chosen(&toppings, &egg, 2)]);
    let needs = dish.needs(3).unwrap();
    let needs: Vec<_> = needs
        .iter()
        .map(|(key, amount)| (key.as_str(), amount.get()))
        .collect();
    assert_eq!(needs, [("broth", 1050), ("egg", 6), ("noodles", 450)]);
}

#[test]
fn a_price_that_options_would_bring_below_zero_is_refused() {
    let mut half = document();
    half.option_groups[0].options[0].price_minor = PriceDelta::try_from(-500).unwrap();
    let given = Given::<Menu>::nothing().done([publish(half)]);
    let set = |minor| MenuCommand::SetPrice {
        item: key("miso"),
        price_minor: price(minor),
    };
    // Two of them can be chosen.
    given
        .clone()
        .when(set(999))
        .then_refused(MenuRejection::PriceBelowOptions { item: key("miso") });
    given.when(set(1000)).then([MenuEvent::PriceSet {
        item: key("miso"),
        price_minor: price(1000),
    }]);
}

#[test]
fn an_option_changes_its_price_and_goes_off_and_on() {
    let egg = || OptionRef {
        group: key("toppings"),
        option: key("egg"),
    };
    let dearer = |minor| MenuCommand::SetOptionPrice {
        option: egg(),
        price_minor: PriceDelta::try_from(minor).unwrap(),
    };
    let switch = |available| MenuCommand::SetOptionAvailable {
        option: egg(),
        available,
    };
    let changed = published().done([dearer(200), switch(false)]);
    let option = menu(&changed).option(&egg().group, &egg().option).unwrap();
    assert_eq!(option.price_minor.minor(), 200);
    changed.clone().when(dearer(200)).then_nothing();
    changed.clone().when(switch(false)).then_nothing();
    let (group, kata) = (key("firmness"), key("kata"));
    let (toppings, one) = (egg().group, egg().option);
    let choices = [chosen(&group, &kata, 1), chosen(&toppings, &one, 1)];
    let item = menu(&changed).item(&key("miso")).unwrap();
    let refused = menu(&changed).compose(item, &choices, &Pointer::root());
    assert_eq!(refused.unwrap_err().0[0].code, "option_unavailable");
    // A publication that keeps it keeps it off, at the price of the document.
    let again = changed.done([publish(document())]);
    assert!(!menu(&again).is_option_available(&egg()));
    let option = menu(&again).option(&toppings, &one).unwrap();
    assert_eq!(option.price_minor.minor(), 150);
    assert!(menu(&again.done([switch(true)])).is_option_available(&egg()));
}

#[test]
fn an_option_that_is_not_there_or_would_sell_for_less_than_nothing_is_refused() {
    let of = |option: &str, minor| MenuCommand::SetOptionPrice {
        option: OptionRef {
            group: key("toppings"),
            option: key(option),
        },
        price_minor: PriceDelta::try_from(minor).unwrap(),
    };
    assert!(matches!(
        published().when(of("gold", 1)).rejection(),
        MenuRejection::OptionUnknown { .. }
    ));
    let refused = published().when(of("egg", -526)).rejection();
    assert_eq!(refused.code(), "option_price_refused");
    assert_eq!(refused.faults()[0].pointer, "/price_minor");
    let taken_off = published().done([of("egg", -525)]);
    let egg = menu(&taken_off).option(&key("toppings"), &key("egg"));
    assert_eq!(egg.unwrap().price_minor.minor(), -525);
}
