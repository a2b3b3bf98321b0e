//! Allergens and diets, and what a mixture of ingredients contains.

use std::collections::{BTreeMap, BTreeSet};

use strum::VariantArray as _;

use super::word::words;

words! {
    /// The fourteen allergens of EU regulation 1169/2011 annex II, and buckwheat, which Japan's and Korea's lists add.
    #[expect(missing_docs, reason = "the names say it")]
    Allergen or "allergen_unknown" {
        Gluten,
        Crustacean,
        Egg,
        Fish,
        Peanut,
        Soy,
        Milk,
        Nuts,
        Celery,
        Mustard,
        Sesame,
        Sulphite,
        Lupin,
        Mollusc,
        Buckwheat,
    }

    /// Whether an allergen is in something. Ordered from best to worst.
    Presence or "presence_unknown" {
        /// It is not.
        Free,
        /// Traces are possible.
        MayContain,
        /// Nobody has said; counts as contained.
        Unknown,
        /// It is.
        Contains,
    }
}

impl Presence {
    /// Whether somebody with the allergy must be warned as if it were in there.
    pub fn counts_as_contained(self) -> bool {
        matches!(self, Self::Contains | Self::Unknown)
    }
}

/// What was declared of something: allergens left out are unknown.
pub type Declared = BTreeMap<Allergen, Presence>;

/// The allergens of a mixture: of each allergen the worst that any part has. Every allergen is in the answer.
pub fn mixture<'a>(parts: impl IntoIterator<Item = &'a Declared>) -> Declared {
    let mut worst: Declared = Allergen::VARIANTS
        .iter()
        .map(|allergen| (*allergen, Presence::Free))
        .collect();
    for part in parts {
        for (allergen, presence) in &mut worst {
            *presence = (*presence).max(part.get(allergen).copied().unwrap_or(Presence::Unknown));
        }
    }
    worst
}

words! {
    /// A way of eating that an ingredient fits or does not. What an ingredient does not claim, it does not fit.
    Diet or "diet_unknown" {
        /// Nothing of animals.
        Vegan,
        /// No meat and no fish.
        Vegetarian,
        /// No meat.
        Pescatarian,
        /// Permitted in Islam; the shop answers for it.
        Halal,
        /// Permitted in Judaism; the shop answers for it.
        Kosher,
    }
}

impl Diet {
    /// Whether a claim to fit `self` is one to fit `other` too: what is vegan is vegetarian.
    fn covers(self, other: Self) -> bool {
        match other {
            Self::Vegetarian => matches!(self, Self::Vegan | Self::Vegetarian),
            Self::Pescatarian => {
                matches!(self, Self::Vegan | Self::Vegetarian | Self::Pescatarian)
            }
            Self::Vegan | Self::Halal | Self::Kosher => self == other,
        }
    }

    /// Whether something with these claims fits this diet.
    pub fn fits(self, claims: &[Self]) -> bool {
        claims.iter().any(|claim| claim.covers(self))
    }
}

/// The diets that every part of a mixture fits, by what each claims.
pub fn shared_diets<'a>(claims: impl IntoIterator<Item = &'a [Diet]>) -> BTreeSet<Diet> {
    let mut shared: BTreeSet<Diet> = Diet::VARIANTS.iter().copied().collect();
    for part in claims {
        shared.retain(|diet| diet.fits(part));
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_vegan_is_vegetarian_and_nothing_fits_without_a_claim() {
        assert!(Diet::Vegetarian.fits(&[Diet::Vegan]));
        assert!(Diet::Pescatarian.fits(&[Diet::Vegetarian]));
        assert!(!Diet::Vegan.fits(&[Diet::Vegetarian]));
        assert!(!Diet::Halal.fits(&[Diet::Vegan]));
        assert!(Diet::VARIANTS.iter().all(|diet| !diet.fits(&[])));
    }

    #[test]
    fn the_worst_part_decides_and_silence_is_unknown() {
        let noodles = Declared::from([
            (Allergen::Gluten, Presence::Contains),
            (Allergen::Egg, Presence::MayContain),
        ]);
        let all_free = mixture([]);
        let dish = mixture([&noodles, &all_free]);
        assert_eq!(dish[&Allergen::Gluten], Presence::Contains);
        assert_eq!(dish[&Allergen::Egg], Presence::MayContain);
        assert_eq!(dish[&Allergen::Soy], Presence::Unknown);
        assert!(dish[&Allergen::Soy].counts_as_contained());
        assert_eq!(dish.len(), Allergen::VARIANTS.len());
    }
}
