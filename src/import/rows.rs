//! What a source's rows become: shops to open and rows refused, each with its place in the file.

use std::collections::BTreeMap;

use super::week::Week;

/// Longest shop name and address the API takes, in characters.
const TEXT_MAX: usize = 120;

/// A shop as a source describes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ShopRow {
    /// 1-based place in the file (record of a CSV after its header, element of an extract).
    pub(crate) row: usize,
    /// The source's own id, such as `node/1837942492`.
    pub(crate) source_id: String,
    /// The name on the sign.
    pub(crate) name: String,
    /// Names by language tag, the sign's included.
    pub(crate) names: BTreeMap<String, String>,
    /// Degrees north.
    pub(crate) lat: f64,
    /// Degrees east.
    pub(crate) lon: f64,
    /// Public street address.
    pub(crate) address: Option<String>,
    /// City.
    pub(crate) city: Option<String>,
    /// Public telephone number as written.
    pub(crate) phone: Option<String>,
    /// What the kitchen is said to cook, in the source's words.
    pub(crate) cuisine: String,
    /// Opening hours, where the source has them.
    pub(crate) hours: Option<Week>,
    /// What a person should look at.
    pub(crate) notes: Vec<String>,
}

/// A row that stays out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefusedRow {
    /// 1-based place in the file.
    pub(crate) row: usize,
    /// The source's id, or nothing when that is what is missing.
    pub(crate) source_id: Option<String>,
    /// Every fault of the row, in words.
    pub(crate) reasons: Vec<String>,
}

/// A whole file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Parsed {
    /// Good rows.
    pub(crate) shops: Vec<ShopRow>,
    /// Bad rows.
    pub(crate) refused: Vec<RefusedRow>,
}

impl Parsed {
    /// Adds the outcome of one row; a second row with a known id is refused.
    pub(super) fn add(&mut self, outcome: Result<ShopRow, RefusedRow>) {
        match outcome {
            Err(refused) => self.refused.push(refused),
            Ok(shop) => match self
                .shops
                .iter()
                .find(|known| known.source_id == shop.source_id)
            {
                None => self.shops.push(shop),
                Some(known) => self.refused.push(RefusedRow {
                    row: shop.row,
                    reasons: vec![format!("the same id as row {}", known.row)],
                    source_id: Some(shop.source_id),
                }),
            },
        }
    }
}

/// Collects the faults of a row while its fields are read.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<String>);

impl Faults {
    pub(super) fn add(&mut self, reason: impl Into<String>) {
        self.0.push(reason.into());
    }

    /// A coordinate within `±limit` degrees; the fault is noted and 0 returned otherwise.
    pub(super) fn degrees(&mut self, name: &str, value: Option<f64>, limit: f64) -> f64 {
        match value {
            Some(degrees) if degrees.is_finite() && degrees.abs() <= limit => degrees,
            Some(degrees) => {
                self.add(format!("{name} {degrees} is not within ±{limit}"));
                0.0
            }
            None => {
                self.add(format!("no {name}"));
                0.0
            }
        }
    }

    /// A text that people will read: trimmed, one line, not too long.
    pub(super) fn text(&mut self, name: &str, value: &str) -> Option<String> {
        let text = value.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            return None;
        }
        if text.chars().any(char::is_control) {
            self.add(format!("{name} holds control characters"));
        }
        if text.chars().count() > TEXT_MAX {
            self.add(format!("{name} is longer than {TEXT_MAX} characters"));
        }
        Some(text)
    }

    /// `shop` when nothing is wrong, else the refused row.
    pub(super) fn finish(self, shop: ShopRow) -> Result<ShopRow, RefusedRow> {
        if self.0.is_empty() {
            return Ok(shop);
        }
        let source_id = (!shop.source_id.is_empty()).then_some(shop.source_id);
        Err(RefusedRow {
            row: shop.row,
            source_id,
            reasons: self.0,
        })
    }
}
