//! What a shop offers instead of something that is short, as its menu has it.

use super::consent::name;
use super::priced_line::{PricedLine, priced};
use crate::decider::{Class, Fault, Rejection};
use crate::kernel::allergen::Presence;
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::key::Key;
use crate::kernel::quantity::{IngredientAmount, Quantity};
use crate::ordering::cart::CartLine;
use crate::ordering::line::{LineChoice, LineId, OptionChoice, OrderLine, Shortage};
use crate::ordering::order::OrderBody;
use crate::restaurant::menu::Menu;

/// What a shop offers instead.
#[derive(Clone, Debug, PartialEq)]
pub struct Offered {
    /// The line as an order would keep it, for one.
    pub line: Box<OrderLine>,
    /// What one of it takes from stock.
    pub needs: Vec<IngredientAmount>,
}

/// The menu does not have what is offered, or not so.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("this cannot be offered: {0}")]
pub struct SubstituteRefused(pub Faults);

impl Rejection for SubstituteRefused {
    fn code(&self) -> &'static str {
        "substitute_refused"
    }

    fn class(&self) -> Class {
        Class::Unprocessable
    }

    fn faults(&self) -> Vec<Fault> {
        self.0.0.clone()
    }
}

/// Takes an item of the menu as a substitute in an order. What the customer pays for it is the order's to say. Nobody
/// is asked again about allergens and age, so it has none that the order did not come with.
///
/// # Errors
/// [`SubstituteRefused`] with every fault of the choice, each with its pointer into the request.
pub fn substitute(
    order: &OrderBody,
    menu: &Menu,
    item: Key,
    options: Vec<OptionChoice>,
) -> Result<Offered, SubstituteRefused> {
    let mut faults = Faults::default();
    let Some(menu) = menu.published() else {
        faults.add("menu_missing", &Pointer::root(), "the shop has no menu");
        return Err(SubstituteRefused(faults));
    };
    let offered = CartLine {
        line: LineId::new(0),
        choice: LineChoice {
            item,
            quantity: Quantity::ONE,
            options,
            note: None,
            shortage: Shortage::Refund,
            substitute: None,
        },
    };
    let line = priced(&offered, menu, order.is_delivery(), None, &mut faults);
    if let Some(line) = &line {
        check_agreed(order, line, &mut faults);
    }
    match line {
        Some(priced) if faults.is_empty() => Ok(Offered {
            line: Box::new(priced.line),
            needs: priced.of_one,
        }),
        Some(_) | None => Err(SubstituteRefused(of_the_request(faults))),
    }
}

/// Checks that the customer has seen at checkout what this has in it and asks for.
fn check_agreed(order: &OrderBody, offered: &PricedLine, faults: &mut Faults) {
    let at = Pointer::root().at("lines").at(offered.line.line).at("item");
    let shown = &order.allergens;
    for (allergen, presence) in &offered.allergens {
        if *presence > shown.get(allergen).copied().unwrap_or(Presence::Free) {
            let detail = format!("more {} than the customer was shown", name(*allergen));
            faults.add("allergen_not_agreed", &at, detail);
        }
    }
    let agreed = order.bill.lines.iter().filter_map(|line| line.minimum_age);
    let agreed = agreed.max().unwrap_or(0);
    if let Some(age) = offered.line.minimum_age.filter(|age| *age > agreed) {
        let detail = format!("sold from {age} years of age, which the customer did not confirm");
        faults.add("age_not_agreed", &at, detail);
    }
}

/// Faults of a line, as faults of the request's `substitute`.
fn of_the_request(mut faults: Faults) -> Faults {
    for fault in &mut faults.0 {
        fault.pointer = fault.pointer.replacen("/lines/0", "/substitute", 1);
    }
    faults
}
