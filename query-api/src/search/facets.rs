//! Counting matches by value.

use std::collections::BTreeMap;

use domain::kernel::allergen::Diet;
use infra::search_schema::{Dimension, Obstacles, TAG_CODES};
use strum::VariantArray as _;

/// What can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Facet {
    /// By a property of the dish.
    Tag(Dimension),
    /// By the diets that it can be ordered for.
    Diet,
    /// By what it costs.
    Price,
    /// By whether the shop takes orders.
    Open,
}

impl Facet {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Tag(Dimension::Style),
        Self::Tag(Dimension::Broth),
        Self::Tag(Dimension::Noodle),
        Self::Tag(Dimension::Packaging),
        Self::Diet,
        Self::Price,
        Self::Open,
    ];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tag(dimension) => dimension.name(),
            Self::Diet => "diet",
            Self::Price => "price",
            Self::Open => "open",
        }
    }
}

/// Prices from here to below there, in minor units of a currency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PriceBand {
    /// ISO 4217 code.
    pub currency: String,
    /// The least price in it.
    pub from_minor: i64,
    /// The least price above it.
    pub below_minor: i64,
}

/// Steps of a decade in tenths: prices are told apart by about a third, whatever the currency is worth.
const STEPS: [i64; 7] = [10, 15, 20, 30, 50, 70, 100];

/// The band of a price: from the first to below the second.
fn band(price_minor: i64) -> (i64, i64) {
    let mut decade = 1_i64;
    while price_minor >= decade.saturating_mul(100) && decade < i64::MAX / 100 {
        decade *= 10;
    }
    let edges = STEPS.map(|step| step.saturating_mul(decade));
    let above = edges.iter().position(|edge| price_minor < *edge);
    match above {
        Some(0) => (0, edges[0]),
        Some(at) => (edges[at - 1], edges[at]),
        None => (edges[6], i64::MAX),
    }
}

/// Matches by value; values without any are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FacetCounts {
    /// By dimension and value.
    pub tags: BTreeMap<Dimension, BTreeMap<&'static str, u64>>,
    /// By diet.
    pub diets: BTreeMap<Diet, u64>,
    /// By price.
    pub prices: BTreeMap<PriceBand, u64>,
    /// Of shops that take orders, and of those that do not; none when it was not asked for.
    pub open: Option<[u64; 2]>,
}

/// Counts while matches go by.
#[derive(Clone, Debug)]
pub(super) struct Counting {
    asked: Vec<Facet>,
    codes: Vec<u64>,
    diets: BTreeMap<Diet, u64>,
    prices: BTreeMap<(String, i64, i64), u64>,
    open: [u64; 2],
}

impl Counting {
    /// Counts what is asked for.
    pub(super) fn of(asked: &[Facet]) -> Self {
        Self {
            asked: asked.to_vec(),
            codes: vec![0; TAG_CODES],
            diets: BTreeMap::new(),
            prices: BTreeMap::new(),
            open: [0; 2],
        }
    }

    /// Counts a match.
    pub(super) fn count(
        &mut self,
        codes: impl Iterator<Item = u64>,
        ways: impl Iterator<Item = Obstacles>,
        price: Option<(i64, &str)>,
        open: bool,
    ) {
        if self.asked.is_empty() {
            return;
        }
        for code in codes {
            let count = usize::try_from(code)
                .ok()
                .and_then(|code| self.codes.get_mut(code));
            if let Some(count) = count {
                *count += 1;
            }
        }
        self.open[usize::from(!open)] += 1;
        if self.asked.contains(&Facet::Diet) {
            let ways: Vec<Obstacles> = ways.collect();
            for diet in Diet::VARIANTS {
                let wanted = Obstacles::against([*diet]);
                if ways.iter().any(|way| way.spare(wanted)) {
                    *self.diets.entry(*diet).or_default() += 1;
                }
            }
        }
        if let Some((price_minor, currency)) = price
            && self.asked.contains(&Facet::Price)
        {
            let (from, below) = band(price_minor);
            *self
                .prices
                .entry((currency.to_owned(), from, below))
                .or_default() += 1;
        }
    }

    /// Adds what another has counted.
    pub(super) fn add(&mut self, other: Self) {
        for (sum, count) in self.codes.iter_mut().zip(other.codes) {
            *sum += count;
        }
        for (diet, count) in other.diets {
            *self.diets.entry(diet).or_default() += count;
        }
        for (band, count) in other.prices {
            *self.prices.entry(band).or_default() += count;
        }
        for (sum, count) in self.open.iter_mut().zip(other.open) {
            *sum += count;
        }
    }

    /// What was asked for.
    pub(super) fn counts(self) -> FacetCounts {
        let mut counts = FacetCounts::default();
        for facet in &self.asked {
            match facet {
                Facet::Tag(dimension) => {
                    counts.tags.insert(*dimension, self.values_of(*dimension));
                }
                Facet::Open => counts.open = Some(self.open),
                Facet::Diet | Facet::Price => {}
            }
        }
        let bands = self
            .prices
            .into_iter()
            .map(|((currency, from_minor, below_minor), count)| {
                let band = PriceBand {
                    currency,
                    from_minor,
                    below_minor,
                };
                (band, count)
            });
        counts.prices = bands.collect();
        counts.diets = self.diets;
        counts
    }

    fn values_of(&self, dimension: Dimension) -> BTreeMap<&'static str, u64> {
        let counted = dimension.values().into_iter().filter_map(|value| {
            let count = *self.codes.get(dimension.code(value)?)?;
            (count > 0).then_some((value, count))
        });
        counted.collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bands_are_those_that_people_expect() {
        assert_eq!(band(0), (0, 10));
        assert_eq!(band(1_050), (1_000, 1_500));
        assert_eq!(band(999), (700, 1_000));
        assert_eq!(band(15), (15, 20));
    }

    proptest! {
        #[test]
        fn every_price_is_in_its_band_and_bands_do_not_overlap(one in 0..i64::MAX, other in 0..2_000_000_i64) {
            for price in [one, other] {
                let (from, below) = band(price);
                prop_assert!(from <= price && (price < below || below == i64::MAX));
            }
            let (a, b) = (band(one % 2_000_000), band(other));
            prop_assert!(a == b || a.1 <= b.0 || b.1 <= a.0);
        }
    }
}
