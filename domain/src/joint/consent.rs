//! What a customer must have seen before an order: allergens that they avoid, and that something asks for an age.
//!
//! Allergies are health data. What somebody avoids is looked at here and kept nowhere; what they acknowledged is kept
//! sealed (`CheckedOut::acknowledged`), since a list of acknowledged allergens says what its writer avoids.

use crate::kernel::allergen::{Allergen, Presence};
use crate::kernel::fault::{Faults, Pointer};
use crate::ordering::quote::Quote;

/// What a customer says beside the order.
#[derive(Clone, Copy, Debug)]
pub struct Consent<'a> {
    /// The allergens that they avoid.
    pub avoids: &'a [Allergen],
    /// The allergens that they were warned of, when their app keeps account of that.
    pub acknowledged: Option<&'a [Allergen]>,
    /// Whether they say that they are old enough; the door looks again.
    pub age_confirmed: bool,
}

impl Consent<'_> {
    /// Checks it against what the dishes contain and ask for. Pointers lead into the checkout's body.
    ///
    /// # Errors
    /// `allergen_not_acknowledged` for each avoided allergen that the order contains, may contain or says nothing of,
    /// and, when anything was acknowledged, for each that it contains; `age_not_confirmed`.
    pub fn check(&self, quote: &Quote) -> Result<(), Faults> {
        let mut faults = Faults::default();
        let known = self.acknowledged.unwrap_or_default();
        let at = Pointer::root().at("acknowledged_allergens");
        for (allergen, presence) in &quote.content.allergens {
            let avoided = self.avoids.contains(allergen);
            let asked_for =
                avoided || (self.acknowledged.is_some() && *presence == Presence::Contains);
            if asked_for && !known.contains(allergen) {
                let detail = format!("{} {}", says(*presence), name(*allergen));
                faults.add("allergen_not_acknowledged", &at, detail);
            }
        }
        if let (Some(age), false) = (quote.content.minimum_age, self.age_confirmed) {
            let at = Pointer::root().at("age_confirmed");
            let detail = format!("something is sold from {age} years of age only");
            faults.add("age_not_confirmed", &at, detail);
        }
        faults.or(())
    }
}

fn says(presence: Presence) -> &'static str {
    match presence {
        Presence::Contains => "the order contains",
        Presence::MayContain => "the order may contain",
        Presence::Unknown => "the shop has not said that the order is free of",
        Presence::Free => "the order is free of",
    }
}

/// The allergen as it is written in JSON.
pub(super) fn name(allergen: Allergen) -> String {
    let written = serde_json::to_value(allergen).ok();
    let text = written.as_ref().and_then(|written| written.as_str());
    text.unwrap_or("an allergen").to_owned()
}
