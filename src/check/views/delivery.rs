//! A delivery's row and a driver's.

use serde_json::{Value, json};

use super::{Row, count_up, object, set};
use crate::check::store::Event;

/// How far a delivery is. News that comes out of order never moves it backwards.
const WAY: &[&str] = &[
    "requested",
    "unassigned",
    "assigned",
    "at_pickup",
    "picked_up",
    "en_route",
    "at_dropoff",
    "delivered",
    "failed",
    "cancelled",
];

fn advance(row: &mut Row, to: &str) {
    let step = |stage: &str| WAY.iter().position(|known| *known == stage);
    let now = row.get("stage").and_then(Value::as_str).and_then(step);
    if now < step(to) {
        set(row, [("stage", to.into())]);
    }
}

/// `views.deliveries`.
pub(super) fn delivery(row: Option<Row>, event: &Event) -> Option<Row> {
    let at = event.value("at");
    if event.name == "requested" {
        return object(json!({
            "delivery_id": event.stream,
            "sequence": event.sequence,
            "order_id": event.value("order"),
            "restaurant_id": event.value("restaurant"),
            "customer_id": event.value("customer"),
            "stage": "requested",
            "number": event.value("number"),
            "pickup_name": event.value("pickup_name"),
            "pickup_lat": event.body.pointer("/pickup/lat"),
            "pickup_lon": event.body.pointer("/pickup/lon"),
            "dropoff": event.value("dropoff"),
            "pin": event.value("pin"),
            "bowls": event.value("bowls"),
            "deadline": event.value("deadline"),
            "requested_at": at,
            "contact_attempts": 0,
            "pin_failures": 0,
            "updated_at": at,
        }));
    }
    let mut row = row?;
    match event.name.as_str() {
        "assigned" => {
            set(
                &mut row,
                [
                    ("stage", "assigned".into()),
                    ("driver_id", event.value("driver")),
                ],
            );
        }
        // The next driver has to come and to check for himself.
        "unassigned" => set(
            &mut row,
            [
                ("stage", "unassigned".into()),
                ("driver_id", Value::Null),
                ("at_pickup_at", Value::Null),
                ("verified_at", Value::Null),
                ("checks", Value::Null),
            ],
        ),
        "arrived_at_pickup" => {
            set(&mut row, [("at_pickup_at", at.clone())]);
            advance(&mut row, "at_pickup");
        }
        "pickup_verified" => {
            set(
                &mut row,
                [
                    ("verified_at", at.clone()),
                    ("checks", event.value("checks")),
                ],
            );
        }
        "picked_up" => {
            set(&mut row, [("picked_up_at", at.clone())]);
            advance(&mut row, "picked_up");
        }
        "departed" => advance(&mut row, "en_route"),
        "arrived_at_dropoff" => {
            set(&mut row, [("at_dropoff_at", at.clone())]);
            advance(&mut row, "at_dropoff");
        }
        "dropoff_corrected" => set(
            &mut row,
            [
                ("dropoff", event.value("dropoff")),
                ("dropoff_corrected_at", at.clone()),
            ],
        ),
        "contact_attempted" => count_up(&mut row, "contact_attempts"),
        "pin_failed" => count_up(&mut row, "pin_failures"),
        "delivered" => set(
            &mut row,
            [
                ("stage", "delivered".into()),
                ("proof", event.value("proof")),
                ("delivered_at", at.clone()),
                ("ended_at", at.clone()),
            ],
        ),
        "failed" | "cancelled" => set(
            &mut row,
            [
                ("stage", event.name.as_str().into()),
                ("end_reason", event.value("reason")),
                ("ended_at", at.clone()),
            ],
        ),
        _ => {}
    }
    set(
        &mut row,
        [("updated_at", at), ("sequence", event.sequence.into())],
    );
    Some(row)
}

/// `views.drivers`.
pub(super) fn driver(row: Option<Row>, event: &Event) -> Option<Row> {
    let at = event.value("at");
    if event.name == "registered" {
        return object(json!({
            "driver_id": event.stream,
            "sequence": event.sequence,
            "stage": "registered",
            "name": event.value("name"),
            "phone": event.value("phone"),
            "vehicle": event.value("vehicle"),
            "registered_at": at,
            "updated_at": at,
        }));
    }
    let mut row = row?;
    set(
        &mut row,
        [
            ("stage", event.name.as_str().into()),
            ("stage_reason", event.value("reason")),
            ("updated_at", at),
            ("sequence", event.sequence.into()),
        ],
    );
    Some(row)
}
