//! A cart's row.

use serde_json::{Value, json};

use super::{Row, object, set};
use crate::check::store::Event;

/// `views.carts`.
pub(super) fn cart(row: Option<Row>, event: &Event) -> Option<Row> {
    if event.name == "opened" {
        return object(json!({
            "cart_id": event.stream,
            "sequence": event.sequence,
            "customer_id": event.value("customer"),
            "restaurant_id": event.value("restaurant"),
            "channel": event.value("channel"),
            "stage": "open",
            "lines": {},
            "tip_minor": 0,
            "expires_at": event.value("expires_at"),
            "opened_at": event.value("at"),
            "updated_at": event.value("at"),
        }));
    }
    let mut row = row?;
    let line = event.number("line").unwrap_or_default().to_string();
    let lines = row.get_mut("lines").and_then(Value::as_object_mut);
    match (event.name.as_str(), lines) {
        ("line_added" | "line_changed", Some(lines)) => {
            lines.insert(line, event.value("choice"));
        }
        ("line_removed", Some(lines)) => {
            lines.remove(&line);
        }
        ("fulfilment_set", _) => {
            let wanted = ("wanted", event.value("window"));
            set(
                &mut row,
                [("fulfilment", event.value("fulfilment")), wanted],
            );
        }
        ("promotion_set", _) => set(&mut row, [("promotion", event.value("promotion"))]),
        ("tip_set", _) => set(&mut row, [("tip_minor", event.value("amount_minor"))]),
        ("checked_out", _) => {
            set(
                &mut row,
                [
                    ("stage", "checked_out".into()),
                    ("order_id", event.value("order")),
                ],
            );
        }
        ("claimed", _) => set(&mut row, [("stage", "claimed".into())]),
        ("abandoned", _) => set(&mut row, [("stage", "abandoned".into())]),
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
