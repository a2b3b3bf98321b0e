//! JSON as somebody hostile sends it, and where in a document it stands.

use proptest::prelude::*;
use serde_json::{Value, json};

/// Anything that JSON can be: among it piles of accents, other cases and forms of a key, numbers beyond every type.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let marks = "\u{301}".repeat(100_000);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(json!(marks)),
        Just(json!("G0")),
        Just(json!("ｇ0")),
        Just(json!("e\u{301}")),
        Just(json!(u64::MAX)),
        Just(json!("g0")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z_~/]{1,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The pointers of all places in a document.
pub(crate) fn places(value: &Value, at: String, found: &mut Vec<String>) {
    if let Some(members) = value.as_object() {
        members
            .iter()
            .for_each(|(name, value)| places(value, format!("{at}/{}", escaped(name)), found));
    }
    if let Some(elements) = value.as_array() {
        elements
            .iter()
            .enumerate()
            .for_each(|(index, value)| places(value, format!("{at}/{index}"), found));
    }
    found.push(at);
}

/// A member's name as pointers write it (RFC 6901).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Whether a pointer resolves, or names a member that is missing from an object that is there.
pub(crate) fn leads_into(document: &Value, pointer: &str) -> bool {
    let holder = pointer.rsplit_once('/').map_or("", |(holder, _)| holder);
    document.pointer(pointer).is_some() || document.pointer(holder).is_some_and(Value::is_object)
}
