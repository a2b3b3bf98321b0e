//! One line of a cart against the menu: whether it can be ordered so, and what it comes to.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::kernel::allergen::Declared;
use crate::kernel::bowl::{Combined, Packaging};
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::key::Key;
use crate::kernel::quantity::{Amount, IngredientAmount, Quantity};
use crate::kernel::tax::TaxClass;
use crate::kernel::time::TimeZone;
use crate::ordering::cart::CartLine;
use crate::ordering::line::{AskedNoodles, BowlSpec, OptionChoice, OrderLine, OrderOption};
use crate::restaurant::dish::{Choice, Dish, Part};
use crate::restaurant::menu::{Item, PublishedMenu};
use crate::restaurant::sale_hours::{OnSale, on_sale};

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
    /// What one of it takes from stock.
    pub(super) of_one: Vec<IngredientAmount>,
}

/// When the dishes are wanted, and by which clock the shop sells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// The instant.
    pub(super) at: DateTime<Utc>,
    /// The shop's zone.
    pub(super) zone: TimeZone,
}

/// Checks one line and prices it; nothing when there was a fault.
pub(super) fn priced(
    cart_line: &CartLine,
    menu: &PublishedMenu,
    is_delivery: bool,
    clock: Option<Clock>,
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
    if let Some(instead) = &choice.substitute
        && menu.item(instead).is_none()
    {
        found.add(
            "item_unknown",
            &at.at("substitute"),
            format!("{instead} is not on the menu"),
        );
    }
    check_packaging(item, is_delivery, &at, &mut found);
    check_hours(item, menu, clock, &at, &mut found);
    let choices = choices(&choice.options);
    let dish = menu.compose(item, &choices, &at.at("options"));
    let dish = dish
        .map_err(|mut faults| found.0.append(&mut faults.0))
        .ok();
    let (Some(dish), true) = (dish, found.is_empty()) else {
        faults.0.append(&mut found.0);
        return None;
    };
    let needs = dish.needs(choice.quantity.get());
    let of_one = dish.needs(1);
    let options = order_options(&dish.parts);
    let (Some(needs), Some(of_one), Some(options)) = (needs, of_one, options) else {
        faults.add(
            "amount_overflow",
            &at,
            "this takes more than can be counted",
        );
        return None;
    };
    Some(PricedLine {
        line: OrderLine {
            line: cart_line.line,
            item: item.key.clone(),
            name: item.name.clone(),
            quantity: choice.quantity,
            bowl: bowl(&dish, is_delivery),
            options,
            note: choice.note.clone(),
            shortage: choice.shortage,
            substitute: choice.substitute.clone(),
            unit_price_minor: item.price_minor.minor(),
            minimum_age: dish.minimum_age(),
        },
        tax_class: item.tax_class,
        allergens: dish.allergens(),
        needs,
        of_one: amounts(of_one),
    })
}

/// As orders and holds keep it.
pub(super) fn amounts(needs: BTreeMap<Key, Amount>) -> Vec<IngredientAmount> {
    needs
        .into_iter()
        .map(|(ingredient, amount)| IngredientAmount { ingredient, amount })
        .collect()
}

/// Breakfast is not sold at night; who asks is told from when it is.
fn check_hours(
    item: &Item,
    menu: &PublishedMenu,
    clock: Option<Clock>,
    at: &Pointer,
    faults: &mut Faults,
) {
    let (Some(clock), Some(section)) = (clock, menu.section_of(&item.key)) else {
        return;
    };
    let sold = on_sale(section, item, clock.zone, clock.at);
    let detail = match sold {
        OnSale::Now => return,
        OnSale::From(from) => {
            let local = clock.zone.local(from).format("%Y-%m-%d %H:%M");
            format!("{} is sold again from {local} (shop time)", item.key)
        }
        OnSale::Never => format!("{} is never sold at these hours", item.key),
    };
    faults.add("not_on_sale_now", &at.at("item"), detail);
}

fn choices(options: &[OptionChoice]) -> Vec<Choice<'_>> {
    let chosen = options.iter().map(|chosen| Choice {
        group: &chosen.group,
        option: &chosen.option,
        quantity: chosen.quantity.get(),
        options: choices(&chosen.options),
    });
    chosen.collect()
}

/// The options as the order keeps them; nothing when one has no quantity that an order can have.
fn order_options(parts: &[Part<'_>]) -> Option<Vec<OrderOption>> {
    let option = |part: &Part<'_>| {
        Some(OrderOption {
            group: part.group.clone(),
            option: part.option.key.clone(),
            name: part.option.name.clone(),
            quantity: Quantity::try_from(part.quantity).ok()?,
            free: part.free,
            price_minor: part.price_minor,
            tax_class: part.option.tax_class,
            implied: part.implied_by.is_some(),
            options: order_options(&part.parts)?,
        })
    };
    parts.iter().map(option).collect()
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

/// The clocks of a bowl; a chosen firmness has its own time in the boiler, and one that is brought is boiled a step
/// firmer. A kit boils at the customer's.
fn bowl(dish: &Dish<'_>, is_delivery: bool) -> Option<BowlSpec> {
    let ramen = dish.item.ramen.as_ref();
    let ramen = ramen.filter(|ramen| ramen.style.is_bowl())?;
    let asked = dish.noodles();
    let softens = is_delivery && ramen.packaging != Packaging::Kit;
    let firmer = dish.firmer_noodles().filter(|_| softens);
    let usual = dish.cook_seconds().unwrap_or(ramen.cook_seconds);
    Some(BowlSpec {
        style: ramen.style,
        cook_seconds: firmer.map_or(usual, |firmer| firmer.cook_seconds),
        pack_seconds: ramen.pack_seconds,
        packaging: ramen.packaging,
        noodle_tenths_mm: u32::from(ramen.noodle_tenths_mm),
        firmness: firmer.or(asked).map(|boiled| boiled.firmness),
        asked: firmer.and(asked).map(|asked| AskedNoodles {
            firmness: asked.firmness,
            cook_seconds: asked.cook_seconds,
        }),
    })
}
