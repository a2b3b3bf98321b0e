//! Money: whole minor units of one currency. Checked arithmetic only; no floating point anywhere near it.
#![deny(clippy::arithmetic_side_effects, clippy::float_arithmetic)]

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bounded::{OutOfBounds, bounded};
pub use super::currency::{Currency, CurrencyUnknown};

/// An amount of one currency; negative for what is given back.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Whole minor units of the currency.
    amount_minor: i64,
    /// ISO 4217 code.
    #[schema(inline)]
    currency: Currency,
}

/// Why amounts cannot be joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two currencies.
    #[error("{0} and {1} cannot be joined")]
    CurrencyMismatch(Currency, Currency),
    /// The result does not fit.
    #[error("the amount overflows")]
    Overflow,
}

impl Money {
    /// An amount in minor units.
    pub const fn new(amount_minor: i64, currency: Currency) -> Self {
        Self {
            amount_minor,
            currency,
        }
    }

    /// Nothing, of a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// The amount in minor units.
    pub const fn amount_minor(self) -> i64 {
        self.amount_minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.amount_minor == 0
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError`] for two currencies or an overflow.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.join(other, i64::checked_add)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyError`] for two currencies or an overflow.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.join(other, i64::checked_sub)
    }

    /// The amount `times` over.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn checked_mul(self, times: i64) -> Result<Self, MoneyError> {
        let amount = self
            .amount_minor
            .checked_mul(times)
            .ok_or(MoneyError::Overflow)?;
        Ok(Self::new(amount, self.currency))
    }

    /// Splits the amount by weights, see [`split`].
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when there is no weight to split by.
    pub fn split(self, weights: &[u64]) -> Result<Vec<Self>, MoneyError> {
        let parts = split(self.amount_minor, weights).ok_or(MoneyError::Overflow)?;
        Ok(parts
            .into_iter()
            .map(|part| Self::new(part, self.currency))
            .collect())
    }

    fn join(self, other: Self, by: fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch(self.currency, other.currency));
        }
        let amount = by(self.amount_minor, other.amount_minor).ok_or(MoneyError::Overflow)?;
        Ok(Self::new(amount, self.currency))
    }
}

impl std::fmt::Display for Money {
    /// As people write it, for instance `EUR 12.50` or `JPY 980`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = usize::from(self.currency.minor_digits());
        let sign = if self.amount_minor < 0 { "-" } else { "" };
        let text = format!(
            "{:0>width$}",
            self.amount_minor.unsigned_abs(),
            width = digits.saturating_add(1)
        );
        let (major, minor) = text.split_at(text.len().saturating_sub(digits));
        let point = if digits == 0 { "" } else { "." };
        write!(f, "{} {sign}{major}{point}{minor}", self.currency)
    }
}

bounded! {
    // So that 99 of it on 50 lines are far from overflow.
    /// A price, fee, surcharge or minimum: 0 to 10¹² minor units of the shop's currency.
    #[derive(Default)]
    Price(i64 as "i64", 0 to 1_000_000_000_000_i64)
        => "price_out_of_range", "a price is 0 to 1000000000000 minor units";
    /// A rate in hundredths of a percent: 0 to 100 000 (1,000 %).
    #[derive(Default)]
    BasisPoints(u32 as "u32", 0 to 100_000)
        => "rate_out_of_range", "a rate is 0 to 100000 basis points";
}

/// What an option adds to a price, or takes off: −10¹² to 10¹² minor units of the shop's currency.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
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
#[serde(try_from = "i64", into = "i64")]
#[schema(value_type = i64)]
pub struct PriceDelta(i64);

