//! House menus by style, written for this project, and how one becomes a shop's menu document.
//!
//! The files in `data/` share ingredients, option groups, sides and drinks between the houses; a
//! menu document takes along what its items use. Allergens that an ingredient does not list are
//! declared free: the kitchen of this project knows its ingredients.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::market::Market;

/// Allergens that every ingredient declares.
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

/// One house: a style's ramen and the sides that go with it.
#[derive(Debug, Deserialize)]
pub(crate) struct House {
    /// What the style is called, by language.
    pub(crate) title: BTreeMap<String, String>,
    /// Words in a shop's name that suggest it.
    words: Vec<String>,
    sides: Vec<String>,
    ramen: Vec<Item>,
}

#[derive(Debug, Clone, Deserialize)]
struct Item {
    key: String,
    name: Value,
    #[serde(default)]
    description: Value,
    price_yen: i64,
    tax_class: String,
    recipe: BTreeMap<String, i64>,
    #[serde(default)]
    ramen: Value,
    groups: Vec<GroupLink>,
}

#[derive(Debug, Clone, Deserialize)]
struct GroupLink {
    group: String,
    min: u32,
    max: u32,
    max_per_option: u32,
}

#[derive(Debug, Deserialize)]
struct OptionGroup {
    key: String,
    name: Value,
    options: Vec<MenuOption>,
}

#[derive(Debug, Deserialize)]
struct MenuOption {
    key: String,
    name: Value,
    price_yen: i64,
    recipe: BTreeMap<String, i64>,
    firmness: Option<String>,
    cook_seconds: Option<u32>,
    #[serde(default)]
    groups: Vec<GroupLink>,
}

/// A rule between options, and the part of it that says where it belongs.
#[derive(Debug, Deserialize)]
struct Rule {
    when: OptionRef,
    then: Vec<OptionRef>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Deserialize, Serialize)]
struct OptionRef {
    group: String,
    option: String,
}

#[derive(Debug, Deserialize)]
struct Ingredient {
    key: String,
    name: Value,
    unit: String,
    stock: i64,
    allergens: BTreeMap<String, String>,
}

struct Larder {
    ingredients: Vec<Ingredient>,
    groups: Vec<OptionGroup>,
    rules: Vec<Rule>,
    sides: Vec<Item>,
    drinks: Vec<Item>,
    sections: BTreeMap<String, Value>,
    houses: Vec<House>,
}

static LARDER: LazyLock<Larder> = LazyLock::new(|| Larder {
    ingredients: read(include_str!("data/ingredients.json")),
    groups: read(include_str!("data/option_groups.json")),
    rules: read(include_str!("data/rules.json")),
    sides: read(include_str!("data/sides.json")),
    drinks: read(include_str!("data/drinks.json")),
    sections: read(include_str!("data/sections.json")),
    houses: read(include_str!("data/houses.json")),
});

fn read<'json, T: Deserialize<'json>>(json: &'json str) -> T {
    serde_json::from_str(json).expect("the files are part of the program and read by its tests")
}

/// All houses.
pub(crate) fn houses() -> &'static [House] {
    &LARDER.houses
}

/// The house whose longest word stands in `text` (a shop's names and cuisine), else one by `seed`.
pub(crate) fn house_for(text: &str, seed: usize) -> &'static House {
    let text = text.to_lowercase();
    let fit = |house: &House| {
        let found = house
            .words
            .iter()
            .filter(|word| text.contains(word.as_str()));
        found.map(|word| word.chars().count()).max().unwrap_or(0)
    };
    let best = houses()
        .iter()
        .max_by_key(|house| fit(house))
        .filter(|house| fit(house) > 0);
    best.unwrap_or(&houses()[seed % houses().len()])
}

/// The broth of a house's bowl; none when no house sells `item`, or it is dry.
pub(crate) fn broth_of(item: &str) -> Option<&'static str> {
    let mut bowls = houses().iter().flat_map(|house| &house.ramen);
    let recipe = &bowls.find(|bowl| bowl.key == item)?.recipe;
    let is_broth = |ingredient: &&str| ingredient.starts_with("broth_");
    recipe.keys().map(String::as_str).find(is_broth)
}

/// A house with a bowl of its own and that bowl's broth.
pub(crate) fn bowl_with_broth() -> Option<(&'static House, &'static str, &'static str)> {
    let of_house = |house: &'static House| {
        let mut bowls = house.ramen.iter().map(|bowl| bowl.key.as_str());
        bowls.find_map(|bowl| Some((house, bowl, broth_of(bowl)?)))
    };
    houses().iter().find_map(of_house)
}

