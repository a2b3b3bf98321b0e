//! Wire names of unit values: what serde writes for them, as the columns keep them.

use serde::Serialize;
use serde_json::Value;

use crate::views::FoldError;

/// The text that serde writes for `value`.
///
/// # Errors
/// When it is written as anything but text.
pub(crate) fn name_of(value: &impl Serialize) -> Result<String, FoldError> {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => Ok(name),
        Ok(other) => Err(FoldError::Senseless(format!("{other} is no name"))),
        Err(error) => Err(FoldError::Senseless(error.to_string())),
    }
}

/// `value` as a JSON document.
///
/// # Errors
/// When it cannot be written as JSON.
pub(crate) fn document(value: &impl Serialize) -> Result<Value, FoldError> {
    serde_json::to_value(value).map_err(|error| FoldError::Senseless(error.to_string()))
}
