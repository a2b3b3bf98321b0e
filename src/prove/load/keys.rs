//! P6: so many idempotency keys, each on several requests at once that two command APIs share: one is
//! executed, the others hear the same bytes or that it is under way.

use std::fmt;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use serde_json::{Value, json};

use crate::client::{Customer, Door, Person, Repeat, Role};
use crate::console;
use crate::demo::stocked::{StockedShop, open_stocked};

/// Lines that a cart takes, each under a key of its own (reliability §7).
const LINES: usize = 50;
/// Carts that are filled at once.
const CARTS_AT_ONCE: usize = 16;

/// What became of the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Keys {
    /// Keys that were used.
    used: usize,
    /// Requests with them.
    requests: usize,
    /// Answers that were the first one's, byte for byte, and the first ones.
    same: usize,
    /// Answers that another request with the key was under way.
    in_flight: usize,
    /// Answers of a key that differ from its others'.
    different: usize,
    /// Keys of which no request was answered with success.
    refused: usize,
    /// Bowls in the carts.
    executed: usize,
}

impl Keys {
    /// Whether each key was executed once.
    pub(super) fn is_clean(&self) -> bool {
        self.different == 0 && self.refused == 0 && self.executed == self.used
    }

    fn note(&mut self, repeats: &[Repeat]) {
        self.used += 1;
        self.requests += repeats.len();
        let (in_flight, answered): (Vec<&Repeat>, _) =
            repeats.iter().partition(|repeat| repeat.is_in_flight);
        self.in_flight += in_flight.len();
        let Some(first) = answered.iter().find(|repeat| repeat.status < 300) else {
            self.refused += 1;
            return;
        };
        let same = answered.iter().filter(|repeat| repeat == &first).count();
        self.same += same;
        self.different += answered.len() - same;
    }

    fn join(&mut self, other: &Self) {
        self.used += other.used;
        self.requests += other.requests;
        self.same += other.same;
        self.in_flight += other.in_flight;
        self.different += other.different;
        self.refused += other.refused;
        self.executed += other.executed;
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} keys on {} requests at once: {} executed",
            self.used, self.requests, self.executed
        )?;
        write!(
            f,
            "  {} answered the same, {} told that it is under way, {} answered otherwise, {} keys refused",
            self.same, self.in_flight, self.different, self.refused
        )
    }
}

/// Fills carts, each line `copies` times at once under one key, until `keys` are used.
///
/// # Errors
/// When a cart cannot be opened or read, or nobody answers.
pub(super) async fn load(door: &Door, keys: usize, copies: usize) -> anyhow::Result<Keys> {
    let shop = open_stocked(door, "proof", 0).await?;
    let mut filled = stream::iter(0..keys.div_ceil(LINES))
        .map(|nth| fill(door, &shop, nth, LINES.min(keys - nth * LINES), copies))
        .buffer_unordered(CARTS_AT_ONCE);
    let mut all = Keys::default();
    while let Some(cart) = filled.try_next().await? {
        all.join(&cart);
        console::progress(format!("prove      {:>6} of {keys} keys", all.used));
    }
    Ok(all)
}

/// One cart: its lines one after the other, since they wait for each other anyway.
async fn fill(
    door: &Door,
    shop: &StockedShop,
    nth: usize,
    lines: usize,
    copies: usize,
) -> anyhow::Result<Keys> {
    let person = Person::named(Role::Customer, &format!("keys {nth}"));
    let guest = Customer(door.open(&person).await?);
    let cart = guest.open_cart(&shop.id).await?.text("/id")?.to_owned();
    let path = format!("/v1/carts/{cart}");
    let body = json!({
        "item": shop.line.item,
        "quantity": 1,
        "options": shop.line.options,
    });
    let mut keys = Keys::default();
    for _ in 0..lines {
        let lines = format!("{path}/lines");
        let repeats = guest.0.post_at_once("keys", &lines, &body, copies);
        keys.note(&repeats.await?);
    }
    let cart = guest.0.get("cart: read", &path).await?;
    keys.executed = bowls_in(&cart.body);
    Ok(keys)
}

/// How many there are of everything in a cart.
fn bowls_in(cart: &Value) -> usize {
    let lines = cart["lines"].as_array().into_iter().flatten();
    let quantities = lines.filter_map(|line| usize::try_from(line["quantity"].as_u64()?).ok());
    quantities.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &str) -> Repeat {
        Repeat {
            status,
            is_in_flight: status == 409,
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn a_key_is_clean_when_all_who_are_answered_hear_the_same() {
        let mut keys = Keys::default();
        keys.note(&[said(200, "a"), said(409, "wait"), said(200, "a")]);
        keys.executed = 1;
        assert!(keys.is_clean());
        assert_eq!((keys.same, keys.in_flight), (2, 1));
        let mut twice = keys.clone();
        twice.executed = 2;
        assert!(!twice.is_clean());
        let mut other = keys.clone();
        other.note(&[said(200, "a"), said(200, "b")]);
        assert_eq!((other.different, other.is_clean()), (1, false));
        keys.note(&[said(409, "wait"), said(422, "no")]);
        assert_eq!((keys.refused, keys.is_clean()), (1, false));
    }
}
