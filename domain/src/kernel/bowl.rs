//! What makes a bowl a bowl: style, firmness, packaging, and how long each style stays good (`domain.md`, *Ramen rules*).

use super::quantity::Minutes;
use super::word::words;

words! {
    /// What is sold, by how it must travel.
    #[expect(missing_docs, reason = "the names are those of the dishes")]
    Style or "style_unknown" {
        HakataTonkotsu,
        Shoyu,
        Shio,
        Tantan,
        Miso,
        Iekei,
        Jiro,
        Tsukemen,
        Mazemen,
        AburaSoba,
        HiyashiChuka,
        /// Raw or par-cooked, to be cooked at home.
        Kit,
        Side,
        Drink,
    }

    /// How firm the noodles are boiled, firmest first.
    Firmness or "firmness_unknown" {
        /// Very firm.
        Barikata,
        /// Firm.
        Kata,
        /// Regular.
        Futsu,
        /// Soft.
        Yawa,
    }

    /// How a dish is packed.
    Packaging or "packaging_unknown" {
        /// Noodles and hot broth in two cups, joined at the table.
        SplitHot,
        /// Served apart anyway (tsukemen).
        NaturallySplit,
        /// Sauce at the bottom, no broth.
        DrySauce,
        /// Cold, at most 5 °C.
        ColdBag,
        /// Raw or par-cooked parts, at most 5 °C.
        Kit,
        /// A closed box.
        Closed,
        /// Noodles in the broth; pickup only.
        Combined,
    }

    /// How warm a dish is eaten.
    Serving or "serving_unknown" {
        /// Hot, all of it.
        Hot,
        /// Cold noodles and hot broth to dip them in (tsukemen).
        ColdAndHot,
        /// Cold, all of it.
        Cold,
    }

    /// What the broth is made of.
    #[expect(missing_docs, reason = "the names say it")]
    BrothBase or "broth_base_unknown" {
        Tonkotsu,
        Chicken,
        Fish,
        Vegetable,
        Beef,
        Mixed,
    }
}

/// Whether noodles may travel in the broth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Combined {
    /// Never.
    Never,
    /// For pickup only, and eaten within so many minutes in the broth.
    PickupOnly(Minutes),
    /// It is sold that way: no broth to soak in.
    AsSold,
    /// The question does not arise.
    NotApplicable,
}

/// How long a style may take from ready to door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlaRow {
    /// Where we want to be.
    pub target: Minutes,
    /// After this it is no longer ramen (kits: no longer safe food).
    pub hard_stop: Minutes,
    /// How far the courier may slip before the kitchen holds or fires again.
    pub grace: Minutes,
    /// Whether it may travel combined.
    pub combined: Combined,
}

impl Style {
    /// The clocks of this style; drinks have none. Source: the table in `domain.md`, starting values.
    pub const fn sla(self) -> Option<SlaRow> {
        let (target, hard_stop, grace, combined) = match self {
            Self::HakataTonkotsu => (20, 30, 3, Combined::Never),
            Self::Shoyu | Self::Shio | Self::Tantan => {
                (25, 40, 5, Combined::PickupOnly(Minutes::new(5)))
            }
            Self::Miso | Self::Iekei => (30, 45, 5, Combined::PickupOnly(Minutes::new(8))),
            Self::Jiro => (35, 50, 8, Combined::PickupOnly(Minutes::new(12))),
            Self::Tsukemen => (40, 60, 10, Combined::NotApplicable),
            Self::Mazemen | Self::AburaSoba => (30, 45, 8, Combined::AsSold),
            Self::HiyashiChuka => (45, 90, 10, Combined::AsSold),
            Self::Kit => (120, 240, 10, Combined::NotApplicable),
            Self::Side => (40, 60, 10, Combined::NotApplicable),
            Self::Drink => return None,
        };
        Some(SlaRow {
            target: Minutes::new(target),
            hard_stop: Minutes::new(hard_stop),
            grace: Minutes::new(grace),
            combined,
        })
    }

    /// Whether it is a bowl, with boiled and sealed clocks of its own, rather than something beside it.
    pub const fn is_bowl(self) -> bool {
        !matches!(self, Self::Side | Self::Drink)
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray as _;

    use super::*;

    #[test]
    fn every_style_but_drinks_has_a_clock_that_makes_sense() {
        for style in Style::VARIANTS {
            let row = style.sla();
            assert_eq!(row.is_none(), *style == Style::Drink);
            assert!(
                row.is_none_or(|row| row.grace < row.target && row.target < row.hard_stop),
                "{style:?}"
            );
        }
    }
}
