//! The document that a menu is: sections, items, ingredients, and the option groups of `options`. Plain values; what
//! they must keep to is in `menu::check_document`.

pub(super) mod items;
mod options;
pub(super) mod rules;
pub(super) mod tree;

pub use options::{GroupLink, MenuOption, OptionGroup, OptionRef, OptionRule, PriceBy, RuleKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::allergen::{Allergen, Declared, Diet};
use crate::kernel::bowl::{BrothBase, Packaging, Serving, Style};
use crate::kernel::hours::OpeningRange;
use crate::kernel::key::Key;
use crate::kernel::money::{Currency, Price};
use crate::kernel::quantity::{IngredientAmount, Seconds, Unit};
use crate::kernel::tax::TaxClass;
use crate::kernel::text::{Language, LocalizedText};

/// A whole menu, as a shop publishes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct MenuDocument {
    /// What its prices are in; the shop's currency.
    #[schema(inline)]
    pub currency: Currency,
    /// The language that every name has.
    #[schema(inline)]
    pub default_language: Language,
    /// Allergens that everything in this kitchen may contain, for instance from the one boiler.
    #[serde(default)]
    pub cross_contact: Vec<Allergen>,
    /// Everything that recipes are made of.
    pub ingredients: Vec<Ingredient>,
    /// Groups of options that items link to.
    pub option_groups: Vec<OptionGroup>,
    /// What options ask of each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<OptionRule>,
    /// The menu as it is read.
    pub sections: Vec<Section>,
}

/// Something that stock is kept of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Ingredient {
    /// The shop's key for it, also in the inventory.
    #[schema(inline)]
    pub key: Key,
    /// What it is called.
    #[schema(inline)]
    pub name: LocalizedText,
    /// What it is counted in.
    pub unit: Unit,
    /// Which allergens are in it; those left out are unknown, which counts as contained.
    #[schema(value_type = std::collections::BTreeMap<String, crate::kernel::allergen::Presence>)]
    pub allergens: Declared,
    /// The diets that it fits; it fits no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diets: Vec<Diet>,
}

/// A part of the menu.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Section {
    /// The shop's key for it.
    #[schema(inline)]
    pub key: Key,
    /// What it is called.
    #[schema(inline)]
    pub name: LocalizedText,
    /// When it is sold, within the shop's hours and in its zone; always when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dayparts: Vec<OpeningRange>,
    /// At least one.
    pub items: Vec<Item>,
}

/// Something that can be ordered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Item {
    /// The shop's key for it, unique in the menu.
    #[schema(inline)]
    pub key: Key,
    /// What it is called.
    #[schema(inline)]
    pub name: LocalizedText,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub description: Option<LocalizedText>,
    /// Its price without options.
    #[schema(inline)]
    pub price_minor: Price,
    /// How it is taxed.
    pub tax_class: TaxClass,
    /// What it is made of, without options.
    pub recipe: Vec<IngredientAmount>,
    /// What makes it a bowl; absent on sides and drinks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramen: Option<RamenFacts>,
    /// The option groups that it offers.
    #[serde(default)]
    pub groups: Vec<GroupLink>,
    /// How old a buyer must be, in years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_age: Option<u8>,
    /// When it is sold, within its section's dayparts; always when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sale_hours: Vec<OpeningRange>,
    /// Where it stands among the shop's items, 1 for the most ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub popularity: Option<u32>,
}

/// What makes an item a bowl of ramen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct RamenFacts {
    /// Its style, which decides its clocks.
    pub style: Style,
    /// Its broth; none in a dry style.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broth: Option<Broth>,
    /// How thick the noodles are, in tenths of a millimetre: 5 to 80.
    pub noodle_tenths_mm: u8,
    /// How long they boil.
    #[schema(inline)]
    pub cook_seconds: Seconds,
    /// How long packing takes.
    #[schema(inline)]
    pub pack_seconds: Seconds,
    /// How it travels.
    pub packaging: Packaging,
    /// How warm it is eaten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving: Option<Serving>,
}

/// A broth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Broth {
    /// What it is made of.
    pub base: BrothBase,
    /// From 1, light, to 5, rich.
    pub richness: u8,
}

crate::collect_struct!(MenuDocument {
    currency, default_language, cross_contact = Vec::new(), ingredients, option_groups,
    rules = Vec::new(), sections,
});
crate::collect_struct!(Ingredient {
    key, name, unit, allergens, diets = Vec::new(),
});
crate::collect_struct!(Section { key, name, dayparts = Vec::new(), items });
crate::collect_struct!(Item {
    key, name, description, price_minor, tax_class, recipe, ramen, groups = Vec::new(),
    minimum_age, sale_hours = Vec::new(), popularity,
});
crate::collect_struct!(RamenFacts {
    style,
    broth,
    noodle_tenths_mm,
    cook_seconds,
    pack_seconds,
    packaging,
    serving
});
crate::collect_struct!(Broth { base, richness });
