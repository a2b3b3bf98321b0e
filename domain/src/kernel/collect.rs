//! Reads a JSON document into kernel values and reports every fault with its pointer, not only the first.
//!
//! serde stops at the first error. So a body is read with serde, and only when that fails once more through
//! [`Collect`], for the whole list. A struct joins with `collect_struct!`, a value with `leaf!`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fault::{Faults, Pointer};

/// A type that can be read from JSON with all its faults.
pub trait Collect: Sized {
    /// Reads it; on any fault notes each of them and gives nothing.
    fn collect(value: &Value, at: &Pointer, faults: &mut Faults) -> Option<Self>;

    /// What a missing member stands for; nothing when it must be there.
    fn missing() -> Option<Self> {
        None
    }
}

/// Reads a whole document.
///
/// # Errors
/// Every fault, each with its pointer.
pub fn collect<T: Collect>(value: &Value) -> Result<T, Faults> {
    let mut faults = Faults::default();
    match T::collect(value, &Pointer::root(), &mut faults) {
        Some(read) => faults.or(read),
        None => Err(faults),
    }
}

/// Reads one member of an object.
pub fn member<T: Collect>(
    object: &Map<String, Value>,
    name: &str,
    at: &Pointer,
    faults: &mut Faults,
) -> Option<T> {
    let at = at.at(name);
    match object.get(name) {
        Some(value) => T::collect(value, &at, faults),
        None => T::missing().or_else(|| {
            faults.add("missing", &at, format!("{name} is missing"));
            None
        }),
    }
}

/// The object at this place, with a fault for each member that is not among `known`.
pub fn object<'a>(
    value: &'a Value,
    known: &[&str],
    at: &Pointer,
    faults: &mut Faults,
) -> Option<&'a Map<String, Value>> {
    let Some(object) = value.as_object() else {
        faults.add("not_an_object", at, "expected an object");
        return None;
    };
    for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
        faults.add("unknown_member", &at.at(name), "this member is not known");
    }
    Some(object)
}

impl<T: Collect> Collect for Option<T> {
    fn collect(value: &Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        if value.is_null() {
            Some(None)
        } else {
            T::collect(value, at, faults).map(Some)
        }
    }

    fn missing() -> Option<Self> {
        Some(None)
    }
}

impl<T: Collect> Collect for Box<T> {
    fn collect(value: &Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        T::collect(value, at, faults).map(Self::new)
    }
}

impl<T: Collect> Collect for Vec<T> {
    fn collect(value: &Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        let Some(list) = value.as_array() else {
            faults.add("not_a_list", at, "expected a list");
            return None;
        };
        // Every element is visited before the first missing one ends the collection.
        let read: Vec<Option<T>> = list
            .iter()
            .enumerate()
            .map(|(index, value)| T::collect(value, &at.at(index), faults))
            .collect();
        read.into_iter().collect()
    }
}

impl<K: Collect + Ord, V: Collect> Collect for BTreeMap<K, V> {
    fn collect(value: &Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        let Some(map) = value.as_object() else {
            faults.add("not_an_object", at, "expected an object");
            return None;
        };
        let read: Vec<Option<(K, V)>> = map
            .iter()
            .map(|(name, value)| {
                let at = at.at(name);
                let key = K::collect(&Value::String(name.clone()), &at, faults);
                let value = V::collect(value, &at, faults);
                key.zip(value)
            })
            .collect();
        read.into_iter().collect()
    }
}

/// Makes values readable whose only fault is their own: through serde, with one code.
macro_rules! leaf {
    ($($type:ty => $code:literal),+ $(,)?) => { $(
        impl crate::kernel::collect::Collect for $type {
            fn collect(
                value: &serde_json::Value,
                at: &crate::kernel::fault::Pointer,
                faults: &mut crate::kernel::fault::Faults,
            ) -> Option<Self> {
                match <$type as serde::Deserialize>::deserialize(value) {
                    Ok(read) => Some(read),
                    Err(error) => {
                        faults.add($code, at, error.to_string());
                        None
                    }
                }
            }
        }
    )+ };
}
pub(crate) use leaf;

leaf! {
    bool => "not_a_boolean",
    u8 => "not_a_whole_number",
    u32 => "not_a_whole_number",
    i64 => "not_a_whole_number",
    String => "not_a_text",
    uuid::Uuid => "id_malformed",
    chrono::NaiveDate => "date_malformed",
    chrono::DateTime<chrono::Utc> => "instant_malformed",
}

/// Makes a struct readable member by member. `name` must be there unless its type says otherwise; `name = value` is the
/// default of a missing member, as `#[serde(default)]` has it. Leaving a field out does not compile.
#[macro_export]
macro_rules! collect_struct {
    ($type:ty { $($field:ident $(= $default:expr)?),+ $(,)? }) => {
        impl $crate::kernel::collect::Collect for $type {
            fn collect(
                value: &serde_json::Value,
                at: &$crate::kernel::fault::Pointer,
                faults: &mut $crate::kernel::fault::Faults,
            ) -> Option<Self> {
                let object =
                    $crate::kernel::collect::object(value, &[$(stringify!($field)),+], at, faults)?;
                $(let $field = $crate::collect_struct!(@read object, $field, at, faults $(, $default)?);)+
                Some(Self { $($field: $field?),+ })
            }
        }
    };
    (@read $object:ident, $field:ident, $at:ident, $faults:ident, $default:expr) => {
        if $object.contains_key(stringify!($field)) {
            $crate::kernel::collect::member($object, stringify!($field), $at, $faults)
        } else {
            Some($default)
        }
    };
    (@read $object:ident, $field:ident, $at:ident, $faults:ident) => {
        $crate::kernel::collect::member($object, stringify!($field), $at, $faults)
    };
}
