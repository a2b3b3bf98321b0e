//! Lines of carts and orders: what was chosen, and what an order keeps of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::collect_struct;
use crate::kernel::bowl::{Packaging, Style};
use crate::kernel::collect::leaf;
use crate::kernel::ids::LineId;
use crate::kernel::key::Key;
use crate::kernel::quantity::Quantity;
use crate::kernel::sealed::Sealed;
use crate::kernel::text::{LocalizedText, Note};
use crate::kernel::time::Seconds;

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

collect_struct!(OptionChoice { group, option, quantity });

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
    /// How many bowls with clocks the line has.
    pub fn bowls(&self) -> u32 {
        self.bowl.as_ref().map_or(0, |_| self.quantity.get())
    }
}
