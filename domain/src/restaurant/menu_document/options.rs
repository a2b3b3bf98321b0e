//! The parts of a menu document that are chosen from: option groups, how they are offered, what an option costs, and
//! the rules between options. Plain values; what they must keep to is in `menu::check_document`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::bowl::Firmness;
use crate::kernel::key::Key;
use crate::kernel::money::{Price, PriceDelta};
use crate::kernel::quantity::{IngredientAmount, Seconds};
use crate::kernel::tax::TaxClass;
use crate::kernel::text::LocalizedText;

/// Options to choose from, for instance toppings or firmness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct OptionGroup {
    /// The shop's key for it.
    #[schema(inline)]
    pub key: Key,
    /// What it is called.
    #[schema(inline)]
    pub name: LocalizedText,
    /// At least one.
    pub options: Vec<MenuOption>,
}

/// One option of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct MenuOption {
    /// The shop's key for it, within its group.
    #[schema(inline)]
    pub key: Key,
    /// What it is called.
    #[schema(inline)]
    pub name: LocalizedText,
    // Published as the plain price it was before it could be negative: the same number on the wire.
    /// What it adds to the price, or takes off when negative.
    #[schema(inline)]
    #[schemars(with = "Price")]
    pub price_minor: PriceDelta,
    /// What it adds instead where another group decides, for instance the size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_by: Option<PriceBy>,
    /// How it is taxed; as the item when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_class: Option<TaxClass>,
    /// What it adds to the recipe; nothing for "no onions".
    #[serde(default)]
    pub recipe: Vec<IngredientAmount>,
    /// How firm it makes the noodles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmness: Option<Firmness>,
    /// How long the noodles boil then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub cook_seconds: Option<Seconds>,
    /// How old a buyer must be, in years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_age: Option<u8>,
    /// The groups that choosing it opens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupLink>,
}

/// Prices of an option by what is chosen in another group of the same item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct PriceBy {
    /// The group that decides; the item offers it itself and takes one of it.
    #[schema(inline)]
    pub group: Key,
    /// The price by option of that group; one that is not listed leaves the option's `price_minor`.
    #[schema(value_type = BTreeMap<String, i64>)]
    pub prices: BTreeMap<Key, PriceDelta>,
}

/// How an item, or an option, offers a group of options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct GroupLink {
    /// The group.
    #[schema(inline)]
    pub group: Key,
    /// How many must be chosen; 0 makes it optional.
    pub min: u32,
    /// How many may be chosen.
    pub max: u32,
    /// How many of the same.
    pub max_per_option: u32,
    /// How many different ones; as many as there are when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_distinct: Option<u32>,
    /// How many of the chosen cost nothing: the dearest ones.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub included_free: u32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What one option asks of others on the same dish.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct OptionRule {
    /// The shop's key for it.
    #[schema(inline)]
    pub key: Key,
    /// What it asks.
    pub kind: RuleKind,
    /// The option that asks, wherever in the dish it is chosen.
    pub when: OptionRef,
    /// The options that are asked for, or against.
    pub then: Vec<OptionRef>,
    /// Why, in the shop's words: shown to people who break it.
    #[schema(inline)]
    pub reason: LocalizedText,
    /// The items that it is for; all when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub items: Vec<Key>,
}

/// What a rule asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// At least one of the others must be chosen too.
    Requires,
    /// None of the others may be chosen.
    Excludes,
    /// Each of the others comes along, one of it and at its price, unless it was chosen anyway.
    Implies,
}

/// An option by its group.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, ToSchema,
)]
pub struct OptionRef {
    /// The group.
    #[schema(inline)]
    pub group: Key,
    /// The option in it.
    #[schema(inline)]
    pub option: Key,
}

impl std::fmt::Display for OptionRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.group, self.option)
    }
}

impl OptionRule {
    /// Whether it holds for an item.
    pub fn is_for(&self, item: &Key) -> bool {
        self.items.is_empty() || self.items.contains(item)
    }
}

impl MenuOption {
    /// What it adds to the price of a dish; `chosen` gives the option that the dish has of a group of its own.
    pub fn price<'a>(&'a self, chosen: impl Fn(&Key) -> Option<&'a Key>) -> i64 {
        let by = self.price_by.as_ref();
        let price = by.and_then(|by| by.prices.get(chosen(&by.group)?));
        price.unwrap_or(&self.price_minor).minor()
    }
}

impl GroupLink {
    /// How many can be chosen of so many different options.
    pub fn reach(&self, options: usize) -> u32 {
        let options = u32::try_from(options).unwrap_or(u32::MAX);
        options
            .min(self.max_distinct.unwrap_or(u32::MAX))
            .saturating_mul(self.max_per_option)
    }
}

crate::collect_struct!(OptionGroup { key, name, options });
crate::collect_struct!(MenuOption {
    key, name, price_minor, price_by, tax_class, recipe = Vec::new(), firmness, cook_seconds,
    minimum_age, groups = Vec::new(),
});
crate::collect_struct!(PriceBy { group, prices });
crate::collect_struct!(GroupLink {
    group, min, max, max_per_option, max_distinct, included_free = 0,
});
crate::collect_struct!(OptionRule {
    key, kind, when, then, reason, items = Vec::new(),
});
crate::collect_struct!(OptionRef { group, option });
crate::kernel::collect::leaf!(RuleKind => "rule_kind_unknown");
