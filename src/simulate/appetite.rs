//! From a guest's appetite to an order that waits for its payment.

use rand::RngExt as _;
use serde_json::{Value, json};

use super::day::{Day, DayOrder};
use super::fate::{Fate, Plan};
use super::tally::Outcome;
use super::world::{Stop, World};
use crate::client::{Answer, CallError, Customer, Line, Person, Role, id_of};
use crate::demo::choose;

/// An order that was checked out.
pub(super) struct CheckedOut {
    /// Whose it is.
    pub(super) customer: Customer,
    /// Its id as text.
    pub(super) id: String,
    /// Bowls to boil and seal, by line number.
    pub(super) bowls: Vec<(i64, u32)>,
}

/// Signs a guest in, fills a cart and checks it out.
///
/// # Errors
/// `Ended` when the cart cannot be sold, `Failed` for everything that should work.
pub(super) async fn check_out(
    world: &World<'_>,
    order: &DayOrder,
    plan: &mut Plan,
) -> Result<CheckedOut, Stop> {
    let shop = &world.shops[order.shop];
    let person = Person {
        id: id_of(&format!("guest/{}/{}", world.midnight, order.key)),
        role: Role::Customer,
        restaurants: Vec::new(),
    };
    let customer = Customer(world.scene.door.open(&person).await?);
    let cart = customer.open_cart(&shop.id).await?;
    let cart = cart.text("/id")?.to_owned();
    let mut bowls = Vec::new();
    for line in wishes(&shop.menu, plan) {
        let added = customer.add_line(&cart, &line).await?;
        let number = added.integer("/line")?;
        let count = if line.is_bowl { line.quantity } else { 0 };
        bowls.extend((1..=count).map(|bowl| (number, bowl)));
    }
    let address = (plan.fate != Fate::Pickup).then(|| address(world.day, order));
    let quoted = customer.set_fulfilment(&cart, address.as_ref()).await?;
    let ordered = order_quoted(&customer, &cart, &quoted).await?;
    let id = ordered.text("/order_id")?.to_owned();
    Ok(CheckedOut {
        customer,
        id,
        bowls,
    })
}

/// One or two bowls, often a side, sometimes a drink.
fn wishes(menu: &Value, plan: &mut Plan) -> Vec<Line> {
    let random = &mut plan.random;
    let bowls = random.random_range(1..=2);
    let wants = [
        ("ramen", Some(bowls)),
        ("sides", random.random_bool(0.5).then_some(1)),
        ("drinks", random.random_bool(0.3).then_some(1)),
    ];
    let mut pick = |below: usize| random.random_range(0..below);
    wants
        .into_iter()
        .filter_map(|(section, quantity)| choose::line(menu, section, quantity?, &mut pick))
        .collect()
}

/// An invented person at the data's door.
fn address(day: &Day, order: &DayOrder) -> Value {
    json!({
        "name": format!("Guest {}", order.key),
        "phone": day.market.phone,
        "street": format!("Door {}", order.key),
        "city": day.market.city,
        "country": day.market.country,
        "pin": { "lat": order.to.lat, "lon": order.to.lon },
    })
}

/// Checks out what was quoted; when the quote has moved meanwhile, once more with the new one.
async fn order_quoted(customer: &Customer, cart: &str, quoted: &Answer) -> Result<Answer, Stop> {
    let Some(quote) = quoted.body["quote"]["quote_id"].as_str() else {
        let refusals = &quoted.body["refusals"];
        return Err(Stop::Refused(
            Outcome::Refused(codes(refusals)),
            refusals.clone(),
        ));
    };
    let first = customer.check_out(cart, quote).await;
    let moved = match &first {
        Err(CallError::Refused { problem, .. }) if problem.code == "quote_changed" => {
            problem.quote["quote_id"].as_str()
        }
        Ok(_) | Err(_) => None,
    };
    let last = match moved {
        Some(quote) => customer.check_out(cart, quote).await,
        None => first,
    };
    match last {
        Err(CallError::Refused { problem, .. }) if problem.status == 422 => {
            let codes = codes(&problem.document["errors"]);
            Err(Stop::Refused(Outcome::Refused(codes), problem.document))
        }
        other => Ok(other?),
    }
}

/// The codes of a list of faults.
fn codes(refusals: &Value) -> String {
    let codes = refusals
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|fault| fault["code"].as_str());
    codes.collect::<Vec<_>>().join(", ")
}
