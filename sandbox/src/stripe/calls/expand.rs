//! `expand[]`: ids in an answer replaced by their objects (docs.stripe.com/expand).

use serde_json::Value;

use crate::stripe::balance;
use crate::stripe::error::ApiError;
use crate::stripe::render;
use crate::stripe::store::State;

/// Deepest path that may be expanded.
const DEPTH_MAX: usize = 4;

/// Replaces the ids at `paths` in `value`.
///
/// # Errors
/// A path that is too deep or leads to nothing that can be expanded.
pub(crate) fn expand(state: &State, value: &mut Value, paths: &[String]) -> Result<(), ApiError> {
    for path in paths {
        let fields: Vec<&str> = path.split('.').collect();
        if fields.len() > DEPTH_MAX || !follow(state, value, &fields) {
            let message = format!("This property cannot be expanded ({path}).");
            return Err(ApiError::invalid(
                "parameter_invalid_value",
                "expand",
                message,
            ));
        }
    }
    Ok(())
}

/// Follows `fields` from `value`; false when they lead to nothing that can be expanded.
fn follow(state: &State, value: &mut Value, fields: &[&str]) -> bool {
    let [first, rest @ ..] = fields else {
        return true;
    };
    if let Value::Array(items) = value {
        return items.iter_mut().all(|item| follow(state, item, fields));
    }
    let Some(field) = value.get_mut(*first) else {
        return false;
    };
    match field {
        Value::Null => true,
        Value::String(id) => match object(state, id) {
            Some(found) => {
                *field = found;
                follow(state, field, rest)
            }
            None => false,
        },
        Value::Array(_) | Value::Object(_) => follow(state, field, rest),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The object behind an id, by its prefix.
fn object(state: &State, id: &str) -> Option<Value> {
    match id.split_once('_')?.0 {
        "pi" => state.intents.get(id).map(|found| render::intent(found)),
        "ch" => state.charges.get(id).map(|found| render::charge(found)),
        "re" => state.refunds.get(id).map(|found| render::refund(found)),
        "pm" => state
            .methods
            .get(id)
            .map(|found| render::payment_method(found)),
        "dp" => state.disputes.get(id).map(|found| render::dispute(found)),
        "prv" => state.reviews.get(id).map(|found| render::review(found)),
        "txn" => balance::transaction(state, id),
        _ => None,
    }
}
