//! What must hold, by folds of our own over the stored JSON: written from `domain.md`, not from the product.

mod keys;
mod money;
mod orders;
mod promotion;
mod rest;
mod stock;
mod streams;

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use crate::memory::Committed;
use crate::world::World;

pub(crate) use rest::is_at_rest;

/// What is wrong, with the id of the invariant (reliability §2).
pub(crate) type Breaches = Vec<String>;

/// A stream of one kind, in order.
pub(crate) type Streams = BTreeMap<Uuid, Vec<(String, Value)>>;

/// What must hold at any moment.
pub(crate) fn always(world: &World) -> Breaches {
    let memory = world.memory();
    let mut breaches = streams::breaches(&memory);
    breaches.extend(stock::breaches(&of_kind(
        &memory.events,
        "restaurant.inventory",
    )));
    breaches.extend(promotion::breaches(&of_kind(
        &memory.events,
        "restaurant.promotion",
    )));
    breaches.extend(orders::breaches(&of_kind(&memory.events, "ordering.order")));
    breaches.extend(money::breaches(
        &of_kind(&memory.events, "payment.payment"),
        &world.vendor(),
    ));
    breaches.extend(keys::breaches(&memory, &world.heard()));
    breaches
}

/// What must hold when nothing is left to do.
pub(crate) fn at_rest(world: &World) -> Breaches {
    let memory = world.memory();
    let payments = of_kind(&memory.events, "payment.payment");
    let mut breaches = rest::breaches(&memory);
    breaches.extend(stock::at_rest(&of_kind(
        &memory.events,
        "restaurant.inventory",
    )));
    breaches.extend(orders::at_rest(&of_kind(&memory.events, "ordering.order")));
    breaches.extend(money::at_rest(&payments, &world.vendor()));
    breaches
}

fn of_kind(events: &[Committed], kind: &str) -> Streams {
    let mut streams = Streams::new();
    for event in events
        .iter()
        .filter(|event| event.stream.kind.as_str() == kind)
    {
        let payload = serde_json::from_str(&event.event.payload).unwrap_or_default();
        let told = (event.event.event_type.clone(), payload);
        streams.entry(event.stream.id).or_default().push(told);
    }
    streams
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
