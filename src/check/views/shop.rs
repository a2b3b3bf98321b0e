//! A shop's row and its menu's.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Row, object, set};
use crate::check::store::Event;

/// `views.restaurants`.
pub(super) fn restaurant(row: Option<Row>, event: &Event) -> Option<Row> {
    let mut row = if event.name == "registered" {
        registered(event)?
    } else {
        row?
    };
    match event.name.as_str() {
        "profile_updated" => {
            for column in ["name", "styles", "auto_fire"] {
                if let Some(value) = event.body.get(column).filter(|value| !value.is_null()) {
                    row.insert(column.to_owned(), value.clone());
                }
            }
        }
        "hours_set" => set(&mut row, [("hours", event.value("hours"))]),
        "zones_set" => {
            let zones = event.value("zones");
            set(
                &mut row,
                [("zone_shapes", shapes(&zones).into()), ("zones", zones)],
            );
        }
        "terms_set" => set(&mut row, [("terms", event.value("terms"))]),
        "capacity_set" => set(&mut row, [("capacity", event.value("capacity"))]),
        "submitted" => enter(&mut row, "submitted", event),
        "approved" => enter(&mut row, "live", event),
        "suspended" | "closed" => enter(&mut row, &event.name, event),
        "paused" => set(
            &mut row,
            [
                ("paused", true.into()),
                ("pause_reason", event.value("reason")),
                (
                    "pause_kind",
                    event.text("kind").unwrap_or("by_staff").into(),
                ),
                ("paused_until", event.value("until")),
            ],
        ),
        "resumed" => set(
            &mut row,
            [
                ("paused", false.into()),
                ("pause_reason", Value::Null),
                ("pause_kind", Value::Null),
                ("paused_until", Value::Null),
            ],
        ),
        "staff_added" => {
            let member = json!({
                "name": event.value("name"),
                "role": event.value("role"),
                "principal": event.value("principal"),
            });
            enter_in(&mut row, "staff", &event.value("staff"), member);
        }
        "staff_removed" => strike_from(&mut row, "staff", &event.value("staff")),
        "device_added" => {
            enter_in(
                &mut row,
                "devices",
                &event.value("device"),
                event.value("name"),
            );
        }
        "device_removed" => {
            strike_from(&mut row, "devices", &event.value("device"));
            strike_from(&mut row, "device_signs", &event.value("device"));
        }
        "device_heard" | "device_missed" => {
            let sign = json!({ "here": event.name == "device_heard", "at": last_heard(event) });
            enter_in(&mut row, "device_signs", &event.value("device"), sign);
        }
        _ => {}
    }
    set(
        &mut row,
        [
            ("updated_at", event.recorded()),
            ("sequence", event.sequence.into()),
        ],
    );
    Some(row)
}

fn registered(event: &Event) -> Option<Row> {
    object(json!({
        "restaurant_id": event.stream,
        "stage": "draft",
        "name": event.value("name"),
        "owner_id": event.value("owner"),
        "time_zone": event.value("time_zone"),
        "currency": event.value("currency"),
        "country": event.value("country"),
        "city": event.value("city"),
        "address_text": event.value("address_text"),
        "phone": event.value("phone"),
        "lat": event.body.pointer("/location/lat"),
        "lon": event.body.pointer("/location/lon"),
        "styles": event.value("styles"),
        "auto_fire": event.value("auto_fire"),
        "source": event.value("source"),
        "zones": [],
        "zone_shapes": shapes(&Value::Null),
        "paused": false,
        "staff": {},
        "devices": {},
        "device_signs": {},
    }))
}

/// When a device was last heard that an event is about: one that is missed was silent for some minutes before.
fn last_heard(event: &Event) -> Option<DateTime<Utc>> {
    let at: DateTime<Utc> = event.text("at")?.parse().ok()?;
    let silent = event.body["silent_for"].as_i64().unwrap_or_default();
    Some(at - TimeDelta::minutes(silent))
}

