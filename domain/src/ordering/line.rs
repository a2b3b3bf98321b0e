//! Lines of carts and orders: what was chosen, and what an order keeps of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::collect_struct;
use crate::kernel::bowl::{Packaging, Style};
use crate::kernel::collect::leaf;
use crate::kernel::key::Key;
use crate::kernel::quantity::{Quantity, Seconds};
use crate::kernel::sample;
use crate::kernel::sealed::Sealed;
use crate::kernel::text::{LocalizedText, Note};

/// A line's number in its cart, from 1, kept by the order and never used again.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    ToSchema,
)]
#[serde(transparent)]
pub struct LineId(u32);

impl LineId {
    /// Takes a number to be a line's.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for LineId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// One option of an item and how many of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionChoice {
    /// The option group of the menu.
    pub group: Key,
    /// The option in that group.
    pub option: Key,
    /// How many of it per unit of the line.
    pub quantity: Quantity,
}

collect_struct!(OptionChoice {
    group,
    option,
    quantity
});

/// What to do when the shop runs out of a line after it was ordered.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Shortage {
    /// Leave the line out and return its price.
    #[default]
    Refund,
    /// Cancel the whole order.
    Cancel,
}

leaf!(Shortage => "shortage_unknown");

/// A line of a cart as the customer composed it: choices only, no prices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LineChoice {
    /// The item of the menu.
    pub item: Key,
    /// How many of it.
    pub quantity: Quantity,
    /// Chosen options, each at most once.
    pub options: Vec<OptionChoice>,
    /// A wish in the customer's own words, sealed because people write about themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Sealed<Note>>,
    /// What to do when the shop runs out.
    pub shortage: Shortage,
}

impl LineChoice {
    /// For samples of events.
    pub(crate) fn sample() -> Self {
        Self {
            item: sample::key("tonkotsu"),
            quantity: Quantity::ONE,
            options: vec![OptionChoice {
                group: sample::key("firmness"),
                option: sample::key("kata"),
                quantity: Quantity::ONE,
            }],
            note: Some(sample::sealed("ordering.cart", "note")),
            shortage: Shortage::Refund,
        }
    }
}

/// An option as an order keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderOption {
    /// The option group of the menu.
    pub group: Key,
    /// The option in that group.
    pub option: Key,
    /// Its name when it was ordered, in the menu's languages.
    pub name: LocalizedText,
    /// How many of it per unit of the line.
    pub quantity: Quantity,
    /// Price of one, in minor units of the order's currency.
    pub price_minor: i64,
}

/// What the kitchen must know of a bowl to run its clocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BowlSpec {
    /// The style, which decides the clocks.
    pub style: Style,
    /// Time in the boiler, with the chosen firmness.
    pub cook_seconds: Seconds,
    /// Time from boiler to sealed.
    pub pack_seconds: Seconds,
    /// How it travels.
    pub packaging: Packaging,
    /// Noodle thickness in tenths of a millimetre.
    pub noodle_tenths_mm: u32,
}

/// A line of an order: everything is copied, so that a later menu cannot alter it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderLine {
    /// The line's number in its cart.
    pub line: LineId,
    /// The item of the menu.
    pub item: Key,
    /// Its name when it was ordered, in the menu's languages.
    pub name: LocalizedText,
    /// How many of it.
    pub quantity: Quantity,
    /// The chosen options.
    pub options: Vec<OrderOption>,
    /// The customer's wish, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Sealed<Note>>,
    /// What to do when the shop runs out.
    pub shortage: Shortage,
    /// Price of one without options, in minor units of the order's currency.
    pub unit_price_minor: i64,
    /// Present when the item is a bowl whose clocks run; sides and drinks have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bowl: Option<BowlSpec>,
}

impl OrderLine {
    /// For samples of events.
    pub(crate) fn sample() -> Self {
        let choice = LineChoice::sample();
        Self {
            line: LineId::new(1),
            item: choice.item,
            name: sample::english("Tonkotsu ramen"),
            quantity: choice.quantity,
            options: vec![OrderOption {
                group: sample::key("firmness"),
                option: sample::key("kata"),
                name: sample::english("Firm"),
                quantity: Quantity::ONE,
                price_minor: 0,
            }],
            note: choice.note,
            shortage: choice.shortage,
            unit_price_minor: 980,
            bowl: Some(BowlSpec {
                style: Style::HakataTonkotsu,
                cook_seconds: Seconds::new(45),
                pack_seconds: Seconds::new(60),
                packaging: Packaging::SplitHot,
                noodle_tenths_mm: 12,
            }),
        }
    }

    /// How many bowls with clocks the line has.
    pub fn bowls(&self) -> u32 {
        self.bowl.as_ref().map_or(0, |_| self.quantity.get())
    }
}
