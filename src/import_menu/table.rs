//! A table of dishes, as shops keep them: `item, category, description, price`, other columns skipped.

use std::collections::{BTreeMap, BTreeSet};

use domain::kernel::fault::Pointer;
use domain::kernel::money::Currency;
use serde_json::{Map, Value, json};

use super::draft::Draft;

/// What a row of drinks is called in its category.
const DRINKS: [&str; 3] = ["drinks", "beverages", "drink"];

/// Reads a table. Rows are named by their line, the heading's being 1.
///
/// # Errors
/// When the text is no table or lacks a column; what is wrong with rows is in the draft.
pub(super) fn parse(text: &str, currency: Currency, language: &str) -> anyhow::Result<Draft> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(text.as_bytes());
    let columns = reader.headers()?.clone();
    let column = |name: &str| {
        let found = columns.iter().position(|column| column.trim() == name);
        found.ok_or_else(|| anyhow::anyhow!("the table has no column {name}"))
    };
    let (item, category) = (column("item")?, column("category")?);
    let (description, price) = (column("description")?, column("price")?);
    let mut table = Table::new(currency, language);
    for (index, record) in reader.records().enumerate() {
        let record = record?;
        let field = |column: usize| record.get(column).unwrap_or_default().trim();
        let row = Row {
            at: Pointer::root().at(index.saturating_add(2)),
            item: field(item),
            category: field(category),
            description: field(description),
            price: field(price),
        };
        table.add(&row);
    }
    Ok(table.draft())
}

struct Row<'a> {
    at: Pointer,
    item: &'a str,
    category: &'a str,
    description: &'a str,
    price: &'a str,
}

struct Table<'a> {
    currency: Currency,
    language: &'a str,
    draft: Draft,
    keys: BTreeSet<String>,
    order: Vec<String>,
    sections: BTreeMap<String, Vec<Value>>,
}

impl<'a> Table<'a> {
    fn new(currency: Currency, language: &'a str) -> Self {
        Self {
            currency,
            language,
            draft: Draft::default(),
            keys: BTreeSet::new(),
            order: Vec::new(),
            sections: BTreeMap::new(),
        }
    }

    fn add(&mut self, row: &Row<'_>) {
        for (name, value) in [("item", row.item), ("category", row.category)] {
            if slug(value).is_empty() {
                let detail = format!("{name} has no letter or digit to make a key of");
                self.draft
                    .faults
                    .add("name_missing", &row.at.at(name), detail);
            }
        }
        let price = self
            .draft
            .price(row.price, self.currency, &row.at.at("price"));
        let key = self.fresh_key(row.item);
        // A table does not say what is in a dish: it is made of itself, and its allergens are unknown.
        self.draft.ingredients.push(json!({
            "key": key, "name": self.text(row.item), "unit": "piece", "allergens": {},
        }));
        let is_drink = DRINKS.contains(&row.category.to_lowercase().as_str());
        let mut item = json!({
            "key": key, "name": self.text(row.item), "price_minor": price,
            "tax_class": if is_drink { "drink" } else { "food" },
            "recipe": [{ "ingredient": key, "amount": 1 }],
        });
        if !row.description.is_empty() {
            item["description"] = self.text(row.description);
        }
        if !self.sections.contains_key(row.category) {
            self.order.push(row.category.to_owned());
        }
        self.sections
            .entry(row.category.to_owned())
            .or_default()
            .push(item);
    }

    /// A key of the name's letters, numbered when another dish has it.
    fn fresh_key(&mut self, name: &str) -> String {
        let base = slug(name);
        let numbered = (2..).map(|number: u32| format!("{base}-{number}"));
        let mut keys = std::iter::once(base.clone()).chain(numbered);
        let key = keys.find(|key| !self.keys.contains(key)).unwrap_or(base);
        self.keys.insert(key.clone());
        key
    }

    fn draft(mut self) -> Draft {
        for category in std::mem::take(&mut self.order) {
            let items = self.sections.remove(&category).unwrap_or_default();
            let section =
                json!({ "key": slug(&category), "name": self.text(&category), "items": items });
            self.draft.sections.push(section);
        }
        self.draft
    }

    fn text(&self, text: &str) -> Value {
        let mut texts = Map::new();
        texts.insert(self.language.to_owned(), text.into());
        Value::Object(texts)
    }
}

/// The letters and digits of a name, with dashes between: `Rock shrimp (6)` is `rock-shrimp-6`.
fn slug(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            ' '
        }
    };
    let spaced: String = name.chars().map(plain).collect();
    let mut slug = spaced.split_whitespace().collect::<Vec<_>>().join("-");
    slug.truncate(56);
    slug
}

#[cfg(test)]
mod tests {
    use domain::kernel::collect::collect;
    use domain::restaurant::menu::{MenuDocument, check_document};

    use super::*;

    fn dollars() -> Currency {
        Currency::parse("USD").expect("a currency")
    }

    #[test]
    fn a_table_becomes_a_menu_in_its_order() {
        let text = "item,category,description,price,cost\n\
                    shio ramen,entree,\"salt, clear stock\",11,5\n\
                    green tea,drinks,,2.5,1\n\
                    Shio Ramen!,entree,with egg,12.50,5\n";
        let draft = parse(text, dollars(), "en").expect("a table");
        assert!(draft.faults.is_empty(), "{}", draft.faults);
        let document = draft.document(dollars(), "en");
        let menu = collect::<MenuDocument>(&document).unwrap_or_else(|faults| panic!("{faults}"));
        check_document(&menu).unwrap_or_else(|faults| panic!("{faults}"));
        let keys: Vec<Vec<&str>> = menu
            .sections
            .iter()
            .map(|section| section.items.iter().map(|item| item.key.as_str()).collect())
            .collect();
        assert_eq!(
            keys,
            [vec!["shio-ramen", "shio-ramen-2"], vec!["green-tea"]]
        );
        assert_eq!(menu.sections[0].items[1].price_minor.minor(), 1_250);
    }

    #[test]
    fn rows_that_are_no_dishes_are_named_by_their_line() {
        let text = "item,category,description,price\n拉麺,entree,,11\ncoke,drinks,,free\n,,,\n";
        let draft = parse(text, dollars(), "en").expect("a table");
        let found: Vec<String> = draft
            .faults
            .0
            .iter()
            .map(|fault| format!("{} {}", fault.code, fault.pointer))
            .collect();
        assert_eq!(
            found,
            [
                "name_missing /2/item",
                "price_malformed /3/price",
                "name_missing /4/item",
                "name_missing /4/category",
                "price_malformed /4/price",
            ]
        );
        assert!(parse("item,price\nx,1\n", dollars(), "en").is_err());
    }
}
