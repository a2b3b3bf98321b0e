//! What can happen to a menu.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};

use crate::decider::Event;
use crate::kernel::key::Key;
use crate::kernel::money::{Price, PriceDelta};
use crate::restaurant::menu_document::{MenuDocument, OptionRef};

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
    /// An option adds something else to prices until the next publication.
    OptionPriceSet {
        /// Which.
        option: OptionRef,
        /// What it adds now, or takes off.
        price_minor: PriceDelta,
    },
    /// An option is on or off, over publications that keep it.
    OptionAvailabilitySet {
        /// Which.
        option: OptionRef,
        /// Whether it can be chosen.
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
    use super::{Arc, MenuDocument, MenuEvent, OptionRef, Price, PriceDelta};
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
            MenuEvent::OptionPriceSet {
                option: egg(),
                price_minor: good(PriceDelta::try_from(-20)),
            },
            MenuEvent::OptionAvailabilitySet {
                option: egg(),
                available: false,
            },
        ]
    }

    fn egg() -> OptionRef {
        OptionRef {
            group: key("toppings"),
            option: key("egg"),
        }
    }

    /// A small menu that uses every member of the document.
    fn document() -> MenuDocument {
        json(
            r#"{
            "currency": "JPY", "default_language": "ja", "cross_contact": ["buckwheat"],
            "ingredients": [
              {"key": "noodles", "name": {"ja": "麺", "en": "Noodles"}, "unit": "g", "allergens": {"gluten": "contains", "egg": "may_contain"},
               "diets": ["vegan"]},
              {"key": "broth", "name": {"ja": "味噌スープ"}, "unit": "ml", "allergens": {"soy": "contains", "gluten": "free"}},
              {"key": "egg", "name": {"ja": "味玉"}, "unit": "piece", "allergens": {"egg": "contains"}}],
            "option_groups": [
              {"key": "toppings", "name": {"ja": "トッピング"}, "options": [
                {"key": "egg", "name": {"ja": "味玉"}, "price_minor": 150, "recipe": [{"ingredient": "egg", "amount": 1}],
                 "price_by": {"group": "firmness", "prices": {"kata": 140}}, "tax_class": "food", "minimum_age": 18,
                 "groups": [{"group": "yolk", "min": 0, "max": 1, "max_per_option": 1}]}]},
              {"key": "firmness", "name": {"ja": "麺の硬さ"}, "options": [
                {"key": "kata", "name": {"ja": "硬め"}, "price_minor": 0, "recipe": [], "firmness": "kata", "cook_seconds": 75}]},
              {"key": "yolk", "name": {"ja": "黄身"}, "options": [
                {"key": "soft", "name": {"ja": "半熟"}, "price_minor": 0, "recipe": []}]}],
            "rules": [
              {"key": "soft-egg", "kind": "requires", "when": {"group": "yolk", "option": "soft"},
               "then": [{"group": "firmness", "option": "kata"}], "reason": {"ja": "硬麺だけ"}, "items": ["miso"]}],
            "sections": [
              {"key": "ramen", "name": {"ja": "ラーメン"}, "dayparts": [{"weekday": "mon", "opens": "11:00", "closes": "15:00"}], "items": [
                {"key": "miso", "name": {"ja": "味噌ラーメン"}, "description": {"ja": "濃厚"}, "price_minor": 1050, "tax_class": "food",
                 "recipe": [{"ingredient": "noodles", "amount": 150}, {"ingredient": "broth", "amount": 350}],
                 "ramen": {"style": "miso", "broth": {"base": "mixed", "richness": 4}, "noodle_tenths_mm": 20,
                           "cook_seconds": 120, "pack_seconds": 60, "packaging": "split_hot", "serving": "hot"},
                 "groups": [{"group": "toppings", "min": 0, "max": 2, "max_per_option": 2, "max_distinct": 1, "included_free": 1},
                            {"group": "firmness", "min": 1, "max": 1, "max_per_option": 1}],
                 "minimum_age": 16, "sale_hours": [{"weekday": "mon", "opens": "12:00", "closes": "14:00"}],
                 "popularity": 1}]}]}"#,
        )
    }
}
