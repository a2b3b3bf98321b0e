//! What the facts of one item must keep to: its bowl, its age and when it is sold.

use super::RamenFacts;
use crate::kernel::bowl::{Combined, Packaging};
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::hours::{HoursDraft, OpeningRange, WeeklyHours};
use crate::kernel::tax::TaxClass;

/// The youngest and oldest age that a law asks of a buyer, in years.
const AGES: std::ops::RangeInclusive<u8> = 1..=30;

pub(in crate::restaurant) fn check_age(age: Option<u8>, at: &Pointer, faults: &mut Faults) {
    if age.is_some_and(|age| !AGES.contains(&age)) {
        let (from, to) = (AGES.start(), AGES.end());
        let detail = format!("an age is {from} to {to} years");
        faults.add("age_out_of_range", &at.at("minimum_age"), detail);
    }
}

/// A dish is sold as what it is, not as the way it is brought.
pub(in crate::restaurant) fn check_tax_class(class: TaxClass, at: &Pointer, faults: &mut Faults) {
    match class {
        TaxClass::Food | TaxClass::Drink | TaxClass::Alcohol => {}
        TaxClass::Packaging | TaxClass::Delivery | TaxClass::Service => {
            let detail = "what a menu sells is food, drink or alcohol";
            faults.add("tax_class_refused", &at.at("tax_class"), detail);
        }
    }
}

/// Ranges of a week are as a shop's own: not too many, none over another.
pub(in crate::restaurant) fn check_hours(
    ranges: &[OpeningRange],
    at: &Pointer,
    faults: &mut Faults,
) {
    let Err(found) = WeeklyHours::parse(HoursDraft::weekly(ranges.to_vec())) else {
        return;
    };
    for mut fault in found.0 {
        let inside = fault.pointer.strip_prefix("/days").unwrap_or_default();
        fault.pointer = format!("{}{inside}", at.as_str());
        faults.push(fault);
    }
}

pub(in crate::restaurant) fn check_ramen(ramen: &RamenFacts, at: &Pointer, faults: &mut Faults) {
    if !(5..=80).contains(&ramen.noodle_tenths_mm) {
        let detail = "noodles are 5 to 80 tenths of a mm";
        faults.add("noodle_out_of_range", &at.at("noodle_tenths_mm"), detail);
    }
    if ramen
        .broth
        .is_some_and(|broth| !(1..=5).contains(&broth.richness))
    {
        let at = at.at("broth").at("richness");
        faults.add("richness_out_of_range", &at, "richness is 1 to 5");
    }
    for (name, seconds) in [
        ("cook_seconds", ramen.cook_seconds),
        ("pack_seconds", ramen.pack_seconds),
    ] {
        if seconds.get() > 3600 {
            faults.add("seconds_out_of_range", &at.at(name), "at most an hour");
        }
    }
    let never = ramen
        .style
        .sla()
        .is_some_and(|row| row.combined == Combined::Never);
    if never && ramen.packaging == Packaging::Combined {
        let detail = "this style never travels in its broth";
        faults.add("packaging_refused", &at.at("packaging"), detail);
    }
    if !ramen.style.is_bowl() {
        let detail = "sides and drinks have no ramen facts";
        faults.add("style_refused", &at.at("style"), detail);
    }
}
