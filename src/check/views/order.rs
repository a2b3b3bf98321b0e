//! An order's rows: the order itself, what checkout fixed, what the kitchen sees, and its story.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Row, object, set};
use crate::check::store::Event;

fn fulfilment(order: &Event) -> Value {
    order
        .body
        .pointer("/fulfilment/type")
        .cloned()
        .unwrap_or_default()
}

/// `views.orders`.
pub(super) fn order(row: Option<Row>, event: &Event) -> Option<Row> {
    let at = event.value("at");
    let mut row = if event.name == "checked_out" {
        object(json!({
            "order_id": event.stream,
            "customer_id": event.value("customer"),
            "restaurant_id": event.value("restaurant"),
            "restaurant_name": event.value("restaurant_name"),
            "cart_id": event.value("cart"),
            "payment_id": event.value("payment"),
            "number": event.value("number"),
            "service_date": event.value("service_date"),
            "channel": event.value("channel"),
            "city": event.value("city"),
            "fulfilment": fulfilment(event),
            "state": "awaiting_payment",
            "total_minor": event.body.pointer("/total/amount_minor"),
            "currency": event.body.pointer("/total/currency"),
            "promise_earliest": event.body.pointer("/promise/earliest"),
            "promise_latest": event.body.pointer("/promise/latest"),
            "expires_at": event.value("expires_at"),
            "wanted_from": event.body.pointer("/schedule/window/from"),
            "wanted_to": event.body.pointer("/schedule/window/to"),
            "release_at": event.body.pointer("/schedule/release_at"),
            "remake_of": event.body.pointer("/remake_of/order"),
            "state_since": at,
            "first_promise_earliest": event.body.pointer("/promise/earliest"),
            "first_promise_latest": event.body.pointer("/promise/latest"),
            "checked_out_at": at,
            "updated_at": at,
        }))?
    } else {
        row?
    };
    match event.name.as_str() {
        "scheduled" => set(
            &mut row,
            [("state", "scheduled".into()), ("scheduled_at", at.clone())],
        ),
        "placed" => set(
            &mut row,
            [("state", "placed".into()), ("placed_at", at.clone())],
        ),
        "accepted" => {
            set(
                &mut row,
                [
                    ("state", "accepted".into()),
                    ("accepted_at", at.clone()),
                    ("prep_minutes", event.value("prep_minutes")),
                    (
                        "promise_earliest",
                        event.body["promise"]["earliest"].clone(),
                    ),
                    ("promise_latest", event.body["promise"]["latest"].clone()),
                ],
            );
        }
        "rejected" => {
            let reason = event.text("note").or(event.text("reason")).map(Value::from);
            set(
                &mut row,
                [
                    ("state", "rejected".into()),
                    ("end_reason", reason.unwrap_or_default()),
                    ("end_fault", "shop".into()),
                    ("ended_at", at.clone()),
                ],
            );
        }
        "expired" => set(
            &mut row,
            [("state", "expired".into()), ("ended_at", at.clone())],
        ),
        "cancelled" => {
            set(
                &mut row,
                [
                    ("state", "cancelled".into()),
                    ("end_reason", event.value("reason")),
                    ("end_fault", event.value("fault")),
                    ("ended_by", event.body["by"]["type"].clone()),
                    ("ended_at", at.clone()),
                ],
            );
        }
        "fired" => set(
            &mut row,
            [("state", "cooking".into()), ("fired_at", at.clone())],
        ),
        "bowl_sealed" => {
            let deadline = earliest(row.get("slurp_deadline"), event.body.get("deadline"));
            set(&mut row, [("slurp_deadline", deadline)]);
        }
        "ready" => {
            set(
                &mut row,
                [
                    ("state", "ready".into()),
                    ("ready_at", at.clone()),
                    ("slurp_deadline", event.value("slurp_deadline")),
                ],
            );
        }
        "refired" => set(&mut row, again(event)),
        "promise_made" => {
            let (earliest, latest) = promise(event);
            set(
                &mut row,
                [
                    ("first_promise_earliest", earliest.clone()),
                    ("first_promise_latest", latest.clone()),
                    ("promise_earliest", earliest),
                    ("promise_latest", latest),
                ],
            );
        }
        "acted_on_behalf" => set(&mut row, [("on_behalf", event.value("reason"))]),
        "picked_up" => {
            set(
                &mut row,
                [
                    ("state", "picked_up".into()),
                    ("picked_up_at", at.clone()),
                    ("driver_id", event.value("driver")),
                ],
            );
        }
        "collected" | "delivered" => {
            set(
                &mut row,
                [("state", "delivered".into()), ("delivered_at", at.clone())],
            );
        }
        "undeliverable" => {
            let columns = [
                ("state", "undeliverable".into()),
                ("end_reason", event.value("reason")),
            ];
            set(&mut row, columns);
        }
        "short_settled" => set(&mut row, [total(event)]),
        "amended" => {
            set(&mut row, [total(event)]);
            if event.body["schedule"].is_object() {
                set(&mut row, schedule(event));
            }
        }
        "switched_to_pickup" => set(&mut row, [total(event), ("fulfilment", "pickup".into())]),
        "promise_moved" => {
            set(
                &mut row,
                [
                    ("prep_minutes", event.value("prep_minutes")),
                    (
                        "promise_earliest",
                        event.body["promise"]["earliest"].clone(),
                    ),
                    ("promise_latest", event.body["promise"]["latest"].clone()),
                ],
            );
        }
        "not_collected" => set(&mut row, [("state", "uncollected".into())]),
        "completed" => set(
            &mut row,
            [("state", "completed".into()), ("ended_at", at.clone())],
        ),
        _ => {}
    }
    if !STAYING.contains(&event.name.as_str()) {
        set(&mut row, [("state_since", at.clone())]);
    }
    set(
        &mut row,
        [("updated_at", at), ("sequence", event.sequence.into())],
    );
    Some(row)
}

