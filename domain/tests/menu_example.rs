//! The worked example of `docs/menus.md`: what the page says is what happens.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[expect(dead_code, reason = "each test binary uses its part")]
mod support;

use domain::joint::Market;
use domain::joint::consent::Consent;
use domain::joint::price_cart::price_cart;
use domain::kernel::allergen::{Allergen, Presence};
use domain::kernel::collect::collect;
use domain::kernel::fault::Fault;
use domain::kernel::flags::Flags;
use domain::kernel::quantity::Quantity;
use domain::ordering::cart::CartCommand;
use domain::ordering::line::{LineChoice, OrderLine, OrderOption};
use domain::ordering::quote::{Quote, QuoteLineKind};
use domain::restaurant::menu::{MenuDocument, check_document};
use serde_json::{Value, json};
use support::{Setup, World, cart, pickup, read};

/// The page's block of this name.
fn block(name: &str) -> Value {
    let page = include_str!("../../docs/menus.md");
    let (_, rest) = page
        .split_once(&format!("```json {name}\n"))
        .expect("the page has the block");
    let (text, _) = rest.split_once("```").expect("the block ends");
    serde_json::from_str(text).expect("the block is JSON")
}

fn document() -> MenuDocument {
    let document = collect::<MenuDocument>(&block("menu")).expect("the example reads");
    check_document(&document).expect("the example is a menu");
    document
}

fn shop() -> World {
    World::selling(&Setup::default(), document())
}

fn line(block: Value) -> CartCommand {
    let mut choice = block;
    choice["shortage"] = json!("refund");
    CartCommand::AddLine {
        choice: read::<LineChoice>(choice),
        lines_max: Flags::default().lines_max,
    }
}

fn quote(line: CartCommand) -> Result<Quote, Vec<Fault>> {
    let shop = shop();
    price_cart(&cart([line, pickup()]), None, &shop.market()).map_err(|faults| faults.0)
}

#[test]
fn the_wrong_choice_is_refused_with_every_reason() {
    let refused = quote(line(block("wrong"))).unwrap_err();
    assert_eq!(serde_json::to_value(refused).unwrap(), block("refusals"));
}

#[test]
fn the_right_choice_costs_what_the_page_says() {
    let quote = quote(line(block("right"))).unwrap();
    let goods = |kind: QuoteLineKind| matches!(kind, QuoteLineKind::Item | QuoteLineKind::Option);
    let lines = quote.content.lines.iter().filter(|line| goods(line.kind));
    let lines: Vec<(&str, i64)> = lines
        .map(|line| (line.reference.as_str(), line.amount_minor))
        .collect();
    let of_two = [
        ("1", 980),
        ("1/amount/large", 150),
        ("1/toppings/egg", 300),
        ("1/set/dumplings", 380),
        ("1/set/dumplings/sauce/chili", 30),
        ("1/set/dumplings/sauce/chili/heat/hot", 20),
        ("1/toppings/broth", 100),
    ];
    assert_eq!(lines, of_two.map(|(reference, each)| (reference, 2 * each)));
    assert_eq!(of_two.iter().map(|(_, each)| each).sum::<i64>(), 1_960);
}

fn ordered(block: Value) -> OrderLine {
    quote(line(block)).unwrap().content.items.remove(0)
}

#[test]
fn the_order_keeps_the_tree_what_was_free_and_what_came_along() {
    let line = ordered(block("right"));
    let bowl = line.bowl.as_ref().unwrap();
    assert_eq!(bowl.cook_seconds.get(), 35);
    assert_eq!(serde_json::to_value(bowl.firmness).unwrap(), "kata");
    let named = |key: &str| -> &OrderOption {
        let mut options = line.options.iter();
        options
            .find(|option| option.option.as_str() == key)
            .unwrap()
    };
    assert_eq!(
        (named("chashu").price_minor, named("chashu").free),
        (400, 1)
    );
    assert_eq!((named("egg").quantity, named("egg").free), (two(), 0));
    assert!(named("broth").implied && !named("egg").implied);
    let heat = &named("dumplings").options[0].options[0];
    assert_eq!((heat.option.as_str(), heat.price_minor), ("hot", 20));
    assert_eq!(line.minimum_age, None);
}

fn two() -> Quantity {
    Quantity::try_from(2).unwrap()
}

