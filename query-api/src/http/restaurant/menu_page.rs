//! A menu as customers read it: in one language, with today's prices and what can be had. Recipes are
//! the shop's own; the allergens that follow from them are shown.

use std::collections::{BTreeMap, BTreeSet};

use domain::kernel::allergen::{Allergen, Declared, Presence, mixture};
use infra::availability::Unavailable;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::language::pick;

type Texts = BTreeMap<String, String>;

/// A menu document as the view keeps it; members that customers do not see are skipped.
#[derive(Debug, Deserialize)]
pub(crate) struct MenuDocument {
    currency: String,
    pub(crate) default_language: String,
    #[serde(default)]
    cross_contact: Vec<Allergen>,
    ingredients: Vec<Ingredient>,
    option_groups: Vec<OptionGroup>,
    sections: Vec<Section>,
}

#[derive(Debug, Deserialize)]
struct Ingredient {
    key: String,
    allergens: Declared,
}

#[derive(Debug, Deserialize)]
struct OptionGroup {
    key: String,
    name: Texts,
    options: Vec<MenuOption>,
}

#[derive(Debug, Deserialize)]
struct MenuOption {
    key: String,
    name: Texts,
    price_minor: i64,
    #[serde(default)]
    recipe: Vec<RecipeLine>,
    #[serde(default)]
    firmness: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Section {
    key: String,
    name: Texts,
    items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    key: String,
    name: Texts,
    #[serde(default)]
    description: Option<Texts>,
    price_minor: i64,
    recipe: Vec<RecipeLine>,
    #[serde(default)]
    ramen: Option<Value>,
    #[serde(default)]
    groups: Vec<GroupLink>,
    #[serde(default)]
    popularity: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct RecipeLine {
    ingredient: String,
}

/// How an item offers a group of options.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct GroupLink {
    /// The group.
    group: String,
    /// How many must be chosen.
    min: u32,
    /// How many may be chosen.
    max: u32,
    /// How many of the same.
    max_per_option: u32,
}

/// A menu.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MenuPage {
    /// The shop.
    restaurant_id: Uuid,
    /// How often it was published.
    publication: i32,
    /// ISO 4217 code of every price.
    currency: String,
    /// The language of the texts; none when every language is given.
    language: Option<String>,
    /// Sections in the shop's order.
    sections: Vec<SectionPage>,
    /// Groups of options that items name.
    option_groups: Vec<GroupPage>,
}

/// A section.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SectionPage {
    /// The shop's key.
    key: String,
    /// Its name.
    #[schema(value_type = Object)]
    name: Shown,
    /// Its items.
    items: Vec<ItemPage>,
}

/// An item.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemPage {
    /// The shop's key.
    key: String,
    /// Its name.
    #[schema(value_type = Object)]
    name: Shown,
    /// What it is.
    #[schema(value_type = Object)]
    description: Option<Shown>,
    /// Price without options, in minor units.
    price_minor: i64,
    /// Whether it can be had now.
    available: bool,
    /// What makes it a bowl.
    #[schema(value_type = Object)]
    ramen: Option<Value>,
    /// Its option groups.
    groups: Vec<GroupLink>,
    /// Its allergens without options; those that are free of doubt are left out.
    #[schema(value_type = Object)]
    allergens: Declared,
    /// Where it stands among the shop's items, 1 for the most ordered.
    popularity: Option<u32>,
}

/// A group of options.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupPage {
    /// The shop's key.
    key: String,
    /// Its name.
    #[schema(value_type = Object)]
    name: Shown,
    /// What can be had of it now.
    options: Vec<OptionPage>,
}

/// An option.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OptionPage {
    /// The shop's key.
    key: String,
    /// Its name.
    #[schema(value_type = Object)]
    name: Shown,
    /// What it adds to the price, in minor units.
    price_minor: i64,
    /// How firm it makes the noodles.
    firmness: Option<String>,
    /// What it adds to the allergens.
    #[schema(value_type = Object)]
    allergens: Declared,
}

/// A text in one language, or in all of them.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Shown {
    One(String),
    All(Texts),
}

