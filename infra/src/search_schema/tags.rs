//! What hits are filtered and counted by: each value is a term of a query and a number for counting.

use domain::kernel::bowl::Packaging;

use super::styles::STYLES;

/// A property of a dish, or of a shop, with few values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Its style.
    Style,
    /// What its broth is made of.
    Broth,
    /// How thick its noodles are.
    Noodle,
    /// How it travels.
    Packaging,
}

/// The values of a dimension lie so far from those of the next.
const DIMENSION_WIDTH: usize = 64;
/// Codes lie below this.
pub const TAG_CODES: usize = 4 * DIMENSION_WIDTH;

/// Kernel names. Lines are only added at the end: the place in a list is the code.
const BROTHS: &[&str] = &["tonkotsu", "chicken", "fish", "vegetable", "beef", "mixed"];
const NOODLES: &[&str] = &["thin", "medium", "thick", "extra_thick", "kit"];
const PACKAGINGS: &[&str] = &[
    "split_hot",
    "naturally_split",
    "dry_sauce",
    "cold_bag",
    "kit",
    "closed",
    "combined",
];

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Style, Self::Broth, Self::Noodle, Self::Packaging];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Style => "style",
            Self::Broth => "broth",
            Self::Noodle => "noodle",
            Self::Packaging => "packaging",
        }
    }

    /// The values, each at the place of its code.
    pub fn values(self) -> Vec<&'static str> {
        match self {
            Self::Style => STYLES.iter().map(|style| style.name).collect(),
            Self::Broth => BROTHS.to_vec(),
            Self::Noodle => NOODLES.to_vec(),
            Self::Packaging => PACKAGINGS.to_vec(),
        }
    }

    /// The term of a value.
    pub fn term(self, value: &str) -> String {
        format!("{}:{value}", self.name())
    }

    /// The code of a value; none when the index does not know it.
    pub fn code(self, value: &str) -> Option<usize> {
        let at = self.values().iter().position(|known| *known == value)?;
        Some(self as usize * DIMENSION_WIDTH + at)
    }
}

/// The class of noodles so many tenths of a millimetre thick (`domain.md`, *Ramen facts*).
pub fn noodle_class(tenths_mm: u8, packaging: Packaging) -> &'static str {
    match (packaging, tenths_mm) {
        (Packaging::Kit, _) => "kit",
        (_, 0..14) => "thin",
        (_, 14..19) => "medium",
        (_, 19..26) => "thick",
        (_, _) => "extra_thick",
    }
}

#[cfg(test)]
mod tests {
    use domain::kernel::bowl::{BrothBase, Style};
    use serde::de::DeserializeOwned;

    use super::*;

    fn is_one<T: DeserializeOwned>(name: &str) -> bool {
        serde_json::from_value::<T>(name.into()).is_ok()
    }

    #[test]
    fn values_are_the_kernels_and_codes_do_not_meet() {
        assert!(
            Dimension::Style
                .values()
                .iter()
                .all(|name| is_one::<Style>(name))
        );
        assert!(BROTHS.iter().all(|name| is_one::<BrothBase>(name)));
        assert!(PACKAGINGS.iter().all(|name| is_one::<Packaging>(name)));
        let mut codes: Vec<usize> = Dimension::ALL
            .iter()
            .flat_map(|of| of.values().into_iter().filter_map(|value| of.code(value)))
            .collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(codes.iter().all(|code| *code < TAG_CODES));
    }

    #[test]
    fn noodles_have_their_class_by_the_tenth() {
        let class = |tenths| noodle_class(tenths, Packaging::SplitHot);
        assert_eq!(
            [class(13), class(14), class(18)],
            ["thin", "medium", "medium"]
        );
        assert_eq!(
            [class(19), class(25), class(26)],
            ["thick", "thick", "extra_thick"]
        );
        assert_eq!(noodle_class(13, Packaging::Kit), "kit");
    }
}