impl PriceDelta {
    /// The amount in minor units.
    pub const fn minor(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for PriceDelta {
    type Error = OutOfBounds;

    fn try_from(minor: i64) -> Result<Self, Self::Error> {
        if Price::try_from(minor.saturating_abs()).is_ok() {
            Ok(Self(minor))
        } else {
            Err(OutOfBounds(
                "a surcharge is -1000000000000 to 1000000000000 minor units",
            ))
        }
    }
}

impl From<PriceDelta> for i64 {
    fn from(delta: PriceDelta) -> Self {
        delta.0
    }
}

super::collect::leaf!(PriceDelta => "price_out_of_range");

impl Price {
    /// Nothing to pay.
    pub const ZERO: Self = Self(0);

    /// The price in minor units.
    pub const fn minor(self) -> i64 {
        self.0
    }

    /// The price in a currency.
    pub const fn of(self, currency: Currency) -> Money {
        Money::new(self.0, currency)
    }
}

/// One whole, in basis points.
const WHOLE: i128 = 10_000;

impl BasisPoints {
    /// The rate in basis points.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Whether it is nothing.
    pub const fn is_zero(&self) -> bool {
        self.0 == 0
    }

    /// The rate of an amount, halves away from zero. Nothing when it overflows.
    pub fn of(self, amount_minor: i64) -> Option<i64> {
        divide_rounded(
            i128::from(amount_minor).checked_mul(i128::from(self.0))?,
            WHOLE,
        )
    }

    /// What of a gross amount is this rate on its net, halves away from zero: tax included in a price.
    pub fn included_in(self, gross_minor: i64) -> Option<i64> {
        let rate = i128::from(self.0);
        divide_rounded(
            i128::from(gross_minor).checked_mul(rate)?,
            WHOLE.checked_add(rate)?,
        )
    }
}

/// `dividend ÷ divisor`, halves away from zero; `divisor` positive.
fn divide_rounded(dividend: i128, divisor: i128) -> Option<i64> {
    let half = divisor.checked_div(2)?;
    let shifted = if dividend < 0 {
        dividend.checked_sub(half)?
    } else {
        dividend.checked_add(half)?
    };
    i64::try_from(shifted.checked_div(divisor)?).ok()
}

/// Splits an amount in proportion to weights by largest remainder: the parts add up exactly, and each differs from its exact
/// share by less than one minor unit. Equal remainders go to the earlier part. Nothing when all weights are zero.
pub fn split(amount_minor: i64, weights: &[u64]) -> Option<Vec<i64>> {
    let total = weights
        .iter()
        .try_fold(0_u128, |sum, weight| sum.checked_add(u128::from(*weight)))?;
    let amount = u128::from(amount_minor.unsigned_abs());
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    let mut given = 0_u128;
    for (index, weight) in weights.iter().enumerate() {
        let share = amount.checked_mul(u128::from(*weight))?;
        let part = share.checked_div(total)?;
        remainders.push((share.checked_rem(total)?, index));
        given = given.checked_add(part)?;
        parts.push(part);
    }
    let left = usize::try_from(amount.checked_sub(given)?).ok()?;
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, index) in remainders.into_iter().take(left) {
        parts[index] = parts[index].checked_add(1)?;
    }
    let sign = amount_minor.signum();
    parts
        .into_iter()
        .map(|part| i128::try_from(part).ok()?.checked_mul(i128::from(sign)))
        .map(|part| part.and_then(|part| i64::try_from(part).ok()))
        .collect()
}

super::collect::leaf!(Money => "money_malformed");

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(points: u32) -> BasisPoints {
        BasisPoints::try_from(points).unwrap()
    }

    #[test]
    fn money_is_written_with_the_digits_of_its_currency() {
        let text = |amount, code| Money::new(amount, Currency::parse(code).unwrap()).to_string();
        assert_eq!(text(980, "JPY"), "JPY 980");
        assert_eq!(text(1250, "EUR"), "EUR 12.50");
        assert_eq!(text(-5, "EUR"), "EUR -0.05");
        assert_eq!(text(1, "KWD"), "KWD 0.001");
        assert_eq!(text(i64::MIN, "JPY"), "JPY -9223372036854775808");
    }

    #[test]
    fn sums_are_checked() {
        let (yen, euro) = (
            Currency::parse("JPY").unwrap(),
            Currency::parse("EUR").unwrap(),
        );
        let most = Money::new(i64::MAX, yen);
        assert_eq!(
            most.checked_add(Money::new(1, yen)),
            Err(MoneyError::Overflow)
        );
        assert_eq!(
            most.checked_add(Money::zero(euro)),
            Err(MoneyError::CurrencyMismatch(yen, euro))
        );
        assert_eq!(
            Money::new(2, yen)
                .checked_mul(3)
                .unwrap()
                .checked_sub(Money::new(1, yen)),
            Ok(Money::new(5, yen))
        );
    }

    #[test]
    fn rates_round_halves_away_from_zero() {
        assert_eq!(rate(800).of(1000), Some(80));
        assert_eq!(rate(50).of(100), Some(1));
        assert_eq!(rate(50).of(-100), Some(-1));
        assert_eq!(rate(1000).included_in(1100), Some(100));
        assert_eq!(rate(100_000).of(i64::MAX), None);
    }

    #[test]
    fn a_split_gives_the_odd_units_to_the_largest_remainders() {
        assert_eq!(split(100, &[1, 1, 1]), Some(vec![34, 33, 33]));
        assert_eq!(split(-100, &[1, 1, 1]), Some(vec![-34, -33, -33]));
        assert_eq!(split(10, &[0, 3, 7]), Some(vec![0, 3, 7]));
        assert_eq!(split(10, &[0, 0]), None);
        assert_eq!(split(i64::MIN, &[u64::MAX]), Some(vec![i64::MIN]));
    }
}