impl MenuDocument {
    /// Every language that any text has.
    pub(crate) fn languages(&self) -> Vec<String> {
        let sections = self.sections.iter().map(|section| &section.name);
        let items = self
            .sections
            .iter()
            .flat_map(|section| &section.items)
            .map(|item| &item.name);
        let all: BTreeSet<&String> = sections.chain(items).flat_map(BTreeMap::keys).collect();
        all.into_iter().cloned().collect()
    }
}

impl MenuPage {
    /// The page of a menu in `language`, or in all of them.
    pub(crate) fn new(
        restaurant_id: Uuid,
        publication: i32,
        document: &MenuDocument,
        prices: &BTreeMap<String, i64>,
        unavailable: &Unavailable,
        language: Option<&str>,
    ) -> Self {
        let writer = Writer {
            document,
            prices,
            unavailable,
            language,
            declared: declared(document),
        };
        Self {
            restaurant_id,
            publication,
            currency: document.currency.clone(),
            language: language.map(str::to_owned),
            sections: document
                .sections
                .iter()
                .map(|section| writer.section(section))
                .collect(),
            option_groups: document
                .option_groups
                .iter()
                .map(|group| writer.group(group))
                .collect(),
        }
    }
}

fn declared(document: &MenuDocument) -> BTreeMap<&str, &Declared> {
    document
        .ingredients
        .iter()
        .map(|known| (known.key.as_str(), &known.allergens))
        .collect()
}

struct Writer<'a> {
    document: &'a MenuDocument,
    prices: &'a BTreeMap<String, i64>,
    unavailable: &'a Unavailable,
    language: Option<&'a str>,
    declared: BTreeMap<&'a str, &'a Declared>,
}

impl Writer<'_> {
    fn text(&self, texts: &Texts) -> Shown {
        match self.language {
            None => Shown::All(texts.clone()),
            Some(language) => {
                let text = pick(texts, language, &self.document.default_language);
                Shown::One(text.unwrap_or_default().to_owned())
            }
        }
    }

    fn section(&self, section: &Section) -> SectionPage {
        SectionPage {
            key: section.key.clone(),
            name: self.text(&section.name),
            items: section.items.iter().map(|item| self.item(item)).collect(),
        }
    }

    fn item(&self, item: &Item) -> ItemPage {
        ItemPage {
            key: item.key.clone(),
            name: self.text(&item.name),
            description: item.description.as_ref().map(|texts| self.text(texts)),
            price_minor: self
                .prices
                .get(&item.key)
                .copied()
                .unwrap_or(item.price_minor),
            available: !self.unavailable.items.contains(&item.key),
            ramen: item.ramen.clone(),
            groups: item.groups.clone(),
            allergens: self.allergens(&item.recipe, &self.document.cross_contact),
            popularity: item.popularity,
        }
    }

    /// A group without the options that cannot be had.
    fn group(&self, group: &OptionGroup) -> GroupPage {
        let gone = |option: &&MenuOption| {
            self.unavailable
                .options
                .contains(&(group.key.clone(), option.key.clone()))
        };
        let options = group
            .options
            .iter()
            .filter(|option| !gone(option))
            .map(|option| OptionPage {
                key: option.key.clone(),
                name: self.text(&option.name),
                price_minor: option.price_minor,
                firmness: option.firmness.clone(),
                allergens: self.allergens(&option.recipe, &[]),
            });
        GroupPage {
            key: group.key.clone(),
            name: self.text(&group.name),
            options: options.collect(),
        }
    }

    /// The allergens of a recipe that are not free, with what the kitchen cannot keep apart.
    fn allergens(&self, recipe: &[RecipeLine], cross_contact: &[Allergen]) -> Declared {
        let unknown = Declared::new();
        let parts = recipe.iter().map(|line| {
            self.declared
                .get(line.ingredient.as_str())
                .copied()
                .unwrap_or(&unknown)
        });
        let mut worst = mixture(parts);
        for allergen in cross_contact {
            let presence = worst.entry(*allergen).or_insert(Presence::MayContain);
            *presence = (*presence).max(Presence::MayContain);
        }
        worst.retain(|_, presence| *presence != Presence::Free);
        worst
    }
}
