//! A member of a change that may be left out, taken back with `null`, or set: three things where an `Option` knows two.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::collect::Collect;
use super::fault::{Faults, Pointer};

/// What becomes of a value that may be absent. Read with `#[serde(default)]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// It stays: the member was left out.
    #[default]
    Keep,
    /// It is taken back: the member was `null`.
    Clear,
    /// It is this from now on.
    Set(T),
}

impl<T> Patch<T> {
    /// What `known` becomes.
    pub fn of(self, known: Option<T>) -> Option<T> {
        match self {
            Self::Keep => known,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<T> From<Option<T>> for Patch<T> {
    fn from(read: Option<T>) -> Self {
        read.map_or(Self::Clear, Self::Set)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<T>::deserialize(deserializer).map(Self::from)
    }
}

impl<T: Collect> Collect for Patch<T> {
    fn collect(value: &Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        Option::<T>::collect(value, at, faults).map(Self::from)
    }

    fn missing() -> Option<Self> {
        Some(Self::Keep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn left_out_stays_and_null_takes_back() {
        let known = || Some(3);
        assert_eq!(Patch::Keep.of(known()), known());
        assert_eq!(Patch::Clear.of(known()), None);
        assert_eq!(Patch::Set(4).of(None), Some(4));
    }
}
