//! How firm a dish's noodles are asked for, and how firm they leave the boiler when they have a way to go.

use super::dish::{Dish, Part};
use super::menu_document::{MenuOption, OptionRef};
use crate::kernel::bowl::Firmness;
use crate::kernel::quantity::Seconds;

/// How noodles are boiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boiled {
    /// How firm.
    pub firmness: Firmness,
    /// Time in the boiler.
    pub cook_seconds: Seconds,
}

impl<'a> Dish<'a> {
    /// The noodles as they were asked for, when the item offers a choice.
    pub fn noodles(&self) -> Option<Boiled> {
        boiled(self.firm()?.option)
    }

    /// The noodles one step firmer than they were asked for: they soften on the way (`domain.md`, *Ramen rules* 4). A
    /// step goes to the next firmness of the same choice; none from the item's firmest.
    pub fn firmer_noodles(&self) -> Option<Boiled> {
        let asked = self.firm()?;
        let wanted = asked.option.firmness?;
        let group = self.menu.group(asked.group)?;
        let offered = group.options.iter().filter(|option| {
            self.menu.is_option_available(&OptionRef {
                group: asked.group.clone(),
                option: option.key.clone(),
            })
        });
        offered
            .filter_map(boiled)
            .filter(|other| other.firmness < wanted)
            .max_by_key(|other| other.firmness)
    }

    /// The option that says how firm: one of the item itself before one of an extra portion.
    fn firm(&self) -> Option<&Part<'a>> {
        let own = self.parts.iter();
        let mut parts = own.chain(self.all_parts());
        parts.find(|part| part.option.firmness.is_some())
    }

    /// How long options say that the noodles boil: what a firmness says, else the longest time of any.
    pub fn cook_seconds(&self) -> Option<Seconds> {
        let asked = self.firm().and_then(|part| part.option.cook_seconds);
        asked.or_else(|| {
            let parts = self.all_parts().into_iter();
            parts.filter_map(|part| part.option.cook_seconds).max()
        })
    }
}

/// A menu is refused when an option has a firmness and no time for it.
fn boiled(option: &MenuOption) -> Option<Boiled> {
    Some(Boiled {
        firmness: option.firmness?,
        cook_seconds: option.cook_seconds?,
    })
}
