//! A payment's row.

use serde_json::{Value, json};

use super::{Row, object, set};
use crate::check::store::Event;

/// `views.payments`.
pub(super) fn payment(row: Option<Row>, event: &Event) -> Option<Row> {
    if event.name == "requested" {
        return object(json!({
            "payment_id": event.stream,
            "sequence": event.sequence,
            "order_id": event.value("order"),
            "customer_id": event.value("customer"),
            "restaurant_id": event.value("restaurant"),
            "stage": "requires_payment",
            "attempt": event.value("attempt"),
            "amount_minor": event.body.pointer("/amount/amount_minor"),
            "captured_minor": 0,
            "refunded_minor": 0,
            "currency": event.body.pointer("/amount/currency"),
            "refunds": {},
            "updated_at": event.value("at"),
        }));
    }
    let mut row = row?;
    let stage = match event.name.as_str() {
        "action_required" => Some("requires_action"),
        "declined" => Some("requires_payment"),
        "authorized" => Some("authorized"),
        "failed" => Some("failed"),
        "capture_requested" => Some("capturing"),
        "captured" => Some("captured"),
        "capture_failed" => Some("capture_failed"),
        "void_requested" => Some("voiding"),
        "voided" => Some("voided"),
        "expired_by_vendor" => Some("expired"),
        _ => None,
    };
    if let Some(stage) = stage {
        set(&mut row, [("stage", stage.into())]);
    }
    if let Some(code) = event.text("code") {
        set(&mut row, [("failure_code", code.into())]);
    }
    match event.name.as_str() {
        // Another means of payment is being tried.
        "action_required" => set(&mut row, [("failure_code", Value::Null)]),
        "intent_created" => set(&mut row, [("intent", event.value("intent"))]),
        "captured" => {
            set(
                &mut row,
                [(
                    "captured_minor",
                    event.body["amount"]["amount_minor"].clone(),
                )],
            );
        }
        "refund_requested" => {
            let refund = json!({
                "amount_minor": event.body.pointer("/amount/amount_minor"),
                "reason": event.value("reason"),
                "state": "requested",
            });
            if let Some(refunds) = row.get_mut("refunds").and_then(Value::as_object_mut) {
                refunds.insert(event.text("refund").unwrap_or_default().to_owned(), refund);
            }
        }
        "refunded" => settle(&mut row, event, "refunded"),
        "refund_failed" => settle(&mut row, event, "failed"),
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

fn settle(row: &mut Row, event: &Event, state: &str) {
    let Some(refunds) = row.get_mut("refunds").and_then(Value::as_object_mut) else {
        return;
    };
    let named = event
        .text("refund")
        .and_then(|refund| refunds.get_mut(refund));
    if let Some(refund) = named.and_then(Value::as_object_mut) {
        refund.insert("state".to_owned(), state.into());
    }
    let returned: i64 = refunds
        .values()
        .filter(|refund| refund["state"] == "refunded")
        .filter_map(|refund| refund["amount_minor"].as_i64())
        .sum();
    set(row, [("refunded_minor", returned.into())]);
}