impl House {
    /// The styles this house sells, for the shop's profile.
    pub(crate) fn styles(&self) -> Vec<&str> {
        let styles = self
            .ramen
            .iter()
            .filter_map(|item| item.ramen["style"].as_str());
        styles.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The body of `PUT …/menu` for a market.
    pub(crate) fn document(&self, market: &Market) -> Value {
        let items = self.items();
        let groups = groups_of(&items);
        let ingredients: Vec<Value> = self.ingredients().map(ingredient).collect();
        let sections: Vec<Value> = self
            .sections()
            .into_iter()
            .map(|(key, items)| {
                let items: Vec<Value> = items.iter().map(|item| item_body(item, market)).collect();
                json!({ "key": key, "name": LARDER.sections[key], "items": items })
            })
            .collect();
        let option_groups: Vec<Value> = groups
            .iter()
            .map(|group| group_body(group, market))
            .collect();
        json!({
            "currency": market.currency,
            "default_language": market.language,
            "ingredients": ingredients,
            "option_groups": option_groups,
            "rules": rules_of(&groups),
            "sections": sections,
        })
    }

    /// The body of `PUT …/stock`: a full larder, `times` over.
    pub(crate) fn counts(&self, times: i64) -> Value {
        let counts: Vec<Value> = self
            .ingredients()
            .map(|found| json!({ "ingredient": found.key, "counted": found.stock * times }))
            .collect();
        json!({ "counts": counts })
    }

    fn sections(&self) -> [(&'static str, Vec<&Item>); 3] {
        let sides = LARDER
            .sides
            .iter()
            .filter(|side| self.sides.contains(&side.key));
        [
            ("ramen", self.ramen.iter().collect()),
            ("sides", sides.collect()),
            ("drinks", LARDER.drinks.iter().collect()),
        ]
    }

    fn items(&self) -> Vec<&Item> {
        self.sections()
            .into_iter()
            .flat_map(|(_, items)| items)
            .collect()
    }

    /// What the items and their options are made of, in the larder's order.
    fn ingredients(&self) -> impl Iterator<Item = &'static Ingredient> {
        let items = self.items();
        let options = groups_of(&items)
            .into_iter()
            .flat_map(|group| &group.options);
        let used: BTreeSet<String> = items
            .iter()
            .map(|item| &item.recipe)
            .chain(options.map(|option| &option.recipe))
            .flat_map(|recipe| recipe.keys().cloned())
            .collect();
        LARDER
            .ingredients
            .iter()
            .filter(move |found| used.contains(&found.key))
    }
}

/// The groups that items offer, and those that open when an option of them is chosen.
fn groups_of(items: &[&Item]) -> Vec<&'static OptionGroup> {
    let mut linked: BTreeSet<&str> = items
        .iter()
        .flat_map(|item| &item.groups)
        .map(|link| link.group.as_str())
        .collect();
    loop {
        let found: Vec<&'static OptionGroup> = LARDER
            .groups
            .iter()
            .filter(|group| linked.contains(group.key.as_str()))
            .collect();
        let options = found.iter().flat_map(|group| &group.options);
        let before = linked.len();
        linked.extend(
            options
                .flat_map(|option| &option.groups)
                .map(|link| link.group.as_str()),
        );
        if linked.len() == before {
            return found;
        }
    }
}

/// The rules about options that these groups have.
fn rules_of(groups: &[&OptionGroup]) -> Vec<Value> {
    let known = |named: &OptionRef| groups.iter().any(|group| group.key == named.group);
    let rules = LARDER.rules.iter();
    rules
        .filter(|rule| known(&rule.when) && rule.then.iter().all(known))
        .map(|rule| {
            let mut body = rule.rest.clone();
            body.insert("when".to_owned(), json!(rule.when));
            body.insert("then".to_owned(), json!(rule.then));
            Value::Object(body)
        })
        .collect()
}

fn ingredient(found: &Ingredient) -> Value {
    let allergens: Map<String, Value> = ALLERGENS
        .iter()
        .map(|allergen| {
            let presence = found
                .allergens
                .get(*allergen)
                .map_or("free", String::as_str);
            ((*allergen).to_owned(), Value::from(presence))
        })
        .collect();
    json!({ "key": found.key, "name": found.name, "unit": found.unit, "allergens": allergens })
}

fn recipe(lines: &BTreeMap<String, i64>) -> Value {
    let line = |(ingredient, amount)| json!({ "ingredient": ingredient, "amount": amount });
    lines.iter().map(line).collect()
}

