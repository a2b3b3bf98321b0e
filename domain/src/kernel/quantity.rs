//! Counts and measures, each its own type: pieces on a line, amounts of ingredients, minutes, seconds, metres.
#![deny(clippy::arithmetic_side_effects, clippy::float_arithmetic)]

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bounded::bounded;
use super::key::Key;

bounded! {
    /// How many of something are on a line: 1 to 99.
    Quantity(u32 as "u32", 1 to 99) => "quantity_out_of_range", "a quantity is 1 to 99";
    /// An amount of an ingredient in the ingredient's unit: 0 to 10¹².
    #[derive(Default)]
    Amount(i64 as "i64", 0 to 1_000_000_000_000_i64)
        => "amount_out_of_range", "an amount is 0 to 1000000000000";
    /// Minutes, at most a year of them.
    #[derive(Default)]
    Minutes(u32 as "u32", 0 to 527_040) => "minutes_out_of_range", "the number is 0 to 527040";
    /// Seconds, at most a year of them.
    #[derive(Default)]
    Seconds(u32 as "u32", 0 to 31_622_400)
        => "seconds_out_of_range", "the number is 0 to 31622400";
    /// Metres, at most half round the earth.
    #[derive(Default)]
    Metres(u32 as "u32", 0 to 20_040_000) => "metres_out_of_range", "the number is 0 to 20040000";
}

impl Quantity {
    /// One.
    pub const ONE: Self = Self(1);

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// The highest amount of an ingredient, in its unit: 10¹² (a million tonnes of noodles in grams).
pub const AMOUNT_MAX: i64 = 1_000_000_000_000;

impl Amount {
    /// None of it.
    pub const ZERO: Self = Self(0);

    /// The number, in the ingredient's unit.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whether it is none.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, unless it is above the highest amount.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::try_from(self.0.checked_add(other.0)?).ok()
    }

    /// The difference, unless it is below none.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        Self::try_from(self.0.checked_sub(other.0)?).ok()
    }

    /// The amount `times` over, unless it is above the highest.
    pub fn checked_mul(self, times: u32) -> Option<Self> {
        Self::try_from(self.0.checked_mul(i64::from(times))?).ok()
    }
}

/// So much of an ingredient: a line of a recipe, of a hold's needs, of a delivery of goods.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    schemars::JsonSchema,
)]
pub struct IngredientAmount {
    /// The ingredient's key in the shop's menu.
    #[schema(inline)]
    pub ingredient: Key,
    /// How much, in the ingredient's unit.
    #[schema(inline)]
    pub amount: Amount,
}

crate::collect_struct!(IngredientAmount { ingredient, amount });

/// What an ingredient is counted in.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Grams.
    G,
    /// Millilitres.
    Ml,
    /// Pieces.
    Piece,
}

macro_rules! measures {
    ($($name:ident up to $max:literal),+ $(,)?) => { $(
        impl $name {
            /// The most that is accepted.
            pub const MAX: Self = Self($max);

            /// A constant of the code, held to the most that is accepted.
            pub const fn new(number: u32) -> Self {
                if number > $max { Self::MAX } else { Self(number) }
            }

            /// The number.
            pub const fn get(self) -> u32 {
                self.0
            }
        }
    )+ };
}

measures! {
    Minutes up to 527_040,
    Seconds up to 31_622_400,
    Metres up to 20_040_000,
}

impl Minutes {
    /// As a span of time.
    pub fn span(self) -> chrono::TimeDelta {
        chrono::TimeDelta::minutes(i64::from(self.0))
    }
}

impl Seconds {
    /// As a span of time.
    pub fn span(self) -> chrono::TimeDelta {
        chrono::TimeDelta::seconds(i64::from(self.0))
    }
}

super::collect::leaf!(Unit => "unit_unknown");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_whole_json_numbers_from_1_to_99() {
        for bad in [
            "0",
            "100",
            "-1",
            "1.0",
            "1e3",
            "\"1\"",
            "2147483648",
            "18446744073709551616",
            "null",
        ] {
            assert!(serde_json::from_str::<Quantity>(bad).is_err(), "{bad}");
        }
        assert_eq!(serde_json::from_str::<Quantity>("99").unwrap().get(), 99);
    }

    #[test]
    fn amounts_stay_between_none_and_the_highest() {
        let most = Amount::try_from(AMOUNT_MAX).unwrap();
        let one = Amount::try_from(1).unwrap();
        assert_eq!(most.checked_add(one), None);
        assert_eq!(Amount::ZERO.checked_sub(one), None);
        assert_eq!(most.checked_mul(2), None);
        assert_eq!(one.checked_mul(99).map(Amount::get), Some(99));
    }
}
