//! What keeps somebody from eating a dish, as one number: a bit for each allergen that may be in it, and one
//! for each diet that it does not fit.

use domain::kernel::allergen::{Allergen, Declared, Diet, Presence};
use strum::VariantArray as _;

/// Alternatives that are kept; of more, what all have together stands for all.
const ALTERNATIVES_MAX: usize = 16;

/// A set of obstacles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Obstacles(u64);

/// Bits of diets begin here; allergens have those below.
const DIET_BIT: usize = 32;

impl Obstacles {
    /// The allergens that cannot be ruled out (contained, possible as traces, or not declared), and the
    /// diets that these claims do not fit.
    pub fn of(declared: &Declared, claims: &[Diet]) -> Self {
        let risky = |allergen: &&Allergen| {
            let presence = declared.get(allergen).copied().unwrap_or(Presence::Unknown);
            presence != Presence::Free
        };
        let broken = Diet::VARIANTS.iter().filter(|diet| !diet.fits(claims));
        Self::any_of(Allergen::VARIANTS.iter().filter(risky).copied())
            .with(Self::against(broken.copied()))
    }

    /// Every allergen there is, and every diet broken.
    pub fn everything() -> Self {
        Self::of(&Declared::new(), &[])
    }

    /// These allergens.
    pub fn any_of(allergens: impl IntoIterator<Item = Allergen>) -> Self {
        Self::bits_of(Allergen::VARIANTS, 0, allergens)
    }

    /// These diets broken.
    pub fn against(diets: impl IntoIterator<Item = Diet>) -> Self {
        Self::bits_of(Diet::VARIANTS, DIET_BIT, diets)
    }

    fn bits_of<T: PartialEq>(all: &[T], from: usize, some: impl IntoIterator<Item = T>) -> Self {
        let bit = |one: T| {
            let at = all.iter().position(|known| *known == one);
            at.map_or(0, |at| 1_u64 << (from + at))
        };
        Self(some.into_iter().map(bit).fold(0, |all, bit| all | bit))
    }

    /// Reads the number of a fast field.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The number that goes into the fast field.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// Both together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether none of `others` is among these.
    pub fn spare(self, others: Self) -> bool {
        self.0 & others.0 == 0
    }

    /// Whether all of these are among others.
    pub fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

/// The obstacles of a dish by what is chosen: the least sets that can be had, none within another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Alternatives(Vec<Obstacles>);

impl Alternatives {
    /// One way only.
    pub fn only(obstacles: Obstacles) -> Self {
        Self(vec![obstacles])
    }

    /// No way at all.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// The sets.
    pub fn sets(&self) -> &[Obstacles] {
        &self.0
    }

    /// Either of both.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        Self::least(self.0)
    }

    /// One of these and one of the others, in every combination.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let all = self
            .0
            .iter()
            .flat_map(|one| other.0.iter().map(|two| one.with(*two)));
        Self::least(all.collect())
    }

    fn least(mut sets: Vec<Obstacles>) -> Self {
        // Fewer obstacles come first, so that what is kept is never within what comes later.
        sets.sort_by_key(|set| (set.0.count_ones(), set.0));
        let mut kept: Vec<Obstacles> = Vec::new();
        for set in sets {
            if !kept.iter().any(|less| less.is_within(set)) {
                kept.push(set);
            }
        }
        if kept.len() > ALTERNATIVES_MAX {
            // Too many to tell apart: rather one too many obstacles than one too few.
            let all = kept.into_iter().fold(Obstacles::default(), Obstacles::with);
            return Self::only(all);
        }
        Self(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(allergens: &[Allergen]) -> Obstacles {
        Obstacles::any_of(allergens.iter().copied())
    }

    #[test]
    fn silence_and_traces_are_obstacles() {
        let mut declared: Declared = Allergen::VARIANTS
            .iter()
            .map(|allergen| (*allergen, Presence::Free))
            .collect();
        assert_eq!(
            Obstacles::of(&declared, Diet::VARIANTS),
            Obstacles::default()
        );
        declared.insert(Allergen::Egg, Presence::MayContain);
        declared.remove(&Allergen::Soy);
        assert_eq!(
            Obstacles::of(&declared, Diet::VARIANTS),
            set(&[Allergen::Egg, Allergen::Soy])
        );
        assert!(
            !Obstacles::of(&declared, Diet::VARIANTS).spare(set(&[Allergen::Soy, Allergen::Milk]))
        );
        assert!(Obstacles::of(&declared, Diet::VARIANTS).spare(set(&[Allergen::Milk])));
    }

    #[test]
    fn a_diet_is_broken_by_what_does_not_claim_it() {
        let free: Declared = Allergen::VARIANTS
            .iter()
            .map(|allergen| (*allergen, Presence::Free))
            .collect();
        let vegetarian = Obstacles::of(&free, &[Diet::Vegetarian]);
        assert!(vegetarian.spare(Obstacles::against([Diet::Vegetarian, Diet::Pescatarian])));
        assert!(!vegetarian.spare(Obstacles::against([Diet::Vegan])));
        assert!(!vegetarian.spare(Obstacles::against([Diet::Halal])));
        let nothing = Obstacles::everything();
        assert_eq!(
            nothing.bits().count_ones() as usize,
            Allergen::VARIANTS.len() + Diet::VARIANTS.len()
        );
    }

    #[test]
    fn only_least_alternatives_are_kept() {
        let wheat = Alternatives::only(set(&[Allergen::Gluten, Allergen::Egg]));
        let rice = Alternatives::only(set(&[Allergen::Soy]));
        let both = wheat
            .or(rice.clone())
            .or(Alternatives::only(set(&[Allergen::Soy, Allergen::Egg])));
        assert_eq!(
            both.sets(),
            [
                set(&[Allergen::Soy]),
                set(&[Allergen::Gluten, Allergen::Egg])
            ]
        );
        let with_milk = both.and(&Alternatives::only(set(&[Allergen::Milk])));
        assert!(
            with_milk
                .sets()
                .iter()
                .all(|set| !set.spare(Obstacles::any_of([Allergen::Milk])))
        );
        assert!(rice.and(&Alternatives::none()).sets().is_empty());
    }

    #[test]
    fn of_too_many_alternatives_none_looks_better_than_it_is() {
        let singles: Vec<Obstacles> = (0..60).map(|bit| Obstacles::from_bits(1 << bit)).collect();
        let kept = singles.iter().fold(Alternatives::none(), |all, set| {
            all.or(Alternatives::only(*set))
        });
        assert!(kept.sets().len() <= ALTERNATIVES_MAX);
        let is_real = |set: &Obstacles| singles.iter().any(|single| single.is_within(*set));
        assert!(kept.sets().iter().all(is_real));
    }
}
