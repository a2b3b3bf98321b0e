//! A menu document as `views.menus` keeps it, as far as customers see it: recipes stay for the allergens that follow from
//! them, all else that is the shop's own is skipped.

use std::collections::{BTreeMap, BTreeSet};

use domain::kernel::allergen::Declared;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A text by language.
pub(crate) type Texts = BTreeMap<String, String>;

/// A menu document as the view keeps it; members that customers do not see are skipped.
#[derive(Debug, Deserialize)]
pub(crate) struct MenuDocument {
    pub(crate) currency: String,
    pub(crate) default_language: String,
    pub(crate) ingredients: Vec<Ingredient>,
    pub(crate) option_groups: Vec<OptionGroup>,
    #[serde(default)]
    pub(crate) rules: Vec<OptionRule>,
    pub(crate) sections: Vec<Section>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Ingredient {
    pub(crate) key: String,
    pub(crate) allergens: Declared,
}

#[derive(Debug, Deserialize)]
pub(crate) struct OptionGroup {
    pub(crate) key: String,
    pub(crate) name: Texts,
    pub(crate) options: Vec<MenuOption>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct MenuOption {
    pub(crate) key: String,
    pub(crate) name: Texts,
    pub(crate) price_minor: i64,
    #[serde(default)]
    pub(crate) recipe: Vec<RecipeLine>,
    #[serde(default)]
    pub(crate) price_by: Option<PriceBy>,
    #[serde(default)]
    pub(crate) firmness: Option<String>,
    #[serde(default)]
    pub(crate) minimum_age: Option<u8>,
    #[serde(default)]
    pub(crate) groups: Vec<GroupLink>,
}

/// A rule between options, its reason in every language.
#[derive(Debug, Deserialize)]
pub(crate) struct OptionRule {
    pub(crate) key: String,
    pub(crate) kind: String,
    pub(crate) when: OptionRef,
    pub(crate) then: Vec<OptionRef>,
    pub(crate) reason: Texts,
    #[serde(default)]
    pub(crate) items: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Section {
    pub(crate) key: String,
    pub(crate) name: Texts,
    #[serde(default)]
    pub(crate) dayparts: Vec<Value>,
    pub(crate) items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Item {
    pub(crate) key: String,
    pub(crate) name: Texts,
    #[serde(default)]
    pub(crate) description: Option<Texts>,
    pub(crate) price_minor: i64,
    #[serde(default)]
    pub(crate) ramen: Option<Value>,
    #[serde(default)]
    pub(crate) groups: Vec<GroupLink>,
    #[serde(default)]
    pub(crate) minimum_age: Option<u8>,
    #[serde(default)]
    pub(crate) sale_hours: Vec<Value>,
    #[serde(default)]
    pub(crate) popularity: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RecipeLine {
    pub(crate) ingredient: String,
}

/// How an item, or an option, offers a group of options.
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
    /// How many different ones; as many as there are when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_distinct: Option<u32>,
    /// How many of the chosen cost nothing: the dearest ones.
    #[serde(default)]
    included_free: u32,
}

/// Prices of an option by what is chosen in another group of the same item.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct PriceBy {
    /// The group that decides.
    group: String,
    /// The price in minor units, by option of that group.
    prices: BTreeMap<String, i64>,
}

/// An option by its group.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct OptionRef {
    /// The group.
    group: String,
    /// The option in it.
    option: String,
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
