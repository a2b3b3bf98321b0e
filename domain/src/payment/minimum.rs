//! The least that can be charged, by currency.

use crate::kernel::money::Currency;

/// The smallest charge in minor units. Source: docs.stripe.com/currencies, *minimum charge amounts*.
const MINIMUMS: &[(&str, i64)] = &[
    ("AED", 200),
    ("AUD", 50),
    ("BGN", 100),
    ("BRL", 50),
    ("CAD", 50),
    ("CHF", 50),
    ("CZK", 1500),
    ("DKK", 250),
    ("EUR", 50),
    ("GBP", 30),
    ("HKD", 400),
    ("HUF", 17_500),
    ("INR", 50),
    ("JPY", 50),
    ("MXN", 1000),
    ("MYR", 200),
    ("NOK", 300),
    ("NZD", 50),
    ("PLN", 200),
    ("RON", 200),
    ("SEK", 300),
    ("SGD", 50),
    ("THB", 1000),
    ("USD", 50),
];

/// The least that can be charged in this currency, in minor units. Where the source names none, one.
pub fn minimum_charge_minor(currency: Currency) -> i64 {
    MINIMUMS
        .iter()
        .find(|(code, _)| *code == currency.code())
        .map_or(1, |(_, minimum)| *minimum)
}
