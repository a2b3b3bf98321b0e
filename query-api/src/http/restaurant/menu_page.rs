//! A menu as customers read it: in one language, with today's prices and what can be had. Recipes are
//! the shop's own; the allergens that follow from them are shown.

use std::collections::{BTreeMap, BTreeSet};

use domain::kernel::allergen::{Declared, Diet, Presence, mixture};
use infra::availability::Unavailable;
use infra::dish_range::DishRange;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::menu_source::{
    GroupLink, Item, MenuDocument, MenuOption, OptionGroup, OptionRef, OptionRule, PriceBy,
    RecipeLine, Section, Texts,
};
use crate::language::pick;

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
    /// What options ask of each other.
    rules: Vec<RulePage>,
}

/// A section.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SectionPage {
    /// The shop's key.
    key: String,
    /// Its name.
    #[schema(value_type = Object)]
    name: Shown,
    /// Weekly ranges on the shop's clock in which it is sold; always when there are none.
    #[schema(value_type = Vec<Object>)]
    dayparts: Vec<Value>,
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
    /// Its allergens with whatever options bring the most of each.
    #[schema(value_type = Object)]
    allergens_possible: Declared,
    /// The diets that it fits however it is ordered.
    #[schema(value_type = Vec<String>)]
    diets: BTreeSet<Diet>,
    /// The diets that it can be ordered to fit.
    #[schema(value_type = Vec<String>)]
    diets_possible: BTreeSet<Diet>,
    /// How old its buyer must be, in years.
    minimum_age: Option<u8>,
    /// Weekly ranges on the shop's clock in which it is sold; always when there are none.
    #[schema(value_type = Vec<Object>)]
    sale_hours: Vec<Value>,
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
    /// What it adds to the price, in minor units, or takes off.
    price_minor: i64,
    /// What it adds instead where another group decides.
    price_by: Option<PriceBy>,
    /// How firm it makes the noodles.
    firmness: Option<String>,
    /// How old its buyer must be, in years.
    minimum_age: Option<u8>,
    /// The groups that choosing it opens.
    groups: Vec<GroupLink>,
    /// What it adds to the allergens.
    #[schema(value_type = Object)]
    allergens: Declared,
}

/// What one option asks of others on the same dish.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RulePage {
    /// The shop's key.
    key: String,
    /// `requires` (one of them), `excludes` (any of them) or `implies` (they come along).
    kind: String,
    /// The option that asks.
    when: OptionRef,
    /// The options that are asked for, or against.
    then: Vec<OptionRef>,
    /// Why, in the shop's words.
    #[schema(value_type = Object)]
    reason: Shown,
    /// The items that it is for; all when there are none.
    items: Vec<String>,
}

/// A text in one language, or in all of them.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Shown {
    One(String),
    All(Texts),
}

impl MenuPage {
    /// The page of a menu in `language`, or in all of them.
    pub(crate) fn new(
        restaurant_id: Uuid,
        publication: i32,
        document: &MenuDocument,
        prices: &BTreeMap<String, i64>,
        ranges: &BTreeMap<String, DishRange>,
        unavailable: &Unavailable,
        language: Option<&str>,
    ) -> Self {
        let writer = Writer {
            document,
            prices,
            ranges,
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
            rules: document
                .rules
                .iter()
                .map(|rule| writer.rule(rule))
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
    ranges: &'a BTreeMap<String, DishRange>,
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
            dayparts: section.dayparts.clone(),
            items: section.items.iter().map(|item| self.item(item)).collect(),
        }
    }

    fn item(&self, item: &Item) -> ItemPage {
        let range = self.ranges.get(&item.key);
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
            allergens: range
                .map(|range| doubtful(&range.plain))
                .unwrap_or_default(),
            allergens_possible: range.map(|range| doubtful(&range.most)).unwrap_or_default(),
            diets: range.map(|range| range.always.clone()).unwrap_or_default(),
            diets_possible: range
                .map(|range| range.possible.clone())
                .unwrap_or_default(),
            minimum_age: item.minimum_age,
            sale_hours: item.sale_hours.clone(),
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
                price_minor: self
                    .prices
                    .get(&format!("{}/{}", group.key, option.key))
                    .copied()
                    .unwrap_or(option.price_minor),
                price_by: option.price_by.clone(),
                firmness: option.firmness.clone(),
                minimum_age: option.minimum_age,
                groups: option.groups.clone(),
                allergens: self.allergens(&option.recipe),
            });
        GroupPage {
            key: group.key.clone(),
            name: self.text(&group.name),
            options: options.collect(),
        }
    }

    fn rule(&self, rule: &OptionRule) -> RulePage {
        RulePage {
            key: rule.key.clone(),
            kind: rule.kind.clone(),
            when: rule.when.clone(),
            then: rule.then.clone(),
            reason: self.text(&rule.reason),
            items: rule.items.clone(),
        }
    }

    /// The allergens of an option's own recipe that are not free.
    fn allergens(&self, recipe: &[RecipeLine]) -> Declared {
        let unknown = Declared::new();
        let parts = recipe.iter().map(|line| {
            self.declared
                .get(line.ingredient.as_str())
                .copied()
                .unwrap_or(&unknown)
        });
        doubtful(&mixture(parts))
    }
}

/// What is not free of doubt.
fn doubtful(declared: &Declared) -> Declared {
    let not_free = declared
        .iter()
        .filter(|(_, presence)| **presence != Presence::Free);
    not_free
        .map(|(allergen, presence)| (*allergen, *presence))
        .collect()
}