fn enter(row: &mut Row, stage: &str, event: &Event) {
    set(
        row,
        [
            ("stage", stage.into()),
            ("stage_reason", event.value("reason")),
        ],
    );
}

/// Puts an entry into a column that is an object by id.
fn enter_in(row: &mut Row, column: &str, id: &Value, entry: Value) {
    let known = row.get_mut(column).and_then(Value::as_object_mut);
    if let (Some(known), Some(id)) = (known, id.as_str()) {
        known.insert(id.to_owned(), entry);
    }
}

/// Takes an entry out of such a column.
fn strike_from(row: &mut Row, column: &str, id: &Value) {
    let known = row.get_mut(column).and_then(Value::as_object_mut);
    if let (Some(known), Some(id)) = (known, id.as_str()) {
        known.remove(id);
    }
}

/// The zones' polygons as one WKT collection, longitude first, each ring closed.
fn shapes(zones: &Value) -> String {
    let polygons: Vec<String> = zones
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|zone| zone["polygon"].as_array())
        .map(|ring| {
            let closed = ring.iter().chain(ring.first());
            let points: Vec<String> = closed
                .map(|point| {
                    let part = |name: &str| point[name].as_f64().unwrap_or_default();
                    format!("{} {}", part("lon"), part("lat"))
                })
                .collect();
            format!("POLYGON(({}))", points.join(","))
        })
        .collect();
    if polygons.is_empty() {
        "GEOMETRYCOLLECTION EMPTY".to_owned()
    } else {
        format!("GEOMETRYCOLLECTION({})", polygons.join(","))
    }
}

/// `views.menus`.
pub(super) fn menu(row: Option<Row>, event: &Event) -> Option<Row> {
    let mut row = if event.name == "published" {
        let document = event.value("document");
        let off = row
            .as_ref()
            .map_or_else(Vec::new, |before| still_off(before, &document));
        object(json!({
            "restaurant_id": event.stream,
            "version": event.value("version"),
            "document": document,
            "prices": {},
            "unavailable": off,
        }))?
    } else {
        row?
    };
    let item = named(event);
    match event.name.as_str() {
        "price_set" | "option_price_set" => {
            if let Some(prices) = row.get_mut("prices").and_then(Value::as_object_mut) {
                prices.insert(item, event.value("price_minor"));
            }
        }
        "availability_set" | "option_availability_set" => {
            if let Some(off) = row.get_mut("unavailable").and_then(Value::as_array_mut) {
                off.retain(|known| *known != *item);
                if event.body["available"] == false {
                    off.push(item.into());
                }
                off.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
            }
        }
        _ => {}
    }
    set(
        &mut row,
        [
            ("updated_at", event.recorded()),
            ("sequence", event.sequence.into()),
        ],
    );
    Some(row)
}

/// The item that an event is about, or the option as `group/option`.
fn named(event: &Event) -> String {
    let option = &event.body["option"];
    match (option["group"].as_str(), option["option"].as_str()) {
        (Some(group), Some(option)) => format!("{group}/{option}"),
        (Some(_) | None, _) => event.text("item").unwrap_or_default().to_owned(),
    }
}

/// What was switched off and is in the new document still.
fn still_off(before: &Row, document: &Value) -> Vec<Value> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut known: Vec<String> = Vec::new();
    for section in list(&document["sections"]) {
        let items = list(&section["items"]).into_iter();
        known.extend(items.filter_map(|item| item["key"].as_str().map(str::to_owned)));
    }
    for group in list(&document["option_groups"]) {
        let options = list(&group["options"]).into_iter();
        let name = |option: Value| {
            Some(format!(
                "{}/{}",
                group["key"].as_str()?,
                option["key"].as_str()?
            ))
        };
        known.extend(options.filter_map(name));
    }
    let off = before.get("unavailable").and_then(Value::as_array);
    off.into_iter()
        .flatten()
        .filter(|name| known.iter().any(|known| name.as_str() == Some(known)))
        .cloned()
        .collect()
}
