//! A promotion's row.

use serde_json::{Value, json};

use super::{Row, count_up, object, set};
use crate::check::store::Event;

/// `views.promotions`.
pub(super) fn promotion(row: Option<Row>, event: &Event) -> Option<Row> {
    if event.name == "created" {
        let mut terms = event.body.clone();
        let members = terms.as_object_mut()?;
        members.remove("type");
        return object(json!({
            "promotion_id": event.stream,
            "sequence": event.sequence,
            "restaurant_id": event.body.pointer("/issuer/restaurant"),
            "code": event.value("code"),
            "stage": "active",
            "terms": terms,
            "redeemed": 0,
            "updated_at": event.recorded(),
        }));
    }
    let mut row = row?;
    match event.name.as_str() {
        "limits_set" => {
            let terms = row.get_mut("terms").and_then(Value::as_object_mut)?;
            terms.insert("limits".to_owned(), event.value("limits"));
        }
        "ended" => set(
            &mut row,
            [("stage", "ended".into()), ("ended_at", event.value("at"))],
        ),
        "redeemed" => count_up(&mut row, "redeemed"),
        "redemption_released" => {
            let so_far = row.get("redeemed").and_then(Value::as_i64)?;
            set(&mut row, [("redeemed", so_far.saturating_sub(1).into())]);
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
