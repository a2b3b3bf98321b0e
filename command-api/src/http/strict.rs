//! Values of the domain in a request's body. As parts of events they take members that they do not know,
//! which a later version may have written; a client's misspelt member must be refused all the same.

use domain::kernel::collect::{Collect, collect};
use domain::kernel::fault::{Faults, Pointer};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A value that is read by its collecting reader, which knows all members.
#[derive(Debug)]
pub(super) struct Strict<T>(pub(super) T);

impl<'de, T: Collect> Deserialize<'de> for Strict<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        collect(&value).map(Self).map_err(D::Error::custom)
    }
}

impl<T: Collect> Collect for Strict<T> {
    fn collect(value: &Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        T::collect(value, at, faults).map(Self)
    }

    fn missing() -> Option<Self> {
        T::missing().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use domain::kernel::quantity::IngredientAmount;

    use super::*;

    #[test]
    fn members_that_are_not_known_are_refused() {
        let good = r#"{"ingredient":"noodles","amount":3}"#;
        assert!(serde_json::from_str::<Strict<IngredientAmount>>(good).is_ok());
        let bad = r#"{"ingredient":"noodles","amount":3,"amuont":4}"#;
        assert!(serde_json::from_str::<IngredientAmount>(bad).is_ok());
        assert!(serde_json::from_str::<Strict<IngredientAmount>>(bad).is_err());
    }
}