fn item_body(item: &Item, market: &Market) -> Value {
    without_nulls(json!({
        "key": item.key,
        "name": item.name,
        "description": item.description,
        "price_minor": market.price_minor(item.price_yen),
        "tax_class": item.tax_class,
        "recipe": recipe(&item.recipe),
        "ramen": item.ramen,
        "groups": links_body(&item.groups),
    }))
}

fn links_body(links: &[GroupLink]) -> Value {
    let link = |link: &GroupLink| {
        json!({
            "group": link.group,
            "min": link.min,
            "max": link.max,
            "max_per_option": link.max_per_option,
        })
    };
    links.iter().map(link).collect()
}

fn group_body(group: &OptionGroup, market: &Market) -> Value {
    let options: Vec<Value> = group
        .options
        .iter()
        .map(|option| {
            without_nulls(json!({
                "key": option.key,
                "name": option.name,
                "price_minor": market.price_minor(option.price_yen),
                "recipe": recipe(&option.recipe),
                "firmness": option.firmness,
                "cook_seconds": option.cook_seconds,
                "groups": links_body(&option.groups),
            }))
        })
        .collect();
    json!({ "key": group.key, "name": group.name, "options": options })
}

/// Leaves out what is not there: the API takes no nulls for missing fields.
fn without_nulls(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    object
}

#[cfg(test)]
mod tests {
    use domain::restaurant::menu::{MenuDocument, check_document};

    use super::super::market::{COLOMBIA, KOREA, TAIWAN, UNITED_STATES};
    use super::*;

    #[test]
    fn a_bowl_has_its_broth() {
        assert_eq!(broth_of("tonkotsu_white"), Some("broth_tonkotsu"));
        assert_eq!(broth_of("hiyashi"), None);
        assert_eq!(broth_of("pizza"), None);
    }

    #[test]
    fn there_are_enough_houses_and_each_names_its_style() {
        assert!(houses().len() >= 9);
        for house in houses() {
            assert!(!house.styles().is_empty());
            assert!(house.title.contains_key("en") && house.title.contains_key("ja"));
        }
    }

    #[test]
    fn a_document_takes_along_all_that_its_items_use() {
        for house in houses() {
            let document = house.document(&TAIWAN);
            let keys = |list: &str| -> BTreeSet<String> {
                let found = document[list].as_array().expect("a list").iter();
                found
                    .filter_map(|entry| entry["key"].as_str().map(str::to_owned))
                    .collect()
            };
            let (ingredients, groups) = (keys("ingredients"), keys("option_groups"));
            for item in house.items() {
                assert!(
                    item.recipe.keys().all(|key| ingredients.contains(key)),
                    "{}",
                    item.key
                );
                assert!(item.groups.iter().all(|link| groups.contains(&link.group)));
            }
            let counted = house.counts(1)["counts"].as_array().map_or(0, Vec::len);
            assert_eq!(counted, ingredients.len());
        }
    }

    #[test]
    fn names_have_the_market_language_and_prices_are_positive() {
        for market in [&TAIWAN, &KOREA, &COLOMBIA, &UNITED_STATES] {
            for house in houses() {
                let document = house.document(market);
                for section in document["sections"].as_array().expect("sections") {
                    for item in section["items"].as_array().expect("items") {
                        assert!(item["name"][market.language].is_string(), "{item}");
                        assert!(item["price_minor"].as_i64().is_some_and(|price| price > 0));
                    }
                }
            }
        }
    }

    #[test]
    fn the_domain_takes_every_menu_in_every_market() {
        for market in [&TAIWAN, &KOREA, &COLOMBIA, &UNITED_STATES] {
            for house in houses() {
                let document: MenuDocument = serde_json::from_value(house.document(market))
                    .unwrap_or_else(|fault| panic!("{}: {fault}", house.title["en"]));
                check_document(&document)
                    .unwrap_or_else(|faults| panic!("{}: {faults:?}", house.title["en"]));
            }
        }
    }

    #[test]
    fn a_name_suggests_its_house() {
        let title = |name: &str, seed| house_for(name, seed).title["en"].as_str();
        assert_eq!(
            title("辣麻味噌沾麵鬼金棒 Ramen Kikanbo", 0),
            "Tantan and numbing spice"
        );
        assert_eq!(title("博多辛龍豚骨拉麵", 3), "Hakata tonkotsu");
        assert_eq!(title("橫濱家系拉麵大和家", 3), "Yokohama iekei");
        assert_eq!(title("no sign at all", 13), houses()[3].title["en"]);
    }
}
