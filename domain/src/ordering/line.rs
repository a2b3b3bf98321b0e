//! Lines of carts and orders: what was chosen, and what an order keeps of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::quote::FirmerNoodles;
use crate::collect_struct;
use crate::kernel::bowl::{Firmness, Packaging, Style};
use crate::kernel::collect::leaf;
use crate::kernel::key::Key;
use crate::kernel::quantity::{Amount, IngredientAmount, Quantity, Seconds};
use crate::kernel::sample;
use crate::kernel::sealed::Sealed;
use crate::kernel::tax::TaxClass;
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

/// One unit of a line of an order: a bowl with clocks of its own, or a piece beside it.
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
#[serde(deny_unknown_fields)]
pub struct BowlRef {
    /// Its line.
    #[schema(value_type = u32)]
    pub line: LineId,
    /// Its number in the line, from 1.
    pub bowl: u32,
}

collect_struct!(BowlRef { line, bowl });

/// One option of an item and how many of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionChoice {
    /// The option group of the menu.
    pub group: Key,
    /// The option in that group.
    pub option: Key,
    /// How many of it per unit of the line, or of the option that holds it.
    pub quantity: Quantity,
    /// What is chosen of the option's own groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub options: Vec<OptionChoice>,
}

collect_struct!(OptionChoice {
    group, option, quantity, options = Vec::new(),
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
    /// Put another dish in its place: the one that the line names, or one of the shop's choice.
    Substitute,
    /// Cancel the whole order.
    Cancel,
    /// Ask the customer.
    Ask,
}

leaf! {
    LineId => "line_malformed",
    Shortage => "shortage_unknown",
}

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
    /// The item to put in its place; the shop chooses when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substitute: Option<Key>,
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
                options: vec![OptionChoice {
                    group: sample::key("wheat"),
                    option: sample::key("whole"),
                    quantity: Quantity::ONE,
                    options: Vec::new(),
                }],
            }],
            note: Some(sample::sealed("ordering.cart", "note")),
            shortage: Shortage::Substitute,
            substitute: Some(sample::key("miso")),
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
    /// How many of it per unit of the line, or of the option that holds it.
    pub quantity: Quantity,
    /// How many of them cost nothing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub free: u32,
    /// Price of one, in minor units of the order's currency; negative for what is taken off.
    pub price_minor: i64,
    /// How it is taxed when not as its item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_class: Option<TaxClass>,
    /// Whether a rule of the menu brought it along, rather than the customer's choice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub implied: bool,
    /// The options of the option.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<OrderOption>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// An option of a line as it is charged.
#[derive(Clone, Debug)]
pub struct ChargedOption<'a> {
    /// The option.
    pub option: &'a OrderOption,
    /// The groups and options that lead to it, from the line's number on: `3/toppings/egg`.
    pub reference: String,
    /// What it comes to on the whole line, without the options that it holds.
    pub amount_minor: i64,
}

fn charge<'a>(
    options: &'a [OrderOption],
    holder: &str,
    pieces: i64,
    charged: &mut Vec<ChargedOption<'a>>,
) -> Option<()> {
    for option in options {
        let reference = format!("{holder}/{}/{}", option.group, option.option);
        let paid = i64::from(option.quantity.get().checked_sub(option.free)?);
        let within = pieces.checked_mul(i64::from(option.quantity.get()))?;
        let amount_minor = option.price_minor.checked_mul(paid)?.checked_mul(pieces)?;
        charged.push(ChargedOption {
            option,
            reference: reference.clone(),
            amount_minor,
        });
        charge(&option.options, &reference, within, charged)?;
    }
    Some(())
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
    /// How firm the noodles are boiled, when the menu offers that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmness: Option<Firmness>,
    /// What was asked for, when they are boiled firmer because they travel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<AskedNoodles>,
}

/// Noodles as a customer wants them on the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AskedNoodles {
    /// How firm.
    pub firmness: Firmness,
    /// Time in the boiler for that.
    pub cook_seconds: Seconds,
}