#[test]
fn stock_and_allergens_follow_the_tree() {
    let quote = quote(line(block("right"))).unwrap();
    let needs: Vec<(&str, i64)> = quote
        .content
        .needs
        .iter()
        .map(|need| (need.ingredient.as_str(), need.amount.get()))
        .collect();
    assert_eq!(
        needs,
        [
            ("broth", 2 * 500),
            ("chashu", 2 * 60),
            ("chili-oil", 2 * 15),
            ("dumpling", 2 * 5),
            ("egg", 2 * 2),
            ("noodles", 2 * 200)
        ]
    );
    let allergens = &quote.content.allergens;
    for (allergen, presence) in [
        (Allergen::Gluten, Presence::Contains),
        (Allergen::Egg, Presence::Contains),
        (Allergen::Soy, Presence::Contains),
        (Allergen::Buckwheat, Presence::Unknown),
    ] {
        assert_eq!(allergens.get(&allergen), Some(&presence), "{allergen:?}");
    }
    assert!(!allergens.contains_key(&Allergen::Milk));
}

#[test]
fn a_half_portion_takes_something_off_and_a_beer_asks_for_an_age() {
    let line_of = |options: Value| json!({"item": "tonkotsu", "quantity": 1, "options": options});
    let half = line_of(json!([
        {"group": "firmness", "option": "barikata", "quantity": 1},
        {"group": "amount", "option": "half", "quantity": 1},
        {"group": "set", "option": "beer", "quantity": 1}]));
    let quote = quote(line(half)).unwrap();
    let amount = |reference: &str| {
        let mut lines = quote.content.lines.iter();
        let found = lines.find(|line| line.reference == reference).unwrap();
        (found.amount_minor, found.tax_bp.unwrap().get())
    };
    assert_eq!(amount("1/amount/half"), (-100, 800));
    // Alcohol has the standard rate, the bowl the reduced one.
    assert_eq!(amount("1/set/beer"), (500, 1000));
    assert_eq!(quote.content.items[0].minimum_age, Some(20));
}

#[test]
fn what_is_for_evenings_is_refused_at_noon_with_the_hour_it_comes_back() {
    let fried = json!({"item": "fried-dumplings", "quantity": 1, "options": []});
    let cart = cart([line(fried), pickup()]);
    let shop = shop();
    let at = |now: &str| {
        let now = now.parse().unwrap();
        let faults = price_cart(
            &cart,
            None,
            &Market {
                now,
                ..shop.market()
            },
        )
        .err();
        let all = faults.into_iter().flat_map(|faults| faults.0);
        all.filter(|fault| fault.code == "not_on_sale_now")
            .map(|fault| format!("{} {}", fault.pointer, fault.detail))
            .collect::<Vec<_>>()
    };
    // Saturday in Tokyo, nine hours before UTC: noon, six, and one minute before one at night.
    assert_eq!(
        at("2026-11-21T03:00:00Z"),
        ["/lines/1/item fried-dumplings is sold again from 2026-11-21 17:00 (shop time)"]
    );
    assert!(at("2026-11-21T09:00:00Z").is_empty());
    assert!(at("2026-11-21T15:59:00Z").is_empty());
    assert_eq!(
        at("2026-11-21T16:00:00Z"),
        ["/lines/1/item fried-dumplings is sold again from 2026-11-27 17:00 (shop time)"]
    );
}

#[test]
fn what_a_guest_avoids_must_be_acknowledged_and_an_age_confirmed() {
    let with_beer = json!({"item": "tonkotsu", "quantity": 1, "options": [
        {"group": "firmness", "option": "kata", "quantity": 1},
        {"group": "amount", "option": "regular", "quantity": 1},
        {"group": "set", "option": "beer", "quantity": 1}]});
    let quote = quote(line(with_beer)).unwrap();
    let asked = |avoids: &[Allergen], acknowledged: Option<&[Allergen]>, age_confirmed| {
        let consent = Consent {
            avoids,
            acknowledged,
            age_confirmed,
        };
        let faults = consent
            .check(&quote)
            .err()
            .into_iter()
            .flat_map(|faults| faults.0);
        faults
            .map(|fault| format!("{}: {}", fault.pointer, fault.detail))
            .collect::<Vec<_>>()
    };
    let age = "/age_confirmed: something is sold from 20 years of age only";
    assert_eq!(asked(&[], None, false), [age]);
    assert!(asked(&[], None, true).is_empty());
    // Buckwheat is nobody's declaration, only the kitchen's cross-contact; of milk the dish is free.
    let avoids = [Allergen::Gluten, Allergen::Milk, Allergen::Buckwheat];
    assert_eq!(
        asked(&avoids, Some(&[Allergen::Gluten]), false),
        [
            "/acknowledged_allergens: the order contains soy",
            "/acknowledged_allergens: the shop has not said that the order is free of buckwheat",
            age
        ]
    );
    let all = [Allergen::Gluten, Allergen::Soy, Allergen::Buckwheat];
    assert!(asked(&avoids, Some(&all), true).is_empty());
}