/// Events after which an order is in the state that it was in.
const STAYING: &[&str] = &[
    "promise_made",
    "courier_requested",
    "bowl_boiled",
    "bowl_sealed",
    "short_reported",
    "short_settled",
    "promise_moved",
    "switched_to_pickup",
    "amended",
    "door_corrected",
    "remake_offered",
    "remake_declined",
    "remade",
    "stalled",
    "acted_on_behalf",
    "acknowledged",
];

/// The earlier of two instants, either of which may be missing.
fn earliest(one: Option<&Value>, other: Option<&Value>) -> Value {
    let instant = |value: &&Value| value.as_str()?.parse::<DateTime<Utc>>().ok();
    let known = [one, other]
        .into_iter()
        .flatten()
        .filter(|value| instant(value).is_some());
    known.min_by_key(instant).cloned().unwrap_or_default()
}

/// From when to when an order is promised.
fn promise(event: &Event) -> (Value, Value) {
    let promise = &event.body["promise"];
    (promise["earliest"].clone(), promise["latest"].clone())
}

/// The promise as the kitchen sees it.
fn promised(event: &Event) -> [(&'static str, Value); 2] {
    let (earliest, latest) = promise(event);
    [("promise_earliest", earliest), ("promise_latest", latest)]
}

/// When an order for later is wanted, and its shop asked.
fn schedule(event: &Event) -> [(&'static str, Value); 3] {
    let schedule = &event.body["schedule"];
    [
        ("wanted_from", schedule["window"]["from"].clone()),
        ("wanted_to", schedule["window"]["to"].clone()),
        ("release_at", schedule["release_at"].clone()),
    ]
}

/// An order that is cooked again.
fn again(event: &Event) -> [(&'static str, Value); 3] {
    [
        ("state", "cooking".into()),
        ("ready_at", Value::Null),
        ("slurp_deadline", event.value("slurp_deadline")),
    ]
}

/// What an order comes to by a new bill.
fn total(event: &Event) -> (&'static str, Value) {
    let minor = event.body["bill"]["total"]["amount_minor"].clone();
    ("total_minor", minor)
}

/// `views.order_details`.
pub(super) fn details(row: Option<Row>, event: &Event) -> Option<Row> {
    match event.name.as_str() {
        "checked_out" => object(json!({
            "order_id": event.stream,
            "sequence": event.sequence,
            "lines": event.value("lines"),
            "quote": event.value("quote"),
            "allergens": event.value("allergens"),
            "fulfilment": event.value("fulfilment"),
            "seller": {
                "name": event.value("seller_name"),
                "tax_id": event.body.pointer("/seller/tax_id"),
                "address": event.body.pointer("/seller/address"),
            },
            "commission": event.value("commission"),
        })),
        "short_settled" | "switched_to_pickup" | "amended" => {
            let mut row = row?;
            if row.get("agreed").is_none_or(Value::is_null) {
                let agreed = json!({ "lines": row.get("lines"), "quote": row.get("quote") });
                set(&mut row, [("agreed", agreed)]);
            }
            set(
                &mut row,
                [
                    ("sequence", event.sequence.into()),
                    ("lines", event.body["bill"]["lines"].clone()),
                    ("quote", event.body["bill"]["quote"].clone()),
                ],
            );
            if event.name == "switched_to_pickup" {
                set(&mut row, [("fulfilment", json!({ "type": "pickup" }))]);
            }
            if event.name == "amended" {
                set(&mut row, [("allergens", event.value("allergens"))]);
                if let Some(address) = event.body.get("address") {
                    let door = json!({ "type": "delivery", "address": address });
                    set(&mut row, [("fulfilment", door)]);
                }
            }
            Some(row)
        }
        "door_corrected" => {
            let mut row = row?;
            let door = json!({ "type": "delivery", "address": event.value("address") });
            set(
                &mut row,
                [("sequence", event.sequence.into()), ("fulfilment", door)],
            );
            Some(row)
        }
        _ => row,
    }
}

/// `views.kitchen_queue`: gone as soon as the order has left the kitchen or ended.
pub(super) fn kitchen(row: Option<Row>, event: &Event) -> Option<Row> {
    let at = event.value("at");
    let mut row = if event.name == "checked_out" {
        object(json!({
            "order_id": event.stream,
            "restaurant_id": event.value("restaurant"),
            "number": event.value("number"),
            "service_date": event.value("service_date"),
            "fulfilment": fulfilment(event),
            "state": "awaiting_payment",
            "auto_fire": event.value("auto_fire"),
            "lines": event.value("lines"),
            "bowls": [],
            "promise_earliest": event.body.pointer("/promise/earliest"),
            "promise_latest": event.body.pointer("/promise/latest"),
            "release_at": event.body.pointer("/schedule/release_at"),
            "remake_of": event.body.pointer("/remake_of/order"),
        }))?
    } else {
        row?
    };
    match event.name.as_str() {
        "checked_out" | "remake_offered" | "remake_declined" | "remade" | "stalled"
        | "acted_on_behalf" => {}
        "promise_made" => set(&mut row, promised(event)),
        "scheduled" => set(&mut row, [("state", "scheduled".into())]),
        "refired" => {
            set(&mut row, again(event));
            for bowl in event.body["bowls"].as_array().into_iter().flatten() {
                let none = |name| (name, Value::Null);
                let clocks = ["boiled_at", "sealed_at", "deadline"].map(none);
                clock(&mut row, bowl, &clocks);
            }
        }
        "placed" => set(
            &mut row,
            [("state", "placed".into()), ("placed_at", at.clone())],
        ),
        "accepted" => {
            set(
                &mut row,
                [
                    ("state", "accepted".into()),
                    ("accepted_at", at.clone()),
                    ("prep_minutes", event.value("prep_minutes")),
                ],
            );
            set(&mut row, promised(event));
        }
        "acknowledged" => set(&mut row, [("acknowledged_at", at.clone())]),
        "courier_requested" | "short_reported" | "door_corrected" => {}
        "short_settled" | "amended" => {
            set(&mut row, [("lines", event.body["bill"]["lines"].clone())]);
            if event.body["schedule"].is_object() {
                let release_at = event.body["schedule"]["release_at"].clone();
                set(&mut row, [("release_at", release_at)]);
            }
        }
        "switched_to_pickup" => {
            let lines = event.body["bill"]["lines"].clone();
            set(
                &mut row,
                [("lines", lines), ("fulfilment", "pickup".into())],
            );
        }
        "promise_moved" => {
            set(&mut row, [("prep_minutes", event.value("prep_minutes"))]);
            set(&mut row, promised(event));
        }
        "fired" => set(
            &mut row,
            [("state", "cooking".into()), ("fired_at", at.clone())],
        ),
        "bowl_boiled" => clock(&mut row, &event.body, &[("boiled_at", at.clone())]),
        "bowl_sealed" => {
            let deadline = earliest(row.get("slurp_deadline"), event.body.get("deadline"));
            set(&mut row, [("slurp_deadline", deadline)]);
            clock(
                &mut row,
                &event.body,
                &[
                    ("sealed_at", at.clone()),
                    ("deadline", event.value("deadline")),
                ],
            );
        }
        "ready" => {
            set(
                &mut row,
                [
                    ("state", "ready".into()),
                    ("ready_at", at.clone()),
                    ("slurp_deadline", event.value("slurp_deadline")),
                ],
            );
        }
        _ => return None,
    }
    set(
        &mut row,
        [("updated_at", at), ("sequence", event.sequence.into())],
    );
    Some(row)
}

/// Sets the clocks of one bowl; bowls stand in the order in which they were first touched.
fn clock(row: &mut Row, of: &Value, clocks: &[(&str, Value)]) {
    let (line, bowl) = (of["line"].clone(), of["bowl"].clone());
    let Some(bowls) = row.get_mut("bowls").and_then(Value::as_array_mut) else {
        return;
    };
    let known = bowls
        .iter()
        .position(|known| known["line"] == line && known["bowl"] == bowl);
    let place = known.unwrap_or_else(|| {
        bowls.push(json!({ "line": line, "bowl": bowl }));
        bowls.len() - 1
    });
    if let Some(found) = bowls.get_mut(place).and_then(Value::as_object_mut) {
        for (name, value) in clocks {
            found.insert((*name).to_owned(), value.clone());
        }
    }
}

/// `views.order_timeline`: an entry for each event, by its sequence.
#[expect(clippy::unnecessary_wraps, reason = "the form of every view's fold")]
pub(super) fn timeline(row: Option<Row>, event: &Event) -> Option<Row> {
    let shown: &[(&str, &str)] = match event.name.as_str() {
        "checked_out" => &[
            ("number", "/number"),
            ("promise_earliest", "/promise/earliest"),
            ("promise_latest", "/promise/latest"),
            ("remake_of", "/remake_of/order"),
        ],
        "accepted" => &[
            ("prep_minutes", "/prep_minutes"),
            ("promise_earliest", "/promise/earliest"),
            ("promise_latest", "/promise/latest"),
        ],
        "rejected" => &[("reason", "/reason")],
        "undeliverable" => &[("reason", "/reason"), ("settlement", "/settlement")],
        "not_collected" => &[("settlement", "/settlement")],
        "cancelled" => &[
            ("by", "/by/type"),
            ("fault", "/fault"),
            ("settlement", "/settlement"),
        ],
        "short_reported" => &[
            ("short", "/short"),
            ("line", "/line"),
            ("units", "/units"),
            ("choice", "/choice"),
            ("substitute", "/substitute/name"),
            ("answer_by", "/answer_by"),
        ],
        "short_settled" => &[
            ("short", "/short"),
            ("outcome", "/outcome"),
            ("total_minor", "/bill/total/amount_minor"),
        ],
        "promise_moved" => &[
            ("prep_minutes", "/prep_minutes"),
            ("promise_earliest", "/promise/earliest"),
            ("promise_latest", "/promise/latest"),
            ("reason", "/reason"),
            ("party", "/party"),
        ],
        "switched_to_pickup" => &[
            ("by", "/by/type"),
            ("total_minor", "/bill/total/amount_minor"),
        ],
        "amended" => &[
            ("by", "/by/type"),
            ("total_minor", "/bill/total/amount_minor"),
            ("release_at", "/schedule/release_at"),
        ],
        "scheduled" => &[("release_at", "/release_at")],
        "promise_made" => &[
            ("promise_earliest", "/promise/earliest"),
            ("promise_latest", "/promise/latest"),
        ],
        "stalled" => &[("stage", "/stage"), ("since", "/since")],
        "acted_on_behalf" => &[("by", "/by/type"), ("of", "/of"), ("reason", "/reason")],
        "refired" => &[
            ("bowls", "/bowls"),
            ("reason", "/reason"),
            ("fault", "/fault"),
        ],
        "remake_offered" => &[
            ("offer", "/offer"),
            ("bowls", "/bowls"),
            ("reason", "/reason"),
            ("fault", "/fault"),
            ("answer_by", "/answer_by"),
        ],
        "remake_declined" => &[("offer", "/offer"), ("by", "/by/type")],
        "remade" => &[
            ("remake", "/remake"),
            ("bowls", "/bowls"),
            ("reason", "/reason"),
            ("fault", "/fault"),
            ("by", "/by/type"),
        ],
        "door_corrected" => &[("by", "/by/type"), ("moved_m", "/moved_m")],
        "courier_requested" => &[("delivery", "/delivery")],
        "fired" => &[("automatic", "/automatic")],
        "bowl_boiled" => &[("line", "/line"), ("bowl", "/bowl")],
        "bowl_sealed" => &[
            ("line", "/line"),
            ("bowl", "/bowl"),
            ("deadline", "/deadline"),
        ],
        "ready" => &[("slurp_deadline", "/slurp_deadline")],
        "picked_up" => &[("inferred", "/inferred")],
        "delivered" => &[("proof", "/proof")],
        _ => &[],
    };
    let other_door = (event.name == "amended").then(|| {
        let moved = event.body.get("address").is_some();
        ("other_door".to_owned(), moved.into())
    });
    let facts: Row = shown
        .iter()
        .map(|(name, place)| {
            (
                (*name).to_owned(),
                event.body.pointer(place).cloned().unwrap_or_default(),
            )
        })
        .chain(other_door)
        .collect();
    let mut rows = row.unwrap_or_default();
    let entry = json!({
        "event": event.name,
        "happened_at": event.value("at"),
        "recorded_at": event.recorded(),
        "facts": facts,
    });
    rows.insert(event.sequence.to_string(), entry);
    Some(rows)
}
