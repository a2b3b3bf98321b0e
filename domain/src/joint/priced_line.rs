//! One line of a cart against the menu: whether it can be ordered so, and what it comes to.

use std::collections::BTreeMap;

use crate::kernel::allergen::Declared;
use crate::kernel::bowl::{Combined, Packaging};
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::key::Key;
use crate::kernel::quantity::Amount;
use crate::ordering::cart::CartLine;
use crate::ordering::line::{BowlSpec, OptionChoice, OrderLine, OrderOption};
use crate::restaurant::menu::{Choice, GroupLink, Item, PublishedMenu, TaxClass};

/// A line that can be ordered.
pub(super) struct PricedLine {
    /// As the order will keep it.
    pub(super) line: OrderLine,
    /// How it is taxed.
    pub(super) tax_class: TaxClass,
    /// Its allergens with the chosen options, all of them.
    pub(super) allergens: Declared,
    /// What it takes from stock.
    pub(super) needs: BTreeMap<Key, Amount>,
}

/// Checks one line and prices it; nothing when there was a fault.
pub(super) fn priced(
    cart_line: &CartLine,
    menu: &PublishedMenu,
    is_delivery: bool,
    faults: &mut Faults,
) -> Option<PricedLine> {
    let at = Pointer::root().at("lines").at(cart_line.line);
    let choice = &cart_line.choice;
    let Some(item) = menu.item(&choice.item) else {
        faults.add(
            "item_unknown",
            &at.at("item"),
            format!("{} is not on the menu", choice.item),
        );
        return None;
    };
    let mut found = Faults::default();
    if !menu.is_available(&item.key) {
        found.add(
            "item_unavailable",
            &at.at("item"),
            format!("{} is off the menu now", item.key),
        );
    }
    check_packaging(item, is_delivery, &at, &mut found);
    let options = check_options(item, menu, &choice.options, &at, &mut found);
    let chosen = || {
        choice.options.iter().map(|option| Choice {
            group: &option.group,
            option: &option.option,
            quantity: option.quantity.get(),
        })
    };
    if !found.is_empty() {
        faults.0.append(&mut found.0);
        return None;
    }
    let needs = menu.needs(&item.key, choice.quantity.get(), chosen());
    if needs.is_none() {
        faults.add(
            "amount_overflow",
            &at,
            "this takes more than can be counted",
        );
    }
    Some(PricedLine {
        line: OrderLine {
            line: cart_line.line,
            item: item.key.clone(),
            name: item.name.clone(),
            quantity: choice.quantity,
            bowl: bowl(item, menu, &choice.options),
            options,
            note: choice.note.clone(),
            shortage: choice.shortage,
            unit_price_minor: item.price_minor.minor(),
        },
        tax_class: item.tax_class,
        allergens: menu.allergens(&item.key, chosen())?,
        needs: needs?,
    })
}

/// Noodles in their broth do not survive a courier's bag (`domain.md`, *Ramen rules*, column *combined*).
fn check_packaging(item: &Item, is_delivery: bool, at: &Pointer, faults: &mut Faults) {
    let Some(ramen) = &item.ramen else {
        return;
    };
    let combined = ramen.packaging == Packaging::Combined;
    match ramen.style.sla().map(|row| row.combined) {
        Some(Combined::Never) if combined => {
            faults.add(
                "never_combined",
                &at.at("item"),
                "this style never travels in its broth",
            );
        }
        Some(Combined::PickupOnly(_)) if combined && is_delivery => {
            faults.add(
                "pickup_only",
                &at.at("item"),
                "this can only be fetched: it is in its broth",
            );
        }
        Some(
            Combined::Never | Combined::PickupOnly(_) | Combined::AsSold | Combined::NotApplicable,
        )
        | None => {}
    }
}

fn check_options(
    item: &Item,
    menu: &PublishedMenu,
    chosen: &[OptionChoice],
    at: &Pointer,
    faults: &mut Faults,
) -> Vec<OrderOption> {
    let at = at.at("options");
    let options = chosen
        .iter()
        .enumerate()
        .filter_map(|(index, choice)| known_option(item, menu, choice, &at.at(index), faults))
        .collect();
    for link in &item.groups {
        check_group(link, chosen, &at, faults);
    }
    options
}

/// An option that this item offers, in a quantity that it allows.
fn known_option(
    item: &Item,
    menu: &PublishedMenu,
    choice: &OptionChoice,
    at: &Pointer,
    faults: &mut Faults,
) -> Option<OrderOption> {
    let link = item.groups.iter().find(|link| link.group == choice.group);
    let option = menu.option(&choice.group, &choice.option);
    let (Some(link), Some(option)) = (link, option) else {
        let detail = format!(
            "{} offers no {} of {}",
            item.key, choice.option, choice.group
        );
        faults.add("option_unknown", at, detail);
        return None;
    };
    if choice.quantity.get() > link.max_per_option {
        let detail = format!("at most {} of the same", link.max_per_option);
        faults.add("option_above_max", &at.at("quantity"), detail);
    }
    Some(OrderOption {
        group: choice.group.clone(),
        option: choice.option.clone(),
        name: option.name.clone(),
        quantity: choice.quantity,
        price_minor: option.price_minor.minor(),
    })
}

fn check_group(link: &GroupLink, chosen: &[OptionChoice], at: &Pointer, faults: &mut Faults) {
    let count = chosen
        .iter()
        .filter(|choice| choice.group == link.group)
        .fold(0_u32, |sum, choice| {
            sum.saturating_add(choice.quantity.get())
        });
    if count < link.min {
        let detail = format!("choose at least {} of {}", link.min, link.group);
        faults.add("group_below_min", at, detail);
    }
    if count > link.max {
        let detail = format!("choose at most {} of {}", link.max, link.group);
        faults.add("group_above_max", at, detail);
    }
}

/// The clocks of a bowl; a chosen firmness has its own time in the boiler.
fn bowl(item: &Item, menu: &PublishedMenu, chosen: &[OptionChoice]) -> Option<BowlSpec> {
    let ramen = item.ramen.as_ref().filter(|ramen| ramen.style.is_bowl())?;
    let by_firmness = chosen
        .iter()
        .filter_map(|choice| menu.option(&choice.group, &choice.option)?.cook_seconds)
        .next_back();
    Some(BowlSpec {
        style: ramen.style,
        cook_seconds: by_firmness.unwrap_or(ramen.cook_seconds),
        pack_seconds: ramen.pack_seconds,
        packaging: ramen.packaging,
        noodle_tenths_mm: u32::from(ramen.noodle_tenths_mm),
    })
}
