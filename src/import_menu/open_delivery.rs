//! The merchant document of Open Delivery (Abrasel, Brazil): items once, offered by item offers and options, which
//! categories and option groups list by id.

use std::collections::BTreeMap;

use domain::kernel::fault::Pointer;
use domain::kernel::money::Currency;
use serde::Deserialize;
use serde_json::{Map, Number, Value, json};

use super::draft::Draft;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Merchant {
    items: Vec<Item>,
    categories: Vec<Category>,
    item_offers: Vec<ItemOffer>,
    #[serde(default)]
    option_groups: Vec<OptionGroup>,
    #[serde(default)]
    availabilities: Vec<Availability>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: String,
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    nutritional_info: Option<NutritionalInfo>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NutritionalInfo {
    #[serde(default)]
    allergen: Vec<String>,
    #[serde(default)]
    suitable_diet: Vec<String>,
    #[serde(default)]
    is_alcoholic: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Category {
    id: String,
    name: String,
    #[serde(default)]
    availability_id: Vec<String>,
    #[serde(default)]
    item_offer_id: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemOffer {
    id: String,
    item_id: String,
    #[serde(default)]
    status: Option<String>,
    price: Price,
    #[serde(default)]
    availability_id: Vec<String>,
    #[serde(default)]
    option_groups_id: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Price {
    value: Number,
    currency: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OptionGroup {
    id: String,
    name: String,
    min_permitted: u32,
    max_permitted: u32,
    #[serde(default)]
    options: Vec<MenuOption>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MenuOption {
    id: String,
    #[serde(default)]
    item_id: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    price: Option<Price>,
    #[serde(default)]
    max_permitted: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Availability {
    id: String,
    #[serde(default)]
    start_date: Option<String>,
    #[serde(default)]
    end_date: Option<String>,
    hours: Vec<Hours>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hours {
    day_of_week: Vec<String>,
    time_periods: OneOrMany,
}

/// The standard's text has one period, its readers send lists.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(Period),
    Many(Vec<Period>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Period {
    start_time: String,
    end_time: String,
}

/// Reads a merchant document.
///
/// # Errors
/// When the text is no such document; what is wrong inside of it is in the draft.
pub(super) fn parse(text: &str, currency: Currency, language: &str) -> anyhow::Result<Draft> {
    let merchant: Merchant = serde_json::from_str(text)?;
    let mut reader = Reader {
        items: merchant
            .items
            .iter()
            .map(|item| (item.id.as_str(), item))
            .collect(),
        merchant: &merchant,
        currency,
        language,
        draft: Draft::default(),
    };
    reader.ingredients();
    reader.option_groups();
    reader.sections();
    reader.dates();
    Ok(reader.draft)
}

struct Reader<'a> {
    merchant: &'a Merchant,
    items: BTreeMap<&'a str, &'a Item>,
    currency: Currency,
    language: &'a str,
    draft: Draft,
}

impl<'a> Reader<'a> {
    /// What is in a dish the standard says only as a whole, so each item is made of itself.
    fn ingredients(&mut self) {
        for (index, item) in self.merchant.items.iter().enumerate() {
            let at = Pointer::root().at("items").at(index);
            let info = item.nutritional_info.as_ref();
            let key = self.draft.key(&item.id, &at.at("id"));
            let named = info
                .map(|info| info.allergen.as_slice())
                .unwrap_or_default();
            let diets = info
                .map(|info| info.suitable_diet.as_slice())
                .unwrap_or_default();
            self.draft.ingredients.push(json!({
                "key": key, "name": self.text(&item.name), "unit": "piece",
                "allergens": allergens(named),
                "diets": diets.iter().filter_map(|diet| known_diet(diet)).collect::<Vec<_>>(),
            }));
        }
    }

    fn option_groups(&mut self) {
        for (index, group) in self.merchant.option_groups.iter().enumerate() {
            let at = Pointer::root().at("optionGroups").at(index);
            let key = self.draft.key(&group.id, &at.at("id"));
            let options = group.options.iter().enumerate();
            let options: Vec<Value> = options
                .filter_map(|(index, option)| {
                    self.option(&key, option, &at.at("options").at(index))
                })
                .collect();
            let name = self.text(&group.name);
            let group = json!({ "key": key, "name": name, "options": options });
            self.draft.option_groups.push(group);
        }
    }

    fn option(&mut self, group: &str, option: &MenuOption, at: &Pointer) -> Option<Value> {
        let item = self.item(
            option.item_id.as_deref().unwrap_or_default(),
            &at.at("itemId"),
        );
        let key = self.draft.key(&option.id, &at.at("id"));
        let price = option
            .price
            .as_ref()
            .map_or(0, |price| self.price(price, &at.at("price")));
        if option.status.as_deref() == Some("UNAVAILABLE") {
            self.draft.off.push(format!("options/{group}/{key}"));
        }
        let item = item?;
        let mut body = json!({
            "key": key, "name": self.text(&item.name), "price_minor": price,
            "recipe": [{ "ingredient": item.id.to_lowercase(), "amount": 1 }],
        });
        if is_alcoholic(item) {
            body["tax_class"] = json!("alcohol");
        }
        Some(body)
    }

    fn sections(&mut self) {
        for (index, category) in self.merchant.categories.iter().enumerate() {
            let at = Pointer::root().at("categories").at(index);
            let key = self.draft.key(&category.id, &at.at("id"));
            let dayparts = self.ranges(&category.availability_id, &at.at("availabilityId"));
            let offers = category.item_offer_id.iter().enumerate();
            let items: Vec<Value> = offers
                .filter_map(|(index, id)| self.offer(id, &at.at("itemOfferId").at(index)))
                .collect();
            let name = self.text(&category.name);
            let section = json!({ "key": key, "name": name, "dayparts": dayparts, "items": items });
            self.draft.sections.push(section);
        }
    }

    fn offer(&mut self, id: &str, at: &Pointer) -> Option<Value> {
        let mut offers = self.merchant.item_offers.iter().enumerate();
        let Some((index, offer)) = offers.find(|(_, offer)| offer.id == id) else {
            let detail = format!("there is no item offer {id}");
            self.draft.faults.add("item_offer_unknown", at, detail);
            return None;
        };
        let at = Pointer::root().at("itemOffers").at(index);
        let item = self.item(&offer.item_id, &at.at("itemId"));
        let key = self.draft.key(&offer.id, &at.at("id"));
        let price = self.price(&offer.price, &at.at("price"));
        let hours = self.ranges(&offer.availability_id, &at.at("availabilityId"));
        let links = offer.option_groups_id.iter().enumerate();
        let links: Vec<Value> = links
            .filter_map(|(index, id)| self.link(id, &at.at("optionGroupsId").at(index)))
            .collect();
        if offer.status.as_deref() == Some("UNAVAILABLE") {
            self.draft.off.push(format!("items/{key}"));
        }
        let item = item?;
        let mut body = json!({
            "key": key, "name": self.text(&item.name), "price_minor": price,
            "tax_class": if is_alcoholic(item) { "alcohol" } else { "food" },
            "recipe": [{ "ingredient": item.id.to_lowercase(), "amount": 1 }],
            "groups": links, "sale_hours": hours,
        });
        if let Some(description) = item
            .description
            .as_ref()
            .filter(|text| !text.trim().is_empty())
        {
            body["description"] = self.text(description);
        }
        Some(body)
    }

    fn link(&mut self, id: &str, at: &Pointer) -> Option<Value> {
        let mut groups = self.merchant.option_groups.iter();
        let Some(group) = groups.find(|group| group.id == id) else {
            let detail = format!("there is no option group {id}");
            self.draft.faults.add("group_unknown", at, detail);
            return None;
        };
        // The standard limits each option, a link here all alike: the widest keeps every order possible.
        let each = group
            .options
            .iter()
            .map(|option| option.max_permitted.unwrap_or(1));
        let most = each.max().unwrap_or(1).min(group.max_permitted.max(1));
        Some(json!({
            "group": id.to_lowercase(), "min": group.min_permitted, "max": group.max_permitted,
            "max_per_option": most,
        }))
    }

    fn item(&mut self, id: &str, at: &Pointer) -> Option<&'a Item> {
        let found = self.items.get(id).copied();
        if found.is_none() {
            let detail = format!("there is no item {id}");
            self.draft.faults.add("item_unknown", at, detail);
        }
        found
    }

    fn price(&mut self, price: &Price, at: &Pointer) -> i64 {
        if price.currency != self.currency.code() {
            let detail = format!("{} is not the shop's currency", price.currency);
            self.draft
                .faults
                .add("currency_mismatch", &at.at("currency"), detail);
        }
        let text = price.value.to_string();
        self.draft.price(&text, self.currency, &at.at("value"))
    }

    /// The weekly ranges of availabilities. The standard writes wall times with a `Z`; they are the shop's.
    fn ranges(&mut self, ids: &[String], at: &Pointer) -> Vec<Value> {
        let mut ranges = Vec::new();
        for (index, id) in ids.iter().enumerate() {
            let mut known = self.merchant.availabilities.iter();
            let Some(availability) = known.find(|found| found.id == *id) else {
                let detail = format!("there is no availability {id}");
                self.draft
                    .faults
                    .add("availability_unknown", &at.at(index), detail);
                continue;
            };
            for hours in &availability.hours {
                ranges.extend(of_hours(hours));
            }
        }
        ranges
    }

    /// Seasons are more than a weekly menu can say.
    fn dates(&mut self) {
        for found in &self.merchant.availabilities {
            if found.start_date.is_some() || found.end_date.is_some() {
                let id = &found.id;
                let from = found.start_date.as_deref().unwrap_or("open");
                let to = found.end_date.as_deref().unwrap_or("open");
                let note = format!("availability {id}: its dates ({from} to {to}) are left out");
                self.draft.notes.push(note);
            }
        }
    }

    fn text(&self, text: &str) -> Value {
        let mut texts = Map::new();
        texts.insert(self.language.to_owned(), text.into());
        Value::Object(texts)
    }
}

fn is_alcoholic(item: &Item) -> bool {
    item.nutritional_info
        .as_ref()
        .is_some_and(|info| info.is_alcoholic)
}

fn of_hours(hours: &Hours) -> Vec<Value> {
    let periods = match &hours.time_periods {
        OneOrMany::One(period) => std::slice::from_ref(period),
        OneOrMany::Many(periods) => periods,
    };
    let minute = |time: &str| time.chars().take(5).collect::<String>();
    let range = |day: &String, period: &Period| {
        json!({
            "weekday": day.to_lowercase().chars().take(3).collect::<String>(),
            "opens": minute(&period.start_time),
            "closes": minute(&period.end_time),
        })
    };
    let days = hours.day_of_week.iter();
    days.flat_map(|day| periods.iter().map(move |period| range(day, period)))
        .collect()
}

/// What the source names is contained; of the rest it says nothing, unless it says that there is nothing else.
fn allergens(named: &[String]) -> Value {
    let contained = named.iter().filter_map(|name| known_allergen(name));
    let declared: Map<String, Value> = contained
        .map(|allergen| (allergen.to_owned(), json!("contains")))
        .collect();
    Value::Object(declared)
}

fn known_allergen(name: &str) -> Option<&'static str> {
    Some(match name {
        "GLUTEN"
        | "WHEAT"
        | "BARLEY"
        | "RYE"
        | "OAT"
        | "SPELT"
        | "KAMUT"
        | "CEREALS_CONTAINING_GLUTEN" => "gluten",
        "CRUSTACEANS" => "crustacean",
        "EGGS" => "egg",
        "FISH" => "fish",
        "PEANUTS" => "peanut",
        "SOYBEANS" => "soy",
        "MILK" | "LACTOSE" => "milk",
        "ALMONDS" | "BRAZIL_NUTS" | "CASHEW_NUTS" | "HAZELNUTS" | "MACADAMIA_NUTS"
        | "PECAN_NUTS" | "PISTACHIOS" | "QUEENSLAND_NUTS" | "TREE_NUTS" | "TREE_NUT_TRACES"
        | "WALNUTS" => "nuts",
        "CELERY" => "celery",
        "MUSTARD" => "mustard",
        "SESAME_SEEDS" => "sesame",
        "SULPHUR_DIOXIDE" => "sulphite",
        "LUPINE" => "lupin",
        "MOLLUSCS" => "mollusc",
        _ => return None,
    })
}

fn known_diet(name: &str) -> Option<&'static str> {
    Some(match name {
        "VEGAN" => "vegan",
        "VEGETARIAN" => "vegetarian",
        "HALAL" => "halal",
        "KOSHER" => "kosher",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::decider::Decider as _;
    use domain::kernel::collect::collect;
    use domain::kernel::key::Key;
    use domain::restaurant::dish::Choice;
    use domain::restaurant::menu::{Menu, MenuCommand, MenuDocument};

    use super::*;

    const EXAMPLE: &str = include_str!("data/open_delivery_merchant.json");

    fn reais() -> Currency {
        Currency::parse("BRL").expect("a currency")
    }

    #[test]
    fn the_standard_s_example_publishes_and_orders() {
        let draft = parse(EXAMPLE, reais(), "en").expect("a merchant");
        assert!(draft.faults.is_empty(), "{}", draft.faults);
        assert_eq!(draft.notes.len(), 1);
        let document = draft.document(reais(), "en");
        let document =
            collect::<MenuDocument>(&document).unwrap_or_else(|faults| panic!("{faults}"));
        let mut menu = Menu::default();
        let publish = MenuCommand::Publish {
            document: Arc::new(document),
        };
        let context = domain::decider::Context::new(chrono::DateTime::UNIX_EPOCH, [7; 10]);
        let events = menu
            .decide(publish, &context)
            .unwrap_or_else(|refused| panic!("{refused}"));
        for event in &events {
            menu.evolve(event);
        }
        let menu = menu.published().expect("published");
        let key = |text: &str| Key::parse(text).expect("a key");
        let item = menu
            .item(&key("f080cfb3-5c4a-4eb7-907d-2de3bbb5dfb9"))
            .expect("the pizza");
        let group = key("fe67e551-f42f-499a-8afb-0ed893c71fa3");
        let halves = [
            "e5232f14-430c-4a94-8ff6-289d5a16a87a",
            "e5232f14-430c-4a94-8ff6-289d5a16a87b",
        ]
        .map(key);
        let chosen = |half| Choice {
            group: &group,
            option: half,
            quantity: 1,
            options: Vec::new(),
        };
        let both: Vec<Choice<'_>> = halves.iter().map(chosen).collect();
        let dish = menu
            .compose(item, &both, &Pointer::root())
            .expect("two halves");
        assert_eq!(dish.unit_minor, 4_300 + 5_000 + 4_300);
        let one = menu
            .compose(item, &both[..1], &Pointer::root())
            .expect_err("one half is too few");
        assert_eq!(one.0[0].code, "group_below_min");
    }

    #[test]
    fn what_does_not_hang_together_is_named_with_its_place() {
        let mut merchant: Value = serde_json::from_str(EXAMPLE).expect("JSON");
        merchant["categories"][0]["itemOfferId"][0] = json!("nowhere");
        merchant["itemOffers"][1]["optionGroupsId"] = json!(["lost"]);
        merchant["itemOffers"][1]["price"]["value"] = json!(30.005);
        merchant["optionGroups"][0]["options"][0]["itemId"] = json!("gone");
        merchant["optionGroups"][0]["options"][1]["price"]["currency"] = json!("USD");
        let draft = parse(&merchant.to_string(), reais(), "en").expect("a merchant");
        let found: Vec<String> = draft
            .faults
            .0
            .iter()
            .map(|fault| format!("{} {}", fault.code, fault.pointer))
            .collect();
        assert_eq!(
            found,
            [
                "item_unknown /optionGroups/0/options/0/itemId",
                "currency_mismatch /optionGroups/0/options/1/price/currency",
                "item_offer_unknown /categories/0/itemOfferId/0",
                "price_malformed /itemOffers/1/price/value",
                "group_unknown /itemOffers/1/optionGroupsId/0",
            ]
        );
    }
}
