//! A double-entry book: every posting takes from one account what it gives to another.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Balances by currency and account, in minor units.
#[derive(Debug, Default)]
pub(crate) struct Book {
    balances: BTreeMap<(String, &'static str), i64>,
}

impl Book {
    /// Moves `amount` minor units of `currency` from one account to another.
    pub(crate) fn post(
        &mut self,
        currency: &str,
        amount: i64,
        from: &'static str,
        to: &'static str,
    ) {
        for (account, change) in [(from, -amount), (to, amount)] {
            *self
                .balances
                .entry((currency.to_owned(), account))
                .or_default() += change;
        }
    }

    /// The balance of an account.
    pub(crate) fn balance(&self, currency: &str, account: &'static str) -> i64 {
        self.balances
            .get(&(currency.to_owned(), account))
            .copied()
            .unwrap_or_default()
    }

    /// The currencies in which anything was posted.
    pub(crate) fn currencies(&self) -> Vec<String> {
        let mut all: Vec<String> = self
            .balances
            .keys()
            .map(|(currency, _)| currency.clone())
            .collect();
        all.dedup();
        all
    }

    /// All balances, with the sum of each currency, which is zero.
    pub(crate) fn shown(&self) -> Value {
        let mut shown = serde_json::Map::new();
        for currency in self.currencies() {
            let of = |(found, _): &(&(String, &'static str), &i64)| found.0 == currency;
            let accounts: BTreeMap<&str, i64> = self
                .balances
                .iter()
                .filter(of)
                .map(|((_, name), sum)| (*name, *sum))
                .collect();
            let sum: i64 = accounts.values().sum();
            shown.insert(currency, json!({ "accounts": accounts, "sum": sum }));
        }
        Value::Object(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postings_sum_to_zero() {
        let mut book = Book::default();
        book.post("usd", 2500, "customers", "platform");
        book.post("usd", 103, "platform", "fees");
        assert_eq!(book.balance("usd", "platform"), 2397);
        assert_eq!(book.shown()["usd"]["sum"], 0);
    }
}