impl BowlSpec {
    /// Noodles that do not travel are boiled as they were asked for.
    fn eat_here(&mut self) {
        if let Some(asked) = self.asked.take() {
            self.firmness = Some(asked.firmness);
            self.cook_seconds = asked.cook_seconds;
        }
    }
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
    /// The item that the customer would take instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substitute: Option<Key>,
    /// Price of one without options, in minor units of the order's currency.
    pub unit_price_minor: i64,
    /// How old the buyer must be, in years; whoever hands it over looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_age: Option<u8>,
    /// Present when the item is a bowl whose clocks run; sides and drinks have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bowl: Option<BowlSpec>,
}

/// What one of a line takes from stock. An order keeps it, so that what is left out of it is free again whatever
/// the menu says by then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineNeeds {
    /// The line.
    pub line: LineId,
    /// What one of it takes.
    pub of_one: Vec<IngredientAmount>,
}

impl LineNeeds {
    /// What these lines take altogether; the same ingredient may stand there more than once. Nothing when that is more
    /// than can be counted.
    pub fn of_all(lines: &[OrderLine], needs: &[Self]) -> Option<Vec<IngredientAmount>> {
        let mut all = Vec::new();
        for line in lines {
            let of_one = needs.iter().find(|needs| needs.line == line.line);
            for need in of_one.iter().flat_map(|needs| &needs.of_one) {
                all.push(IngredientAmount {
                    ingredient: need.ingredient.clone(),
                    amount: need.amount.checked_mul(line.quantity.get())?,
                });
            }
        }
        Some(all)
    }

    /// For samples of events.
    pub(crate) fn sample() -> Self {
        Self {
            line: LineId::new(1),
            of_one: vec![IngredientAmount {
                ingredient: sample::key("noodles"),
                amount: Amount::try_from(120).expect("an amount"),
            }],
        }
    }
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
                free: 0,
                price_minor: 0,
                tax_class: None,
                implied: false,
                options: vec![OrderOption {
                    group: sample::key("wheat"),
                    option: sample::key("whole"),
                    name: sample::english("Whole wheat"),
                    quantity: Quantity::ONE,
                    free: 1,
                    price_minor: 50,
                    tax_class: Some(TaxClass::Food),
                    implied: true,
                    options: Vec::new(),
                }],
            }],
            note: choice.note,
            shortage: choice.shortage,
            substitute: choice.substitute,
            unit_price_minor: 980,
            bowl: Some(BowlSpec {
                style: Style::HakataTonkotsu,
                cook_seconds: Seconds::new(45),
                pack_seconds: Seconds::new(60),
                packaging: Packaging::SplitHot,
                noodle_tenths_mm: 12,
                firmness: Some(Firmness::Kata),
                asked: Some(AskedNoodles {
                    firmness: Firmness::Futsu,
                    cook_seconds: Seconds::new(60),
                }),
            }),
            minimum_age: Some(20),
        }
    }

    /// Every option with what it comes to, an option's own after it; nothing when that overflows.
    pub fn charged_options(&self) -> Option<Vec<ChargedOption<'_>>> {
        let mut charged = Vec::new();
        let pieces = i64::from(self.quantity.get());
        charge(&self.options, &self.line.to_string(), pieces, &mut charged)?;
        Some(charged)
    }

    /// How firm the noodles are boiled when that is not what was asked for.
    pub fn firmer_noodles(&self) -> Option<FirmerNoodles> {
        let bowl = self.bowl.as_ref()?;
        Some(FirmerNoodles {
            asked: bowl.asked?.firmness,
            boiled: bowl.firmness?,
        })
    }

    /// The line when its customer fetches it before it is boiled.
    pub(super) fn eat_here(&mut self) {
        if let Some(bowl) = &mut self.bowl {
            bowl.eat_here();
        }
    }

    /// How many bowls with clocks the line has.
    pub fn bowls(&self) -> u32 {
        self.bowl.as_ref().map_or(0, |_| self.quantity.get())
    }
}
