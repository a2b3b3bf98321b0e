//! A menu document while it is put together from a file: what was understood, and everything that was not.

use domain::kernel::fault::{Faults, Pointer};
use domain::kernel::key::Key;
use domain::kernel::money::Currency;
use serde_json::{Value, json};

/// What a file becomes.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) ingredients: Vec<Value>,
    pub(super) option_groups: Vec<Value>,
    pub(super) sections: Vec<Value>,
    /// Paths below the menu of what the source says is not to be had.
    pub(super) off: Vec<String>,
    /// What stands against publishing it, with pointers into the file.
    pub(super) faults: Faults,
    /// What the file says and a menu here cannot.
    pub(super) notes: Vec<String>,
}

impl Draft {
    /// The body of `PUT …/menu`.
    pub(super) fn document(&self, currency: Currency, language: &str) -> Value {
        json!({
            "currency": currency.code(),
            "default_language": language,
            "ingredients": self.ingredients,
            "option_groups": self.option_groups,
            "sections": self.sections,
        })
    }

    /// The source's id as a key.
    pub(super) fn key(&mut self, id: &str, at: &Pointer) -> String {
        let key = id.to_lowercase();
        if let Err(error) = Key::parse(key.as_str()) {
            self.faults.add("key_malformed", at, error.to_string());
        }
        key
    }

    /// A price as minor units of the currency.
    pub(super) fn price(&mut self, text: &str, currency: Currency, at: &Pointer) -> i64 {
        let digits = usize::from(currency.minor_digits());
        minor_units(text, digits).unwrap_or_else(|| {
            let detail = format!("{text} is no price in {}", currency.code());
            self.faults.add("price_malformed", at, detail);
            0
        })
    }
}

/// A decimal number as whole minor units, by its digits alone: no floating point comes near a price.
fn minor_units(text: &str, digits: usize) -> Option<i64> {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let part = part.trim_end_matches('0');
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(part) || part.len() > digits {
        return None;
    }
    format!("{whole}{part:0<digits$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_by_their_digits() {
        assert_eq!(minor_units("43.0", 2), Some(4300));
        assert_eq!(minor_units("2.5", 2), Some(250));
        assert_eq!(minor_units("980", 0), Some(980));
        assert_eq!(minor_units("0.125", 3), Some(125));
        for bad in [
            "",
            "-1",
            "1e3",
            "1.005",
            "1,5",
            ".5",
            "99999999999999999999",
        ] {
            assert_eq!(minor_units(bad, 2), None, "{bad}");
        }
    }
}
