//! What can happen to a menu, and the document that it is.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::decider::Event;
use crate::kernel::allergen::{Allergen, Declared};
use crate::kernel::bowl::{BrothBase, Firmness, Packaging, Style};
use crate::kernel::key::Key;
use crate::kernel::money::{Currency, Price};
use crate::kernel::quantity::{IngredientAmount, Seconds, Unit};
pub use crate::kernel::tax::TaxClass;
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
}

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
    /// What it adds to the price.
    #[schema(inline)]
    pub price_minor: Price,
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
}

/// A broth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Broth {
    /// What it is made of.
    pub base: BrothBase,
    /// From 1, light, to 5, rich.
    pub richness: u8,
}

/// How an item offers a group of options.
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
}

crate::collect_struct!(MenuDocument {
    currency, default_language, cross_contact = Vec::new(), ingredients, option_groups, sections,
});
crate::collect_struct!(Ingredient {
    key,
    name,
    unit,
    allergens
});
crate::collect_struct!(OptionGroup { key, name, options });
crate::collect_struct!(MenuOption { key, name, price_minor, recipe = Vec::new(), firmness, cook_seconds });
crate::collect_struct!(Section { key, name, items });
crate::collect_struct!(Item {
    key, name, description, price_minor, tax_class, recipe, ramen, groups = Vec::new(), popularity,
});
crate::collect_struct!(RamenFacts {
    style,
    broth,
    noodle_tenths_mm,
    cook_seconds,
    pack_seconds,
    packaging
});
crate::collect_struct!(Broth { base, richness });
crate::collect_struct!(GroupLink {
    group,
    min,
    max,
    max_per_option
});

/// A fact in a menu's history.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, IntoStaticStr, VariantNames,
)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MenuEvent {
    /// The menu is now this document, with its prices.
    Published {
        /// All of it.
        document: Arc<MenuDocument>,
        /// The number of this publication, from 1.
        version: u32,
    },
    /// An item costs something else until the next publication.
    PriceSet {
        /// Which.
        item: Key,
        /// The new price.
        price_minor: Price,
    },
    /// An item is on or off, over publications that keep it.
    AvailabilitySet {
        /// Which.
        item: Key,
        /// Whether it can be ordered.
        available: bool,
    },
}

impl Event for MenuEvent {
    fn name(&self) -> &'static str {
        self.into()
    }

    fn samples() -> Vec<Self> {
        samples::all()
    }
}

/// One of every event.
mod samples {
    use super::{Arc, MenuDocument, MenuEvent, Price};
    use crate::kernel::sample::{good, json, key};

    pub(super) fn all() -> Vec<MenuEvent> {
        vec![
            MenuEvent::Published {
                document: Arc::new(document()),
                version: 1,
            },
            MenuEvent::PriceSet {
                item: key("miso"),
                price_minor: good(Price::try_from(1100)),
            },
            MenuEvent::AvailabilitySet {
                item: key("miso"),
                available: false,
            },
        ]
    }

    /// A small menu that uses every member of the document.
    fn document() -> MenuDocument {
        json(
            r#"{
            "currency": "JPY", "default_language": "ja", "cross_contact": ["buckwheat"],
            "ingredients": [
              {"key": "noodles", "name": {"ja": "麺", "en": "Noodles"}, "unit": "g", "allergens": {"gluten": "contains", "egg": "may_contain"}},
              {"key": "broth", "name": {"ja": "味噌スープ"}, "unit": "ml", "allergens": {"soy": "contains", "gluten": "free"}},
              {"key": "egg", "name": {"ja": "味玉"}, "unit": "piece", "allergens": {"egg": "contains"}}],
            "option_groups": [
              {"key": "toppings", "name": {"ja": "トッピング"}, "options": [
                {"key": "egg", "name": {"ja": "味玉"}, "price_minor": 150, "recipe": [{"ingredient": "egg", "amount": 1}]}]},
              {"key": "firmness", "name": {"ja": "麺の硬さ"}, "options": [
                {"key": "kata", "name": {"ja": "硬め"}, "price_minor": 0, "recipe": [], "firmness": "kata", "cook_seconds": 75}]}],
            "sections": [
              {"key": "ramen", "name": {"ja": "ラーメン"}, "items": [
                {"key": "miso", "name": {"ja": "味噌ラーメン"}, "description": {"ja": "濃厚"}, "price_minor": 1050, "tax_class": "food",
                 "recipe": [{"ingredient": "noodles", "amount": 150}, {"ingredient": "broth", "amount": 350}],
                 "ramen": {"style": "miso", "broth": {"base": "mixed", "richness": 4}, "noodle_tenths_mm": 20,
                           "cook_seconds": 120, "pack_seconds": 60, "packaging": "split_hot"},
                 "groups": [{"group": "toppings", "min": 0, "max": 2, "max_per_option": 2},
                            {"group": "firmness", "min": 1, "max": 1, "max_per_option": 1}],
                 "popularity": 1}]}]}"#,
        )
    }
}
